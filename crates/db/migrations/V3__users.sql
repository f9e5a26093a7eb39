-- Accounts and profiles, in the shape the old services left them (contract 2.2, 2.4). Where the tables exist they are
-- only protected; a `users` view (T-41) is left as it is.

DO $$
BEGIN
    IF to_regclass('users') IS NULL THEN
        CREATE TABLE users (
            id uuid CONSTRAINT users_pkey PRIMARY KEY DEFAULT gen_random_uuid(),
            email varchar(255) NOT NULL CONSTRAINT users_email_key UNIQUE
                CONSTRAINT email_format CHECK (email ~* '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$'),
            password_hash varchar(255) NOT NULL,
            first_name varchar(100) NOT NULL,
            last_name varchar(100) NOT NULL,
            role varchar(50) NOT NULL DEFAULT 'user',
            tenant_id uuid NOT NULL,
            is_active boolean DEFAULT true,
            email_verified boolean DEFAULT false,
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz DEFAULT now(),
            last_login_at timestamptz
        );
        CREATE INDEX users_created_at_id_idx ON users (created_at DESC, id DESC);
    END IF;
    IF to_regclass('user_profiles') IS NULL THEN
        CREATE TABLE user_profiles (
            id uuid CONSTRAINT user_profiles_pkey PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid NOT NULL CONSTRAINT user_profiles_user_id_key UNIQUE,
            email varchar(255) NOT NULL CONSTRAINT user_profiles_email_key UNIQUE,
            first_name varchar(100) NOT NULL,
            last_name varchar(100) NOT NULL,
            display_name varchar(200),
            avatar text,
            bio text,
            phone varchar(50),
            tenant_id uuid NOT NULL,
            role varchar(50) NOT NULL DEFAULT 'user',
            is_active boolean DEFAULT true,
            email_verified boolean DEFAULT false,
            phone_verified boolean DEFAULT false,
            preferences jsonb DEFAULT '{}',
            metadata jsonb DEFAULT '{}',
            last_login_at timestamptz,
            deleted_at timestamptz,
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz DEFAULT now()
        );
    END IF;

    -- The orders the lists and the look-ups need. On a live database they are built without blocking writers by
    -- the expand step of a take-over; here they exist from the start, on tables that are empty.
    IF (SELECT relkind FROM pg_class WHERE oid = to_regclass('users')) = 'r' THEN
        IF NOT EXISTS (SELECT FROM users LIMIT 1) THEN
            -- Old rows may have no created_at; as NULLs they would fall out of keyset paging (T-43).
            CREATE INDEX IF NOT EXISTS users_tenant_created_idx ON users
                (tenant_id, (CASE WHEN created_at IS NULL THEN to_timestamp(0) ELSE created_at END) DESC, id DESC);
            CREATE INDEX IF NOT EXISTS users_email_folded_idx ON users (lower(email COLLATE "C"));
        END IF;
    END IF;
    IF (SELECT relkind FROM pg_class WHERE oid = to_regclass('user_profiles')) = 'r' THEN
        IF NOT EXISTS (SELECT FROM user_profiles LIMIT 1) THEN
            -- People log in by user name too (T-22). A hash, because a B-tree refuses texts above 2.7 kB.
            CREATE INDEX IF NOT EXISTS user_profiles_username_idx
                ON user_profiles USING hash ((metadata->>'username'));
        END IF;
    END IF;
END
$$;

SELECT platform_protect('users', 'tenant_id');
SELECT platform_protect('user_profiles', 'tenant_id');

GRANT SELECT, INSERT, UPDATE ON user_profiles TO pyairtable_app;
GRANT SELECT, INSERT, UPDATE ON users, user_profiles TO pyairtable_system;

-- Tenant transactions may set a password but never read one.
DO $$
DECLARE
    readable text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ') INTO readable FROM pg_attribute
        WHERE attrelid = to_regclass('users') AND attnum > 0 AND NOT attisdropped AND attname <> 'password_hash';
    EXECUTE format('GRANT SELECT (%s), INSERT, UPDATE ON users TO pyairtable_app', readable);
END
$$;
