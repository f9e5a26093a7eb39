//! The server and its settings.

use super::session::Look;

const fn look(check: &'static str, stops: bool, sql: &'static str, fine: &'static str, remedy: &'static str) -> Look {
    Look { check, stops, sql, needs: &[], fine, remedy }
}

pub(super) const LOOKS: &[Look] = &[
    look(
        "server-version",
        true,
        "SELECT 'PostgreSQL ' || current_setting('server_version') || ' is too old'
            WHERE current_setting('server_version_num')::int < 140000",
        "PostgreSQL 14 or later",
        "upgrade the server to PostgreSQL 14 or later; rows are compared with functions that older ones lack",
    ),
    look(
        "encoding",
        true,
        "SELECT 'the database is in ' || pg_encoding_to_char(encoding) FROM pg_database
            WHERE datname = current_database() AND pg_encoding_to_char(encoding) <> 'UTF8'",
        "UTF8",
        "dump it and restore it into a database made with ENCODING 'UTF8' TEMPLATE template0",
    ),
    look(
        "collation-version",
        true,
        "SELECT 'collations of another version than their library: ' || string_agg(name, ', ') FROM (
            SELECT c.collname::text AS name FROM pg_collation c
                WHERE c.collversion IS NOT NULL AND c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid)
                AND EXISTS (SELECT FROM pg_attribute a JOIN shared ON shared.oid = a.attrelid
                    WHERE a.attcollation = c.oid AND NOT a.attisdropped)
            UNION ALL SELECT 'the database''s default' FROM pg_database d, LATERAL to_jsonb(d) j
                WHERE d.datname = current_database() AND j->>'datcollversion' IS NOT NULL
                AND j->>'datcollversion' IS DISTINCT FROM (SELECT pg_collation_actual_version(c.oid) FROM pg_collation c
                    WHERE c.collname = 'default')
                AND current_setting('server_version_num')::int >= 170000) found",
        "what sorted the indexes sorts them still",
        "REINDEX the tables that use them (a unique index may hold duplicates now), then ALTER COLLATION or DATABASE ... \
         REFRESH VERSION",
    ),
    look(
        "fsync",
        true,
        "SELECT 'fsync is off: a crash of the machine destroys the database' WHERE current_setting('fsync') = 'off'",
        "on",
        "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf()",
    ),
    look(
        "full-page-writes",
        true,
        "SELECT 'full_page_writes is off: a crash can leave half-written pages'
            WHERE current_setting('full_page_writes') = 'off'",
        "on",
        "ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf()",
    ),
    look(
        "synchronous-commit",
        true,
        "SELECT 'synchronous_commit is off: a crash loses what was acknowledged in the last moments'
            FROM pg_settings WHERE name = 'synchronous_commit' AND reset_val = 'off'",
        "on",
        "ALTER SYSTEM SET synchronous_commit = on, or take it off the database or role that has it",
    ),
    look(
        "writable",
        true,
        "SELECT CASE WHEN pg_is_in_recovery() THEN 'this server is a standby' ELSE 'transactions start read-only' END
            WHERE pg_is_in_recovery() OR EXISTS (SELECT FROM pg_settings
                WHERE name = 'default_transaction_read_only' AND reset_val = 'on')",
        "it takes writes",
        "name the primary in DATABASE_URL, or ALTER DATABASE ... RESET default_transaction_read_only",
    ),
    look(
        "session-limits",
        false,
        "SELECT 'sessions start with ' || string_agg(name || ' = ' || reset_val || coalesce(unit, ''), ', ' ORDER BY name)
            FROM pg_settings WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout',
                'idle_session_timeout', 'transaction_timeout') AND reset_val::bigint BETWEEN 1 AND 3600000",
        "none that would end a backup",
        "ALTER ROLE <the one in DATABASE_URL> SET them to 0 until the take-over is over; pg_dump runs longer",
    ),
    look(
        "wraparound",
        false,
        "SELECT format('%s transactions until autovacuum insists on freezing %s',
                greatest(0, current_setting('autovacuum_freeze_max_age')::bigint - age), relation) FROM (
            SELECT c.oid::regclass AS relation, age(c.relfrozenxid)::bigint AS age FROM pg_class c
            JOIN shared ON shared.oid = c.oid WHERE c.relkind = 'r' ORDER BY 2 DESC LIMIT 1) oldest
            WHERE age > current_setting('autovacuum_freeze_max_age')::bigint * $limit / 100",
        "no table is near it",
        "VACUUM (FREEZE) it now: an autovacuum that insists makes way for no DDL",
    ),
    look(
        "extensions",
        false,
        "SELECT 'not at the version that is installed: ' || string_agg(e.extname || ' ' || e.extversion, ', ')
            FROM pg_extension e JOIN pg_available_extensions a ON a.name = e.extname
            WHERE e.extversion IS DISTINCT FROM a.default_version",
        "all as installed; this program needs none",
        "ALTER EXTENSION ... UPDATE, or a restored backup has other functions than this database",
    ),
    look(
        "time-zone",
        false,
        "SELECT format('sessions start in %s, and %s have times without a zone (T-51)',
                (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'), tables) FROM (
            SELECT string_agg(DISTINCT name, ', ') AS tables FROM shared JOIN pg_attribute a ON a.attrelid = shared.oid
            WHERE a.atttypid = 'timestamp'::regtype AND a.attnum > 0 AND NOT a.attisdropped) naive
            WHERE tables IS NOT NULL AND (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone')
                NOT IN ('UTC', 'Etc/UTC', 'GMT')",
        "UTC, or no time lacks its zone",
        "do not change the setting while old services run: this program sets its own sessions to UTC, and times that old \
         services leave to a default stay off by the difference",
    ),
    look(
        "large-objects",
        false,
        "SELECT count(*) || ' large objects, which no row of these tables refers to by a key'
            FROM pg_largeobject_metadata HAVING count(*) > 0",
        "none",
        "find out whose they are: they are in the backup but not in its digests",
    ),
];
