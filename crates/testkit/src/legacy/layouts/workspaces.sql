-- workspace-service's script (contract 2.6), without its triggers. Times have no zone (T-51); the unique keys with
-- deleted_at do nothing for live rows (T-49).
CREATE TABLE workspaces (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id varchar(255) NOT NULL, name varchar(255) NOT NULL,
    description text, settings jsonb NOT NULL DEFAULT '{}', created_by varchar(255) NOT NULL,
    created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now(), deleted_at timestamp,
    UNIQUE (tenant_id, name, deleted_at));
CREATE INDEX idx_workspaces_tenant_id ON workspaces (tenant_id);
CREATE INDEX idx_workspaces_created_by ON workspaces (created_by);
CREATE INDEX idx_workspaces_deleted_at ON workspaces (deleted_at);
CREATE TABLE projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    name varchar(255) NOT NULL, description text,
    status varchar(50) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived', 'deleted')),
    settings jsonb NOT NULL DEFAULT '{}', created_by varchar(255) NOT NULL, created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now(), deleted_at timestamp, UNIQUE (workspace_id, name, deleted_at));
CREATE INDEX idx_projects_workspace_id ON projects (workspace_id);
CREATE INDEX idx_projects_status ON projects (status);
CREATE INDEX idx_projects_created_by ON projects (created_by);
CREATE INDEX idx_projects_deleted_at ON projects (deleted_at);
CREATE TABLE airtable_bases (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    base_id varchar(255) NOT NULL, name varchar(255) NOT NULL, description text, sync_enabled boolean DEFAULT true,
    last_sync_at timestamp, created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now(),
    deleted_at timestamp, UNIQUE (project_id, base_id, deleted_at));
CREATE INDEX idx_airtable_bases_project_id ON airtable_bases (project_id);
CREATE INDEX idx_airtable_bases_base_id ON airtable_bases (base_id);
CREATE INDEX idx_airtable_bases_sync_enabled ON airtable_bases (sync_enabled);
CREATE INDEX idx_airtable_bases_deleted_at ON airtable_bases (deleted_at);
CREATE TABLE workspace_members (
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE, user_id varchar(255) NOT NULL,
    role varchar(50) NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    joined_at timestamp DEFAULT now(), PRIMARY KEY (workspace_id, user_id));
CREATE INDEX idx_workspace_members_user_id ON workspace_members (user_id);
CREATE INDEX idx_workspace_members_role ON workspace_members (role);
CREATE TABLE workspace_audit_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    user_id varchar(255) NOT NULL, action varchar(100) NOT NULL, resource_type varchar(50) NOT NULL,
    resource_id varchar(255), changes jsonb, created_at timestamp DEFAULT now());
CREATE INDEX idx_workspace_audit_logs_workspace_id ON workspace_audit_logs (workspace_id);
CREATE INDEX idx_workspace_audit_logs_user_id ON workspace_audit_logs (user_id);
CREATE INDEX idx_workspace_audit_logs_action ON workspace_audit_logs (action);
CREATE INDEX idx_workspace_audit_logs_resource_type ON workspace_audit_logs (resource_type);
CREATE INDEX idx_workspace_audit_logs_created_at ON workspace_audit_logs (created_at);
