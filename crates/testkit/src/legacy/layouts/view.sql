-- The repair script of the Python edition: `users` is a view whose triggers write another table (contract 2.11, T-41).
CREATE TABLE platform_users (serial bigserial PRIMARY KEY, uid uuid UNIQUE NOT NULL DEFAULT gen_random_uuid(),
    email varchar(255) UNIQUE, password_hash text, first_name varchar(100), last_name varchar(100),
    role varchar(50) DEFAULT 'user', tenant uuid, is_active boolean DEFAULT true, email_verified boolean,
    created_at timestamptz DEFAULT now(), updated_at timestamptz, last_login_at timestamptz);
CREATE VIEW users AS SELECT uid AS id, email, password_hash, first_name, last_name, role, tenant AS tenant_id,
    is_active, email_verified, created_at, updated_at, last_login_at FROM platform_users;
CREATE FUNCTION users_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    INSERT INTO platform_users (uid, email, password_hash, first_name, last_name, role, tenant, is_active,
        email_verified, created_at, updated_at)
    VALUES (NEW.id, NEW.email, NEW.password_hash, NEW.first_name, NEW.last_name, NEW.role, NEW.tenant_id,
        NEW.is_active, NEW.email_verified, NEW.created_at, NEW.updated_at);
    RETURN NEW; END $$;
CREATE FUNCTION users_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    UPDATE platform_users SET email = NEW.email, password_hash = NEW.password_hash, first_name = NEW.first_name,
        last_name = NEW.last_name, role = NEW.role, is_active = NEW.is_active, updated_at = NEW.updated_at,
        last_login_at = NEW.last_login_at WHERE uid = OLD.id;
    RETURN NEW; END $$;
CREATE TRIGGER users_insert INSTEAD OF INSERT ON users FOR EACH ROW EXECUTE FUNCTION users_insert();
CREATE TRIGGER users_update INSTEAD OF UPDATE ON users FOR EACH ROW EXECUTE FUNCTION users_update();
CREATE TABLE refresh_tokens (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), token_hash varchar(255) UNIQUE NOT NULL,
    user_id uuid NOT NULL, expires_at timestamptz NOT NULL, revoked_at timestamptz, last_used_at timestamptz,
    created_at timestamptz DEFAULT now());
CREATE TABLE user_profiles (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid UNIQUE NOT NULL,
    email varchar(255) UNIQUE NOT NULL, first_name varchar(100) NOT NULL, last_name varchar(100) NOT NULL,
    display_name varchar(200), avatar text, bio text, phone varchar(50), tenant_id uuid NOT NULL,
    role varchar(50) NOT NULL DEFAULT 'user', is_active boolean DEFAULT true, email_verified boolean DEFAULT false,
    phone_verified boolean DEFAULT false, preferences jsonb DEFAULT '{}', metadata jsonb DEFAULT '{}',
    last_login_at timestamptz, deleted_at timestamptz, created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now());
