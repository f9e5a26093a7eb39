-- The chain of the workspace family's records. They stay in workspace_audit_logs, where an old service goes on writing its
-- own; what makes them a chain stands here, so that table is neither altered nor read. A record without a row here is
-- unsealed. No foreign key: what becomes of a record must not take its seal along.

CREATE TABLE IF NOT EXISTS workspace_audit_seals (
    id uuid CONSTRAINT workspace_audit_seals_pkey PRIMARY KEY, -- the record's
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL,
    actor_kind text NOT NULL,
    request_id text,
    ip text,
    user_agent text,
    mac bytea NOT NULL,
    CONSTRAINT workspace_audit_seals_tenant_id_seq_key UNIQUE (tenant_id, seq)
);

SELECT platform_protect('workspace_audit_seals', 'tenant_id');
GRANT SELECT, INSERT ON workspace_audit_seals TO pyairtable_app, pyairtable_system;
