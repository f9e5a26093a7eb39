-- Tenants. No migration of the old services creates this table, yet a database may have one (contract 2.7); there is
-- no foreign key from users, because orphan tenant ids are normal (T-53).

DO $$
BEGIN
    IF to_regclass('tenants') IS NULL THEN
        CREATE TABLE tenants (
            id uuid CONSTRAINT tenants_pkey PRIMARY KEY,
            name varchar(255) NOT NULL,
            slug varchar(50) NOT NULL CONSTRAINT tenants_slug_key UNIQUE,
            domain varchar(255) CONSTRAINT tenants_domain_key UNIQUE,
            plan varchar(50) NOT NULL DEFAULT 'free',
            status varchar(20) NOT NULL DEFAULT 'active',
            is_active boolean NOT NULL DEFAULT true,
            settings jsonb NOT NULL DEFAULT '{}',
            subscription jsonb NOT NULL DEFAULT '{}',
            metadata jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            deleted_at timestamptz
        );
    END IF;
END
$$;

SELECT platform_protect('tenants', 'id');
GRANT SELECT, UPDATE ON tenants TO pyairtable_app;
GRANT SELECT, INSERT, UPDATE ON tenants TO pyairtable_system;
