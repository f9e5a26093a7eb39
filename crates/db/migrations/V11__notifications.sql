-- What people are told. Not called `notifications`: in some deployments that name is another program's table (contract
-- 2.8), and the old service never stored any.

-- The last number given out in each person's feed. Taking the next one locks the row until the end of the transaction,
-- so numbers become visible in order, and "everything after n" misses nothing.
CREATE TABLE IF NOT EXISTS notification_feeds (
    user_id uuid CONSTRAINT notification_feeds_pkey PRIMARY KEY,
    tenant_id uuid NOT NULL,
    last_number bigint NOT NULL
);

-- event_id: what it tells of. One event tells a person once, however often its job runs.
CREATE TABLE IF NOT EXISTS user_notifications (
    id uuid CONSTRAINT user_notifications_pkey PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    number bigint NOT NULL,
    event_id uuid NOT NULL,
    type varchar(100) NOT NULL,
    level text NOT NULL DEFAULT 'info',
    title varchar(500) NOT NULL,
    message text NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    is_read boolean NOT NULL DEFAULT false,
    read_at timestamptz,
    expires_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT user_notifications_user_id_number_key UNIQUE (user_id, number),
    CONSTRAINT user_notifications_user_id_event_id_key UNIQUE (user_id, event_id),
    CONSTRAINT user_notifications_level_check CHECK (level IN ('info', 'success', 'warning', 'error'))
);
CREATE INDEX IF NOT EXISTS user_notifications_user_id_created_at_idx
    ON user_notifications (user_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS user_notifications_unread_idx ON user_notifications (user_id) WHERE NOT is_read;
CREATE INDEX IF NOT EXISTS user_notifications_expires_at_idx
    ON user_notifications (expires_at) WHERE expires_at IS NOT NULL;

SELECT platform_protect('notification_feeds', 'tenant_id');
SELECT platform_protect('user_notifications', 'tenant_id');
GRANT SELECT, INSERT, UPDATE ON notification_feeds TO pyairtable_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON user_notifications TO pyairtable_app;
GRANT SELECT ON notification_feeds TO pyairtable_system;
GRANT SELECT, DELETE ON user_notifications TO pyairtable_system;
