-- Workspaces, projects, connected bases, members and their audit trail, in the shape the old service's script left them
-- (contract 2.6). Where its ORM made the tables instead, parent ids are varchar and times carry a zone; they are left
-- as they are, and every statement of the program casts. No triggers, no surrogate keys, no unique index on live names
-- (T-49): the program holds those rules under locks, with the old triggers or without.

DO $$
BEGIN
    IF to_regclass('workspaces') IS NULL THEN
        CREATE TABLE workspaces (
            id uuid CONSTRAINT workspaces_pkey PRIMARY KEY DEFAULT gen_random_uuid(),
            tenant_id varchar(255) NOT NULL,
            name varchar(255) NOT NULL,
            description text,
            settings jsonb NOT NULL DEFAULT '{}',
            created_by varchar(255) NOT NULL,
            created_at timestamp DEFAULT now(),
            updated_at timestamp DEFAULT now(),
            deleted_at timestamp,
            CONSTRAINT workspaces_tenant_id_name_deleted_at_key UNIQUE (tenant_id, name, deleted_at)
        );
        CREATE INDEX workspaces_tenant_created_idx ON workspaces (tenant_id, created_at DESC, id DESC);
        CREATE INDEX workspaces_created_by_idx ON workspaces (created_by);
    END IF;
    IF to_regclass('projects') IS NULL THEN
        CREATE TABLE projects (
            id uuid CONSTRAINT projects_pkey PRIMARY KEY DEFAULT gen_random_uuid(),
            workspace_id uuid NOT NULL CONSTRAINT projects_workspace_id_fkey REFERENCES workspaces ON DELETE CASCADE,
            name varchar(255) NOT NULL,
            description text,
            status varchar(50) NOT NULL DEFAULT 'active'
                CONSTRAINT projects_status_check CHECK (status IN ('active', 'archived', 'deleted')),
            settings jsonb NOT NULL DEFAULT '{}',
            created_by varchar(255) NOT NULL,
            created_at timestamp DEFAULT now(),
            updated_at timestamp DEFAULT now(),
            deleted_at timestamp,
            CONSTRAINT projects_workspace_id_name_deleted_at_key UNIQUE (workspace_id, name, deleted_at)
        );
        CREATE INDEX projects_workspace_created_idx ON projects (workspace_id, created_at DESC, id DESC);
        CREATE INDEX projects_created_by_idx ON projects (created_by);
    END IF;
    IF to_regclass('airtable_bases') IS NULL THEN
        CREATE TABLE airtable_bases (
            id uuid CONSTRAINT airtable_bases_pkey PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id uuid NOT NULL CONSTRAINT airtable_bases_project_id_fkey REFERENCES projects ON DELETE CASCADE,
            base_id varchar(255) NOT NULL,
            name varchar(255) NOT NULL,
            description text,
            sync_enabled boolean DEFAULT true,
            last_sync_at timestamp,
            created_at timestamp DEFAULT now(),
            updated_at timestamp DEFAULT now(),
            deleted_at timestamp,
            CONSTRAINT airtable_bases_project_id_base_id_deleted_at_key UNIQUE (project_id, base_id, deleted_at)
        );
        CREATE INDEX airtable_bases_project_created_idx ON airtable_bases (project_id, created_at DESC, id DESC);
        CREATE INDEX airtable_bases_base_id_idx ON airtable_bases (base_id);
    END IF;
    IF to_regclass('workspace_members') IS NULL THEN
        CREATE TABLE workspace_members (
            workspace_id uuid NOT NULL
                CONSTRAINT workspace_members_workspace_id_fkey REFERENCES workspaces ON DELETE CASCADE,
            user_id varchar(255) NOT NULL,
            role varchar(50) NOT NULL
                CONSTRAINT workspace_members_role_check CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
            joined_at timestamp DEFAULT now(),
            CONSTRAINT workspace_members_pkey PRIMARY KEY (workspace_id, user_id)
        );
        CREATE INDEX workspace_members_user_id_idx ON workspace_members (user_id);
    END IF;
    IF to_regclass('workspace_audit_logs') IS NULL THEN
        CREATE TABLE workspace_audit_logs (
            id uuid CONSTRAINT workspace_audit_logs_pkey PRIMARY KEY DEFAULT gen_random_uuid(),
            workspace_id uuid NOT NULL
                CONSTRAINT workspace_audit_logs_workspace_id_fkey REFERENCES workspaces ON DELETE CASCADE,
            user_id varchar(255) NOT NULL,
            action varchar(100) NOT NULL,
            resource_type varchar(50) NOT NULL,
            resource_id varchar(255),
            changes jsonb,
            created_at timestamp DEFAULT now()
        );
        CREATE INDEX workspace_audit_logs_workspace_created_idx
            ON workspace_audit_logs (workspace_id, created_at DESC, id DESC);
        CREATE INDEX workspace_audit_logs_user_id_idx ON workspace_audit_logs (user_id);
    END IF;
END
$$;

-- Like platform_protect, for tables whose tenant is their parent's: `predicate` says which rows are the tenant's.
CREATE OR REPLACE FUNCTION platform_protect_where(relation text, predicate text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    target regclass := to_regclass(relation);
    kind "char";
    had_policies boolean;
BEGIN
    SELECT c.relkind, c.relrowsecurity INTO kind, had_policies FROM pg_class c WHERE c.oid = target;
    IF kind IS DISTINCT FROM 'r' AND kind IS DISTINCT FROM 'p' THEN
        RETURN; -- a view has no policies of its own
    END IF;
    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = target AND polname = 'platform_tenant') THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE POLICY platform_access ON %s AS PERMISSIVE FOR ALL TO %s USING (true) WITH CHECK (true)',
        target, CASE WHEN had_policies THEN 'pyairtable_app, pyairtable_system' ELSE 'PUBLIC' END);
    EXECUTE format('CREATE POLICY platform_tenant ON %s AS RESTRICTIVE FOR ALL TO pyairtable_app USING (%s) WITH CHECK (%s)',
        target, predicate, predicate);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
END
$$;

-- The casts of the parent's id change nothing where it is a uuid, so the keys' indexes serve; where it is a varchar,
-- they read it as the uuid it holds.
SELECT platform_protect('workspaces', 'tenant_id');
SELECT platform_protect_where(child, format(
        'EXISTS (SELECT FROM workspaces w WHERE w.id = %I.workspace_id::uuid'
        ' AND w.tenant_id::text = current_setting(''app.tenant_id'', true))', child))
    FROM unnest(ARRAY['projects', 'workspace_members', 'workspace_audit_logs']) AS child;
SELECT platform_protect_where('airtable_bases',
    'EXISTS (SELECT FROM projects p JOIN workspaces w ON w.id = p.workspace_id::uuid'
    ' WHERE p.id = airtable_bases.project_id::uuid'
    ' AND w.tenant_id::text = current_setting(''app.tenant_id'', true))');

GRANT SELECT, INSERT, UPDATE ON workspaces, projects, airtable_bases TO pyairtable_app, pyairtable_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON workspace_members TO pyairtable_app, pyairtable_system;
-- Append-only: nobody the program runs as changes or removes what was written.
GRANT SELECT, INSERT ON workspace_audit_logs TO pyairtable_app, pyairtable_system;
