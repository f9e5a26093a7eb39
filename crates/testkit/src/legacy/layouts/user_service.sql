-- The table that user-service's SQL expects and that no migration creates (contract 2.5). [inferred] Somebody who ran
-- the service in a database of its own must have made one like it. Columns it scans into plain variables may be NULL
-- here, because nothing says that they may not (T-43).
CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email varchar(255) UNIQUE NOT NULL, first_name varchar(100) NOT NULL,
    last_name varchar(100) NOT NULL, display_name varchar(200), avatar text, bio text, phone varchar(50),
    tenant_id uuid NOT NULL, role varchar(50) NOT NULL DEFAULT 'user', is_active boolean DEFAULT true,
    email_verified boolean DEFAULT false, phone_verified boolean DEFAULT false, preferences jsonb DEFAULT '{}',
    metadata jsonb DEFAULT '{}', last_login_at timestamptz, created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(), deleted_at timestamptz);
CREATE INDEX idx_users_tenant_id ON users (tenant_id);
