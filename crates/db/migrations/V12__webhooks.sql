-- Where machines are told of events. Secrets are sealed by the program (ChaCha20-Poly1305 under a key made of JWT_SECRET).

CREATE TABLE IF NOT EXISTS webhook_endpoints (
    id uuid CONSTRAINT webhook_endpoints_pkey PRIMARY KEY,
    tenant_id uuid NOT NULL,
    url varchar(2000) NOT NULL,
    description varchar(500) NOT NULL DEFAULT '',
    events text[] NOT NULL DEFAULT '{}', -- names, or `workspace.*`; none for all
    secret bytea NOT NULL,
    old_secret bytea, -- signs beside the new one until old_secret_until
    old_secret_until timestamptz,
    disabled boolean NOT NULL DEFAULT false,
    disabled_reason text,
    failing_since timestamptz, -- the first failure after the last success
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS webhook_endpoints_tenant_id_created_at_idx
    ON webhook_endpoints (tenant_id, created_at DESC, id DESC);

-- body: fixed when the event is dispatched, so that every attempt sends the same.
CREATE TABLE IF NOT EXISTS webhook_deliveries (
    id uuid CONSTRAINT webhook_deliveries_pkey PRIMARY KEY, -- the webhook-id that receivers see
    tenant_id uuid NOT NULL,
    endpoint_id uuid NOT NULL
        CONSTRAINT webhook_deliveries_endpoint_id_fkey REFERENCES webhook_endpoints ON DELETE CASCADE,
    event_id uuid NOT NULL,
    event text NOT NULL,
    body text NOT NULL,
    state text NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0, -- attempts since it was last sent off by hand
    next_attempt_at timestamptz,
    status_code integer, -- of the last attempt
    error text,
    delivered_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT webhook_deliveries_endpoint_id_event_id_key UNIQUE (endpoint_id, event_id),
    CONSTRAINT webhook_deliveries_state_check CHECK (state IN ('pending', 'delivered', 'dead'))
);
CREATE INDEX IF NOT EXISTS webhook_deliveries_endpoint_id_created_at_idx
    ON webhook_deliveries (endpoint_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS webhook_deliveries_created_at_idx ON webhook_deliveries (created_at);

CREATE TABLE IF NOT EXISTS webhook_attempts (
    id uuid CONSTRAINT webhook_attempts_pkey PRIMARY KEY,
    delivery_id uuid NOT NULL
        CONSTRAINT webhook_attempts_delivery_id_fkey REFERENCES webhook_deliveries ON DELETE CASCADE,
    number integer NOT NULL,
    tenant_id uuid NOT NULL,
    status_code integer,
    error text,
    duration_ms integer NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT webhook_attempts_delivery_id_number_key UNIQUE (delivery_id, number)
);

SELECT platform_protect('webhook_endpoints', 'tenant_id');
SELECT platform_protect('webhook_deliveries', 'tenant_id');
SELECT platform_protect('webhook_attempts', 'tenant_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_endpoints TO pyairtable_app;
GRANT SELECT, INSERT, UPDATE ON webhook_deliveries TO pyairtable_app;
GRANT SELECT, INSERT ON webhook_attempts TO pyairtable_app;
GRANT SELECT ON webhook_endpoints, webhook_attempts TO pyairtable_system;
GRANT SELECT, DELETE ON webhook_deliveries TO pyairtable_system;
