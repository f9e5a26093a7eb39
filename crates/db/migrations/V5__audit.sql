-- The audit trail of everything but the workspace family, which keeps its own table. Append-only: the application
-- roles have neither UPDATE nor DELETE. `changes` is json, not jsonb, because the chain signs its exact text.

CREATE TABLE IF NOT EXISTS audit_events (
    id uuid CONSTRAINT audit_events_pkey PRIMARY KEY,
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id text,
    action text NOT NULL,
    resource_type text NOT NULL,
    resource_id text NOT NULL,
    changes json NOT NULL,
    request_id text,
    ip text,
    user_agent text,
    mac bytea NOT NULL,
    CONSTRAINT audit_events_tenant_id_seq_key UNIQUE (tenant_id, seq)
);
CREATE INDEX IF NOT EXISTS audit_events_resource_idx ON audit_events (tenant_id, resource_type, resource_id, seq DESC);

SELECT platform_protect('audit_events', 'tenant_id');
GRANT SELECT, INSERT ON audit_events TO pyairtable_app, pyairtable_system;
