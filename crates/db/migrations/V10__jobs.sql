-- Work to be done after a transaction, written by that transaction: the outbox and the queue in one. A job is due at
-- run_at; whoever takes it moves run_at past the end of its lease, so a job whose worker died becomes due again.

CREATE TABLE IF NOT EXISTS jobs (
    id uuid CONSTRAINT jobs_pkey PRIMARY KEY,
    kind text NOT NULL,
    tenant_id uuid NOT NULL,
    payload json NOT NULL,
    run_at timestamptz NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    lease uuid, -- of the worker that has it; another lease means it was taken over
    error text, -- of the last attempt
    created_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_kind_run_at_idx ON jobs (kind, run_at);

SELECT platform_protect('jobs', 'tenant_id');
GRANT SELECT (id, tenant_id, lease), INSERT, DELETE ON jobs TO pyairtable_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO pyairtable_system;
