-- Where else people are told of things, and what of: addresses, wishes, and mails on their way.

CREATE TABLE IF NOT EXISTS notification_channels (
    id uuid CONSTRAINT notification_channels_pkey PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    type text NOT NULL,
    address varchar(2000) NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    verified_at timestamptz, -- nothing but codes is sent to an address before
    last_sent_at timestamptz,
    last_error text, -- of the last mail, if it did not get through
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT notification_channels_type_check CHECK (type IN ('email', 'webhook'))
);
CREATE UNIQUE INDEX IF NOT EXISTS notification_channels_user_id_address_key
    ON notification_channels (user_id, type, lower(address COLLATE "C"));

-- Sent to an address to see who reads what is sent there. A table of their own, because how many were sent must
-- outlive the channel they were sent for: whoever deletes it and makes it anew could flood somebody else's mailbox.
CREATE TABLE IF NOT EXISTS notification_channel_codes (
    id uuid CONSTRAINT notification_channel_codes_pkey PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    code_hash bytea NOT NULL, -- HMAC under a key made of JWT_SECRET
    tries integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS notification_channel_codes_user_id_created_at_idx
    ON notification_channel_codes (user_id, created_at);
CREATE INDEX IF NOT EXISTS notification_channel_codes_created_at_idx ON notification_channel_codes (created_at);

-- owner_id: a person, or the tenant itself for what holds where its people chose nothing.
CREATE TABLE IF NOT EXISTS notification_preferences (
    owner_id uuid CONSTRAINT notification_preferences_pkey PRIMARY KEY,
    tenant_id uuid NOT NULL,
    choices jsonb NOT NULL, -- only what was chosen
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- content: sealed by the program, fixed when it is written so that every attempt sends the same, and removed once it
-- was sent: codes and invitations are in it.
CREATE TABLE IF NOT EXISTS notification_mails (
    id uuid CONSTRAINT notification_mails_pkey PRIMARY KEY, -- the Message-ID that receivers see
    tenant_id uuid NOT NULL,
    user_id uuid, -- nobody yet, for invitations
    channel_id uuid
        CONSTRAINT notification_mails_channel_id_fkey REFERENCES notification_channels ON DELETE CASCADE,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    recipient varchar(320) NOT NULL,
    content bytea,
    state text NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    error text, -- of the last attempt
    sent_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT notification_mails_recipient_event_id_key UNIQUE (recipient, event_id),
    CONSTRAINT notification_mails_state_check CHECK (state IN ('pending', 'sent', 'dead'))
);
CREATE INDEX IF NOT EXISTS notification_mails_channel_id_idx ON notification_mails (channel_id);
CREATE INDEX IF NOT EXISTS notification_mails_created_at_idx ON notification_mails (created_at);

-- What waits to be told in one mail; a person's row in notification_digests says when, and exists while there is any.
CREATE TABLE IF NOT EXISTS notification_digests (
    user_id uuid CONSTRAINT notification_digests_pkey PRIMARY KEY,
    tenant_id uuid NOT NULL,
    due_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS notification_digest_items (
    user_id uuid NOT NULL,
    event_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    title varchar(500) NOT NULL,
    message text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT notification_digest_items_pkey PRIMARY KEY (user_id, event_id)
);

-- A person's own webhook is a webhook that belongs to a channel: signed, retried and guarded as the others.
ALTER TABLE webhook_endpoints ADD COLUMN IF NOT EXISTS channel_id uuid
    CONSTRAINT webhook_endpoints_channel_id_fkey REFERENCES notification_channels ON DELETE CASCADE;
CREATE INDEX IF NOT EXISTS webhook_endpoints_channel_id_idx
    ON webhook_endpoints (channel_id) WHERE channel_id IS NOT NULL;

SELECT platform_protect('notification_channels', 'tenant_id');
SELECT platform_protect('notification_channel_codes', 'tenant_id');
SELECT platform_protect('notification_preferences', 'tenant_id');
SELECT platform_protect('notification_mails', 'tenant_id');
SELECT platform_protect('notification_digests', 'tenant_id');
SELECT platform_protect('notification_digest_items', 'tenant_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_channels TO pyairtable_app;
GRANT SELECT, INSERT, UPDATE ON notification_channel_codes TO pyairtable_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_preferences TO pyairtable_app;
GRANT SELECT, INSERT, UPDATE ON notification_mails TO pyairtable_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_digests TO pyairtable_app;
GRANT SELECT, INSERT, DELETE ON notification_digest_items TO pyairtable_app;
GRANT SELECT, DELETE ON notification_channel_codes, notification_mails TO pyairtable_system;
