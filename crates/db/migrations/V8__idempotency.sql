-- Requests that were sent with an Idempotency-Key. No tenant column: a caller may belong to none yet (sign-up, log-in).
-- What was asked is kept as a keyed digest and what was answered is sealed, because both hold passwords and tokens.

CREATE TABLE IF NOT EXISTS idempotency_keys (
    id uuid CONSTRAINT idempotency_keys_pkey PRIMARY KEY, -- the attempt: another takes over under an id of its own
    caller text NOT NULL,
    key_digest bytea NOT NULL,
    request_digest bytea NOT NULL,
    locked_until timestamptz NOT NULL,
    applied boolean NOT NULL DEFAULT false, -- set by the transaction of the change itself
    answer bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_caller_key_digest_key UNIQUE (caller, key_digest)
);
CREATE INDEX IF NOT EXISTS idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);

-- Tenant transactions can say "done" of a claim whose id they hold, and read nothing of anybody's.
GRANT SELECT (id, applied), UPDATE (applied) ON idempotency_keys TO pyairtable_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO pyairtable_system;
