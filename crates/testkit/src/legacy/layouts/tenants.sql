-- `tenants` in the recommended shape (contract 2.7), which holds every column the draft names.
CREATE TABLE tenants (
    id uuid PRIMARY KEY, name varchar(255) NOT NULL, slug varchar(50) UNIQUE NOT NULL, domain varchar(255) UNIQUE,
    plan varchar(50) NOT NULL DEFAULT 'free', status varchar(20) NOT NULL DEFAULT 'active',
    is_active boolean NOT NULL DEFAULT true, settings jsonb NOT NULL DEFAULT '{}',
    subscription jsonb NOT NULL DEFAULT '{}', metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz);
