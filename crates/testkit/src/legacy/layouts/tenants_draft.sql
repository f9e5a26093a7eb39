-- `tenants` as the design document and the generator draw it (contract 1.4): no status, no metadata, no deleted_at.
CREATE TABLE tenants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name varchar(255) NOT NULL, slug varchar(255) UNIQUE NOT NULL,
    domain varchar(255) UNIQUE, plan varchar(50) DEFAULT 'free', is_active boolean DEFAULT true, settings jsonb,
    subscription jsonb, created_at timestamptz, updated_at timestamptz);
