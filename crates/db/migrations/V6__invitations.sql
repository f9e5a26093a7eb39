-- Invitations by e-mail address, and who was switched off by the suspension of a tenant (T-54).

-- Columns that a tenants table of somebody else's making may lack (contract 2.7); all with constant defaults.
DO $$
DECLARE
    wanted record;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = to_regclass('tenants')) = 'r' THEN
        FOR wanted IN
            SELECT * FROM (VALUES
                ('slug', 'varchar(50) CONSTRAINT tenants_slug_key UNIQUE'),
                ('domain', 'varchar(255) CONSTRAINT tenants_domain_key UNIQUE'),
                ('plan', 'varchar(50) NOT NULL DEFAULT ''free'''),
                ('status', 'varchar(20) NOT NULL DEFAULT ''active'''),
                ('is_active', 'boolean NOT NULL DEFAULT true'),
                ('settings', 'jsonb NOT NULL DEFAULT ''{}'''), ('subscription', 'jsonb NOT NULL DEFAULT ''{}'''),
                ('metadata', 'jsonb NOT NULL DEFAULT ''{}'''),
                ('created_at', 'timestamptz NOT NULL DEFAULT now()'),
                ('updated_at', 'timestamptz NOT NULL DEFAULT now()'), ('deleted_at', 'timestamptz')
            ) AS columns (name, definition)
            WHERE NOT EXISTS (SELECT FROM pg_attribute a
                WHERE a.attrelid = to_regclass('tenants') AND a.attname = columns.name AND NOT a.attisdropped)
        LOOP
            EXECUTE format('ALTER TABLE tenants ADD COLUMN %I %s', wanted.name, wanted.definition);
        END LOOP;
    END IF;
END
$$;

-- A tenant without a row (T-53) gets one the first time it is changed, by its own transaction; row-level security
-- lets that transaction insert no other tenant's row.
GRANT INSERT ON tenants TO pyairtable_app;

-- A token's row keeps only its SHA-256: whoever reads the table can accept nothing.
CREATE TABLE IF NOT EXISTS invitations (
    id uuid CONSTRAINT invitations_pkey PRIMARY KEY,
    tenant_id uuid NOT NULL,
    email varchar(255) NOT NULL,
    role varchar(50) NOT NULL,
    status text NOT NULL
        CONSTRAINT invitations_status_check CHECK (status IN ('pending', 'accepted', 'revoked', 'expired')),
    token_hash bytea NOT NULL CONSTRAINT invitations_token_hash_key UNIQUE,
    invited_by uuid,
    accepted_by uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz
);
-- One pending invitation an address and tenant, whatever the spelling of the address.
CREATE UNIQUE INDEX IF NOT EXISTS invitations_pending_email_key
    ON invitations (tenant_id, lower(email COLLATE "C")) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS invitations_tenant_created_idx ON invitations (tenant_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS invitations_pending_expires_idx ON invitations (expires_at) WHERE status = 'pending';

SELECT platform_protect('invitations', 'tenant_id');
GRANT SELECT, INSERT, UPDATE ON invitations TO pyairtable_app;
GRANT SELECT, UPDATE ON invitations TO pyairtable_system;

-- A table and not a field of tenants.metadata: an old service writes that field back whole, and a thousand people
-- would make it a document that is rewritten with every change.
CREATE TABLE IF NOT EXISTS tenant_suspended_users (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    suspended_at timestamptz NOT NULL,
    CONSTRAINT tenant_suspended_users_pkey PRIMARY KEY (tenant_id, user_id)
);

SELECT platform_protect('tenant_suspended_users', 'tenant_id');
GRANT SELECT, INSERT, DELETE ON tenant_suspended_users TO pyairtable_app;
