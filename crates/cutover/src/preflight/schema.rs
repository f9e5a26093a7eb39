//! The tables that both sides are to share, and what stands around them.

use super::session::Look;

const fn look(check: &'static str, stops: bool, sql: &'static str, fine: &'static str, remedy: &'static str) -> Look {
    Look { check, stops, sql, needs: &[], fine, remedy }
}

pub(super) const LOOKS: &[Look] = &[
    look(
        "tables-in-sight",
        true,
        "SELECT 'not in sight: ' || string_agg(wanted, ', ') FROM unnest(ARRAY['users', 'workspaces']) wanted
            WHERE to_regclass(wanted) IS NULL",
        "users and workspaces are found through search_path (T-41)",
        "add the schemas of the old services to search_path in DATABASE_URL; if each service has a database of its own, \
         bring their tables into one first, with pg_dump and pg_restore while the services stand still",
    ),
    look(
        "one-database",
        true,
        "SELECT 'the server also has ' || string_agg(datname, ', ') || ': old services may keep tables there'
            FROM pg_database WHERE datname <> current_database() AND NOT datistemplate
            AND (datname ~* '(user|workspace|notification|auth|tenant)s?(_service)?(_db)?$'
                OR datname LIKE current_database() || '\\_%') AND datname !~ '^pyairtable_(scratch|restored|before|undone)_'",
        "no other database of this server looks like an old service's",
        "bring their tables into this one, point all services at it, and drop or rename the others",
    ),
    look(
        "kinds-of-tables",
        true,
        "SELECT string_agg(name || CASE c.relkind WHEN 'p' THEN ' is partitioned' WHEN 'f' THEN ' is a foreign table'
                WHEN 'm' THEN ' is a materialized view' ELSE ' has inheritance children' END, ', ')
            FROM shared JOIN pg_class c ON c.oid = shared.oid WHERE c.relkind NOT IN ('r', 'v')
            OR c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid)",
        "plain tables and views",
        "copy them into plain tables of the same name: indexes cannot be built beside services on these",
    ),
    look(
        "views",
        true,
        "SELECT string_agg(name || ' is a view without INSTEAD OF triggers', ', ')
            FROM shared JOIN pg_class c ON c.oid = shared.oid WHERE c.relkind = 'v'
            AND pg_relation_is_updatable(c.oid, false) & 12 <> 12
            AND (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) < 2",
        "every view takes writes (T-41)",
        "give it INSTEAD OF INSERT and UPDATE triggers, or make it a table",
    ),
    look(
        "key-types",
        true,
        "SELECT string_agg(format('%s.%s is %s', name, a.attname, format_type(a.atttypid, a.atttypmod)), ', ')
            FROM shared JOIN pg_attribute a ON a.attrelid = shared.oid WHERE a.attnum > 0 AND NOT a.attisdropped
            AND (a.attname = 'id' AND a.atttypid <> 'uuid'::regtype
              OR a.attname IN ('tenant_id', 'user_id', 'workspace_id', 'project_id')
                AND a.atttypid NOT IN ('uuid'::regtype, 'varchar'::regtype, 'text'::regtype))",
        "ids are uuids, ids of others uuids or texts (T-01)",
        "this program takes over databases with uuid keys only; migrate the keys with the old services first",
    ),
    look(
        "columns",
        true,
        "SELECT 'missing: ' || string_agg(wanted, ', ') FROM unnest(ARRAY['users.id', 'users.email', 'users.password_hash',
                'users.first_name', 'users.last_name', 'users.role', 'users.tenant_id', 'users.is_active',
                'users.created_at', 'users.updated_at', 'user_profiles.user_id', 'user_profiles.metadata',
                'user_profiles.deleted_at', 'refresh_tokens.token_hash', 'tenants.id', 'tenants.name',
                'workspaces.tenant_id', 'workspaces.name', 'workspaces.deleted_at', 'projects.workspace_id',
                'projects.name', 'projects.status', 'airtable_bases.project_id', 'airtable_bases.base_id',
                'workspace_members.user_id', 'workspace_members.role', 'workspace_audit_logs.action']) wanted
            WHERE to_regclass(split_part(wanted, '.', 1)) IS NOT NULL AND NOT EXISTS (SELECT FROM pg_attribute a
                WHERE a.attrelid = to_regclass(split_part(wanted, '.', 1)) AND NOT a.attisdropped
                AND a.attname = split_part(wanted, '.', 2))",
        "all that statements name are there",
        "this is not a table of the services that are described: point DATABASE_URL or search_path at theirs",
    ),
    look(
        "taken-names",
        true,
        "SELECT 'somebody else''s: ' || string_agg(wanted, ', ') FROM unnest(ARRAY['login_sessions', 'audit_events',
                'invitations', 'tenant_suspended_users', 'idempotency_keys', 'jobs', 'notification_feeds',
                'user_notifications', 'webhook_endpoints', 'webhook_deliveries', 'webhook_attempts',
                'workspace_audit_seals', 'notification_templates', 'notification_channels', 'notification_channel_codes',
                'notification_preferences', 'notification_mails', 'notification_digests', 'notification_digest_items',
                'account_changes', 'platform_protect']) wanted
            WHERE to_regclass('platform_migrations') IS NULL
            AND (to_regclass(wanted) IS NOT NULL OR to_regproc(wanted) IS NOT NULL)",
        "no table of anybody has a name that this program uses",
        "rename them, or put a schema of this program's own first in search_path",
    ),
    look(
        "primary-keys",
        true,
        "SELECT 'without one: ' || string_agg(name, ', ') FROM shared JOIN pg_class c ON c.oid = shared.oid
            WHERE c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p')",
        "every table has one",
        "CREATE UNIQUE INDEX CONCURRENTLY on the id, then ALTER TABLE ... ADD PRIMARY KEY USING INDEX",
    ),
    look(
        "unlogged-tables",
        true,
        "SELECT 'unlogged: ' || string_agg(name, ', ') FROM shared JOIN pg_class c ON c.oid = shared.oid
            WHERE c.relpersistence = 'u'",
        "all outlive a crash",
        "ALTER TABLE ... SET LOGGED, in a quiet hour: it rewrites the table",
    ),
    look(
        "forced-row-security",
        true,
        "SELECT 'forced on ' || string_agg(name, ', ') FROM shared JOIN pg_class c ON c.oid = shared.oid
            WHERE c.relforcerowsecurity",
        "owners see all rows",
        "ALTER TABLE ... NO FORCE ROW LEVEL SECURITY: a backup of the owner would miss rows",
    ),
    look(
        "disabled-triggers",
        false,
        "SELECT string_agg(format('%s on %s', tgname, name), ', ') || ' is disabled' FROM shared
            JOIN pg_trigger t ON t.tgrelid = shared.oid WHERE NOT t.tgisinternal AND t.tgenabled = 'D'",
        "none",
        "ALTER TABLE ... ENABLE TRIGGER, or drop it: a restored backup has it disabled too",
    ),
    look(
        "rules",
        true,
        "SELECT string_agg(format('%s on %s', rulename, name), ', ') || ' rewrites statements' FROM shared
            JOIN pg_rewrite r ON r.ev_class = shared.oid WHERE r.rulename <> '_RETURN'",
        "no rules rewrite statements",
        "DROP RULE, or make it a trigger: with rules, counts of changed rows are not what was changed",
    ),
    look(
        "invalid-indexes",
        true,
        "SELECT string_agg(format('%s on %s', i.indexrelid::regclass, name), ', ') || ' is invalid' FROM shared
            JOIN pg_index i ON i.indrelid = shared.oid WHERE NOT (i.indisvalid AND i.indisready)
            AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)",
        "every index serves",
        "REINDEX INDEX CONCURRENTLY it, or DROP INDEX CONCURRENTLY: it costs at every write and helps nobody",
    ),
    look(
        "unchecked-constraints",
        false,
        "SELECT string_agg(format('%s on %s', conname, name), ', ') || ' was never validated' FROM shared
            JOIN pg_constraint k ON k.conrelid = shared.oid WHERE NOT k.convalidated",
        "old rows fulfil them too",
        "ALTER TABLE ... VALIDATE CONSTRAINT; rows that fail it would fail a restore of the backup",
    ),
    look(
        "autovacuum",
        false,
        "SELECT 'off for ' || string_agg(name, ', ') FROM shared JOIN pg_class c ON c.oid = shared.oid
            WHERE 'autovacuum_enabled=false' = ANY (c.reloptions) OR 'autovacuum_enabled=off' = ANY (c.reloptions)",
        "on for every table",
        "ALTER TABLE ... RESET (autovacuum_enabled): both sides will write to it at once",
    ),
    look(
        "bloat",
        false,
        "SELECT string_agg(format('%s has %s dead rows beside %s', name, s.n_dead_tup, s.n_live_tup), ', ') FROM shared
            JOIN pg_stat_all_tables s ON s.relid = shared.oid
            WHERE s.n_dead_tup > greatest($limit, s.n_live_tup)",
        "no table has more dead rows than living (by the server's estimate)",
        "VACUUM (ANALYZE) it before indexes are built on it",
    ),
];

/// What the log-in role must be allowed to do.
pub(super) const RIGHTS: &[Look] = &[
    look(
        "capture-rights",
        true,
        "SELECT current_user || ' ' || nullif(concat_ws(' and ',
                CASE WHEN NOT has_database_privilege(current_database(), 'CREATE') THEN 'may not create a schema' END,
                (SELECT 'may not put triggers on ' || string_agg(c.oid::regclass::text, ', ') FROM pg_class c
                    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.relpersistence <> 't'
                    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT pg_has_role(c.relowner, 'MEMBER')
                    AND c.oid NOT IN (SELECT oid FROM shared))), '')",
        "the change log can be put on every table beside the shared ones",
        "use the role that owns them, or GRANT it to the one you use, and GRANT CREATE ON DATABASE ... TO it: without the \
         log a full rollback loses what was written since the backup",
    ),
    look(
        "replay-rights",
        false,
        "SELECT format('%s may not set session_replication_role', current_user) WHERE NOT (SELECT rolsuper FROM pg_roles
                WHERE rolname = current_user)
            AND NOT CASE WHEN current_setting('server_version_num')::int >= 150000
                THEN has_parameter_privilege('session_replication_role', 'SET') ELSE false END",
        "a full rollback can have triggers and foreign keys stand still",
        "have a superuser at hand for a full rollback, or as one (PostgreSQL 15 and later): GRANT SET ON PARAMETER \
         session_replication_role TO the role in DATABASE_URL",
    ),
    look(
        "owner",
        true,
        "SELECT format('%s may not alter %s', current_user, string_agg(format('%s (of %s)', name,
                pg_get_userbyid(c.relowner)), ', ')) FROM shared JOIN pg_class c ON c.oid = shared.oid
            WHERE NOT pg_has_role(c.relowner, 'MEMBER') HAVING count(*) > 0",
        "the role in DATABASE_URL may alter every shared table",
        "use the role that owns them for the take-over, or GRANT it to the one you use",
    ),
    look(
        "create-in-schema",
        true,
        "SELECT format('%s may not create tables in schema %s', current_user, current_schema())
            WHERE current_schema() IS NULL OR NOT has_schema_privilege(current_schema(), 'CREATE')",
        "tables can be made in the first schema of search_path",
        "GRANT CREATE ON SCHEMA ... TO the role in DATABASE_URL",
    ),
    look(
        "create-roles",
        true,
        "SELECT format('%s may not create the roles that requests run as', current_user)
            WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole))
            AND (to_regrole('pyairtable_app') IS NULL OR to_regrole('pyairtable_system') IS NULL
                OR NOT pg_has_role(to_regrole('pyairtable_app'), 'MEMBER')
                OR NOT pg_has_role(to_regrole('pyairtable_system'), 'MEMBER'))",
        "the roles that requests run as exist or can be made",
        "as a superuser: CREATE ROLE pyairtable_app NOLOGIN; CREATE ROLE pyairtable_system NOLOGIN; GRANT both TO the \
         role in DATABASE_URL",
    ),
    look(
        "request-roles",
        true,
        "SELECT string_agg(rolname || CASE WHEN rolsuper THEN ' is a superuser' ELSE ' has BYPASSRLS' END, ', ')
            FROM pg_roles WHERE rolname IN ('pyairtable_app', 'pyairtable_system') AND (rolsuper OR rolbypassrls)",
        "neither is above row-level security",
        "ALTER ROLE ... NOSUPERUSER NOBYPASSRLS: tenants are kept apart by it",
    ),
];
