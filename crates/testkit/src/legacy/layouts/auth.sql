-- auth-service's tables (contract 2.2, 2.3), in the first schema of search_path.
CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email varchar(255) UNIQUE NOT NULL
        CONSTRAINT email_format CHECK (email ~* '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$'),
    password_hash varchar(255) NOT NULL, first_name varchar(100) NOT NULL, last_name varchar(100) NOT NULL,
    role varchar(50) NOT NULL DEFAULT 'user', tenant_id uuid NOT NULL, is_active boolean DEFAULT true,
    email_verified boolean DEFAULT false, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(),
    last_login_at timestamptz);
CREATE INDEX idx_users_email ON users (email);
CREATE INDEX idx_users_tenant_id ON users (tenant_id);
CREATE INDEX idx_users_role ON users (role);
CREATE INDEX idx_users_created_at ON users (created_at DESC);
CREATE OR REPLACE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.updated_at = now(); RETURN NEW; END $$;
CREATE TRIGGER update_users_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TABLE refresh_tokens (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), token_hash varchar(255) UNIQUE NOT NULL,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE, expires_at timestamptz NOT NULL,
    revoked_at timestamptz, last_used_at timestamptz, created_at timestamptz DEFAULT now());
CREATE INDEX idx_refresh_tokens_user_id ON refresh_tokens (user_id);
CREATE INDEX idx_refresh_tokens_expires_at ON refresh_tokens (expires_at);
CREATE FUNCTION cleanup_expired_tokens() RETURNS void LANGUAGE sql AS
    $$ DELETE FROM refresh_tokens WHERE expires_at < now() OR revoked_at IS NOT NULL $$;
