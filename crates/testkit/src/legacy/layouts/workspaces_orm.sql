-- What workspace-service's ORM makes where the script never ran (contract 2.6): no foreign keys, because the types do
-- not meet; no checks, no triggers, no unique constraints; times with a zone. The service creates each of these only if
-- it is missing.
CREATE TABLE workspaces (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id varchar(255) NOT NULL, name varchar(255) NOT NULL,
    description text, settings jsonb, created_by varchar(255) NOT NULL, created_at timestamptz,
    updated_at timestamptz, deleted_at timestamptz
);
CREATE TABLE projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), workspace_id varchar(255) NOT NULL, name varchar(255) NOT NULL,
    description text, status varchar(50) DEFAULT 'active', settings jsonb, created_by varchar(255) NOT NULL,
    created_at timestamptz, updated_at timestamptz, deleted_at timestamptz
);
CREATE TABLE airtable_bases (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), project_id varchar(255) NOT NULL, base_id varchar(255) NOT NULL,
    name varchar(255) NOT NULL, description text, sync_enabled boolean DEFAULT true, last_sync_at timestamptz,
    created_at timestamptz, updated_at timestamptz, deleted_at timestamptz
);
CREATE TABLE workspace_members (
    workspace_id varchar(255) NOT NULL, user_id varchar(255) NOT NULL, role varchar(50) NOT NULL,
    joined_at timestamptz, PRIMARY KEY (workspace_id, user_id)
);
CREATE TABLE workspace_audit_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), workspace_id varchar(255) NOT NULL,
    user_id varchar(255) NOT NULL, action varchar(100) NOT NULL, resource_type varchar(50) NOT NULL,
    resource_id varchar(255), changes jsonb, created_at timestamptz
);
