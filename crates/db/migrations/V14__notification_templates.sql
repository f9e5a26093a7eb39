-- A tenant's own words for what people are told; what is NULL is said in the program's words.

CREATE TABLE IF NOT EXISTS notification_templates (
    id uuid CONSTRAINT notification_templates_pkey PRIMARY KEY,
    tenant_id uuid NOT NULL,
    kind varchar(100) NOT NULL, -- an event, or what is only sent by mail
    locale varchar(10) NOT NULL, -- 'de', 'de-AT'
    title text,
    message text,
    subject text,
    body text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT notification_templates_tenant_id_kind_locale_key UNIQUE (tenant_id, kind, locale)
);

SELECT platform_protect('notification_templates', 'tenant_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_templates TO pyairtable_app;
GRANT SELECT ON notification_templates TO pyairtable_system;
