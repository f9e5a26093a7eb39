//! What the old services left on the database, and what this program does about each of it beside them: in words, for
//! whoever has to understand a deployment before traffic moves. Nothing here changes how the program behaves.

use cutover::discover::SHARED;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::database::failed;
use crate::config::Config;
use crate::finding::Finding;

const SUBJECT: &str = "old services";

/// Each line of the report is one query for a text; no row or NULL means there is nothing to say.
const REPORTS: &[(&str, &str, &str)] = &[
    (
        "SELECT 'tables are in ' || string_agg(part, '; ' ORDER BY part) FROM (
            SELECT format('%s: %s', n.nspname, string_agg(c.relname, ', ' ORDER BY c.relname)) AS part
            FROM shared JOIN pg_class c ON c.oid = shared.oid JOIN pg_namespace n ON n.oid = c.relnamespace
            GROUP BY n.nspname) parts",
        "found through search_path, as the database or DATABASE_URL sets it, and addressed by name alone (T-41)",
        "no table of the old services is in sight: add their schemas to search_path in DATABASE_URL",
    ),
    (
        "SELECT string_agg(c.relname, ', ' ORDER BY c.relname) || ' is a view'
            || CASE WHEN bool_or(EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal))
               THEN ' with triggers' ELSE '' END
         FROM shared JOIN pg_class c ON c.oid = shared.oid WHERE c.relkind = 'v'",
        "no columns, keys or policies are added to it; it is written row by row through its triggers, never with ON CONFLICT, \
         and tenants are kept apart by the statements alone (T-41)",
        "users and all others are tables: row-level security keeps tenants apart there, the old services' own roles excepted \
         (T-41)",
    ),
    (
        "SELECT 'triggers on ' || string_agg(part, '; ' ORDER BY part) FROM (
            SELECT format('%s: %s', c.relname, string_agg(t.tgname, ', ' ORDER BY t.tgname)) AS part
            FROM shared JOIN pg_class c ON c.oid = shared.oid JOIN pg_trigger t ON t.tgrelid = c.oid
            WHERE c.relkind <> 'v' AND NOT t.tgisinternal GROUP BY c.relname) parts",
        "the rules are checked under a lock first, a change of a member that a trigger discards is written as a new row, and \
         a trigger's refusal is answered like the program's own (T-45 to T-47)",
        "no triggers: the last owner, the number of workspaces and updated_at are held by this program's locks alone, which \
         the old services do not take (T-46, T-47)",
    ),
    (
        "SELECT string_agg(part, '; ' ORDER BY part) FROM (
            SELECT format('%s.%s', c.relname, string_agg(a.attname, ', ' ORDER BY a.attnum)) || ' is text' AS part
            FROM shared JOIN pg_class c ON c.oid = shared.oid JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE a.attname IN ('workspace_id', 'project_id') AND a.atttypid <> 'uuid'::regtype
            AND a.attnum > 0 AND NOT a.attisdropped GROUP BY c.relname) parts",
        "the old ORM made these tables; statements cast ids",
        "ids of parents are uuid, as the old scripts made them",
    ),
    (
        "SELECT format('%s times without a zone, in %s', count(*), string_agg(DISTINCT c.relname::text, ', '))
            FROM shared JOIN pg_class c ON c.oid = shared.oid JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE a.atttypid = 'timestamp'::regtype AND a.attnum > 0 AND NOT a.attisdropped HAVING count(*) > 0",
        "read and written as UTC, and always shown with Z (T-51)",
        "all times have a zone (T-51)",
    ),
    (
        "SELECT 'sessions start in ' || reset_val FROM pg_settings WHERE name = 'TimeZone' AND reset_val NOT IN
            ('UTC', 'Etc/UTC', 'GMT')",
        "this program's are set to UTC; naive times that the old services leave to a default are off by the difference, on \
         both sides alike. Do not change the setting while they run (T-51)",
        "sessions start in UTC (T-51)",
    ),
    (
        "SELECT format('%s columns may be NULL, in %s', count(*), string_agg(DISTINCT c.relname::text, ', '))
            FROM shared JOIN pg_class c ON c.oid = shared.oid JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE NOT a.attnotnull AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attname NOT IN ('last_login_at', 'deleted_at', 'revoked_at', 'last_used_at', 'last_sync_at')
            HAVING count(*) > 0",
        "read as '', false, {} or 1970, and never written as NULL, which the old services cannot read (T-43)",
        "no column may be NULL that both sides read (T-43)",
    ),
    (
        "SELECT 'tables belong to ' || string_agg(DISTINCT pg_get_userbyid(c.relowner)::text, ', ')
            FROM shared JOIN pg_class c ON c.oid = shared.oid",
        "owners, and roles with rights granted by them, see and write what they did before: the policy for this program's \
         roles lets all others through (T-44)",
        "nobody owns a shared table",
    ),
    (
        "SELECT 'policies of their own on ' || string_agg(part, '; ' ORDER BY part) FROM (
            SELECT format('%s: %s', c.relname, string_agg(p.polname, ', ' ORDER BY p.polname)) AS part
            FROM shared JOIN pg_class c ON c.oid = shared.oid JOIN pg_policy p ON p.polrelid = c.oid
            WHERE p.polname NOT LIKE 'platform%' GROUP BY c.relname) parts",
        "they stay; this program's roles have a policy beside them that lets them write (T-44)",
        "no policies of their own (T-44)",
    ),
    (
        "SELECT 'users also has ' || string_agg(a.attname, ', ' ORDER BY a.attname)
            FROM pg_attribute a WHERE a.attrelid = to_regclass('users') AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attname IN ('display_name', 'avatar', 'bio', 'phone', 'preferences', 'metadata', 'deleted_at')",
        "user-service writes these; this program keeps them in user_profiles and neither reads nor writes them here (T-42)",
        "users has accounts only; profiles are in user_profiles (T-42)",
    ),
];

/// Without tables and columns of the layout: what coexistence changes everywhere.
const ALWAYS: &[&str] = &[
    "new passwords are bcrypt ($2a, cost 10) and none is rehashed at log-in (T-36)",
    "refresh tokens are the old services' own, in Redis (T-35), and their cached rows are deleted after each change (T-57)",
    "a change of a password, name, role or state that an old log-in undoes is put back (T-30)",
    "a tenant has ten workspaces at most, whatever its plan says (T-48)",
];

pub(super) async fn check(config: &Config, client: &Client, findings: &mut Vec<Finding>) {
    if !config.legacy_coexistence {
        return;
    }
    let names = SHARED.iter().map(|name| format!("('{name}')")).collect::<Vec<_>>().join(", ");
    for (sql, adaptation, otherwise) in REPORTS {
        let sql = format!(
            "WITH shared AS (SELECT to_regclass(name) AS oid FROM (VALUES {names}) AS names (name)
                WHERE to_regclass(name) IS NOT NULL) {sql}"
        );
        let found = client.query_opt(&sql, &[]).await;
        findings.push(match found.map(|row| row.and_then(|row| row.get::<_, Option<String>>(0))) {
            Ok(Some(fact)) => Finding::ok(SUBJECT, format!("{fact}: {adaptation}")),
            Ok(None) => Finding::ok(SUBJECT, *otherwise),
            Err(error) => failed(SUBJECT, &error),
        });
    }
    still_let_in(client, findings).await;
    findings.extend(ALWAYS.iter().map(|adaptation| Finding::ok(SUBJECT, *adaptation)));
    let mail_or_webhooks = config.webhooks_deliver || config.mail.deliver;
    findings.push(if mail_or_webhooks {
        Finding::warning(
            SUBJECT,
            "this program sends mails or webhooks beside them",
            "leave MAIL_DELIVER and WEBHOOKS_DELIVER unset until the old services send none, or people are told twice",
        )
    } else {
        Finding::ok(SUBJECT, "this program sends no mails and posts no webhooks beside them")
    });
}

/// People whom user-service marked as deleted in `users`, where auth-service does not look: they can log in on both sides
/// (T-55).
async fn still_let_in(client: &Client, findings: &mut Vec<Finding>) {
    const COUNT: &str = "SELECT count(*) FROM users u
        WHERE EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('users') AND attname = 'deleted_at')
            AND to_jsonb(u) ->> 'deleted_at' IS NOT NULL AND coalesce(u.is_active, true)";
    // As the role that sees all tenants. A log-in role that may not become it is told so by another check.
    if client.batch_execute(&format!("SET ROLE {}", db::SYSTEM_ROLE)).await.is_err() {
        return;
    }
    let counted = client.query_one(COUNT, &[]).await.map(|row| row.get::<_, i64>(0));
    let _ = client.batch_execute("RESET ROLE").await;
    match counted {
        Ok(0) => {}
        Ok(people) => findings.push(Finding::warning(
            SUBJECT,
            format!("{people} of those whom user-service deleted in users can still log in, on either side (T-55)"),
            "UPDATE users SET is_active = false WHERE deleted_at IS NOT NULL; both sides then refuse them",
        )),
        // Without the table there is nobody, and another line says so.
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {}
        Err(error) => findings.push(failed(SUBJECT, &error)),
    }
}
