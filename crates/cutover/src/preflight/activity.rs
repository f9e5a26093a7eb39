//! Who else is at work, and what replicates.

use super::session::Look;

const fn look(check: &'static str, stops: bool, sql: &'static str, fine: &'static str, remedy: &'static str) -> Look {
    Look { check, stops, sql, needs: &[], fine, remedy }
}

pub(super) const LOOKS: &[Look] = &[
    look(
        "connection-room",
        true,
        "SELECT format('%s of %s connections are in use, %s more are needed', used, most, needed) FROM (
            SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
                current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most,
                $limit AS needed) room WHERE used + needed > most",
        "the pools of this program fit beside those of the old services",
        "raise max_connections (which takes a restart), or make the old services' pools smaller",
    ),
    look(
        "long-transactions",
        true,
        "SELECT string_agg(format('pid %s (%s, %s) has been in a transaction for %s s', pid, usename,
                coalesce(nullif(application_name, ''), 'no name'), extract(epoch FROM now() - xact_start)::bigint), '; ')
            FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND backend_type = 'client backend' AND state <> 'idle in transaction'
            AND clock_timestamp() - xact_start > interval '$limit milliseconds'",
        "none",
        "let them end, or end them with SELECT pg_terminate_backend(pid): indexes cannot be built while they last",
    ),
    look(
        "idle-in-transaction",
        true,
        "SELECT string_agg(format('pid %s (%s, %s) idles in a transaction since %s s', pid, usename,
                coalesce(nullif(application_name, ''), 'no name'), extract(epoch FROM now() - state_change)::bigint), '; ')
            FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'
            AND clock_timestamp() - state_change > interval '$limit milliseconds'",
        "nobody",
        "find the service that forgets to commit, or SELECT pg_terminate_backend(pid)",
    ),
    look(
        "prepared-transactions",
        true,
        "SELECT 'prepared and never finished: ' || string_agg(gid, ', ') FROM pg_prepared_xacts
            WHERE database = current_database()",
        "none",
        "COMMIT PREPARED or ROLLBACK PREPARED them: their locks stay for good",
    ),
    look(
        "lock-waiters",
        true,
        "SELECT string_agg(format('pid %s waits for pid %s', a.pid, array_to_string(pg_blocking_pids(a.pid), ', ')), '; ')
            FROM pg_stat_activity a WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'
            AND clock_timestamp() - a.query_start > interval '$limit milliseconds'",
        "nobody waits for a lock",
        "end the one that is waited for: who waits for a table keeps all others from it that come later",
    ),
    look(
        "schema-changes",
        true,
        "SELECT string_agg(format('pid %s (%s) is at %s', pid, coalesce(nullif(application_name, ''), 'no name'),
                substring(query from '^\\s*(\\w+\\s+\\w+)')), '; ')
            FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
            AND query ~* '^\\s*(create|alter|drop|truncate|reindex|cluster)\\y'",
        "nobody is changing the schema",
        "let it end; deploy nothing that migrates while the take-over runs",
    ),
    look(
        "schema-writers",
        false,
        "SELECT 'connected with the right to change the schema: ' || string_agg(DISTINCT
                coalesce(nullif(a.application_name, ''), 'no name') || ' as ' || a.usename, ', ')
            FROM pg_stat_activity a JOIN pg_roles r ON r.rolname = a.usename
            WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
            AND a.application_name !~ '^pyairtable-(platform|cutover)'
            AND (r.rolsuper OR EXISTS (SELECT FROM shared JOIN pg_class c ON c.oid = shared.oid
                WHERE pg_has_role(r.oid, c.relowner, 'MEMBER')))",
        "no service that is connected could migrate at its next start (T-40)",
        "keep their versions as they are until the soak is over; their ORM migrates at each start, which is known to leave \
         the expanded schema alone only for the versions described",
    ),
    look(
        "replication-slots",
        true,
        "SELECT 'nobody reads from ' || string_agg(slot_name, ', ') || ', and their WAL is kept until the disk is full'
            FROM pg_replication_slots WHERE NOT active",
        "all are read from",
        "start who reads from them, or SELECT pg_drop_replication_slot(name)",
    ),
    look(
        "replication-lag",
        false,
        "SELECT string_agg(format('%s is %s MB behind', coalesce(nullif(application_name, ''), 'a standby'),
                (pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn) / 1048576)::bigint), ', ')
            FROM pg_stat_replication WHERE pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn) > $limit",
        "no standby is far behind",
        "let them catch up; a switch to one that is behind would lose what the take-over wrote",
    ),
    look(
        "publications",
        false,
        "SELECT 'published: ' || string_agg(pubname, ', ') FROM pg_publication",
        "none",
        "new tables and columns are not replicated by themselves: have the subscribers' schema grow first, or leave them out",
    ),
    look(
        "subscriptions",
        true,
        "SELECT 'rows come in by ' || string_agg(subname, ', ') FROM pg_subscription
            WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
        "none",
        "ALTER SUBSCRIPTION ... DISABLE: what comes in is written by neither side and counted by nobody",
    ),
    look(
        "event-triggers",
        true,
        "SELECT string_agg(format('%s calls %s at %s', evtname, evtfoid::regproc, evtevent), ', ')
            FROM pg_event_trigger WHERE evtenabled <> 'D'",
        "none",
        "look what they do at DDL, then ALTER EVENT TRIGGER ... DISABLE for the time of the expansion",
    ),
];
