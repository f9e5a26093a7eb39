-- Log-ins and their refresh tokens. `refresh_tokens` is the old, never used table (contract 2.3); a token's row keeps
-- only its SHA-256. Each log-in is a session, and the family of all refresh tokens that descend from it.

DO $$
BEGIN
    IF to_regclass('refresh_tokens') IS NULL THEN
        CREATE TABLE refresh_tokens (
            id uuid CONSTRAINT refresh_tokens_pkey PRIMARY KEY DEFAULT gen_random_uuid(),
            token_hash varchar(255) NOT NULL CONSTRAINT refresh_tokens_token_hash_key UNIQUE,
            user_id uuid NOT NULL,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz,
            last_used_at timestamptz,
            created_at timestamptz DEFAULT now()
        );
        CREATE INDEX refresh_tokens_user_id_idx ON refresh_tokens (user_id);
        CREATE INDEX refresh_tokens_expires_at_idx ON refresh_tokens (expires_at);
    END IF;
END
$$;

-- session_id: the family. successor_nonce: set when the token was exchanged; whoever holds the old token can derive
-- the new one from it, nobody else can.
ALTER TABLE refresh_tokens
    ADD COLUMN IF NOT EXISTS session_id uuid,
    ADD COLUMN IF NOT EXISTS rotated_at timestamptz,
    ADD COLUMN IF NOT EXISTS successor_nonce bytea;
CREATE INDEX IF NOT EXISTS refresh_tokens_session_id_idx ON refresh_tokens (session_id);

CREATE TABLE IF NOT EXISTS login_sessions (
    id uuid CONSTRAINT login_sessions_pkey PRIMARY KEY,
    user_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    ip text,
    user_agent text,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_reason text
);
CREATE INDEX IF NOT EXISTS login_sessions_user_id_idx ON login_sessions (user_id, created_at DESC);

SELECT platform_protect('login_sessions', 'tenant_id');
GRANT SELECT, UPDATE ON login_sessions TO pyairtable_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON login_sessions, refresh_tokens TO pyairtable_system;
