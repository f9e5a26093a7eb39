//! Whether the log-in role may become the two roles that requests run as, and whether those may do their work.

use tokio_postgres::Client;

use super::database::failed;
use crate::finding::Finding;

const SUBJECT: &str = "privileges";

/// What a role needs on a table.
pub type Need = (&'static str, &'static str, &'static [&'static str]);

const READ_ADD: &[&str] = &["SELECT", "INSERT"];
const READ_CHANGE: &[&str] = &["SELECT", "UPDATE"];
const READ_ADD_CHANGE: &[&str] = &["SELECT", "INSERT", "UPDATE"];
const EVERYTHING: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE"];

/// What each role needs: (role, table, privileges). A column is enough for SELECT and UPDATE. A test holds this list
/// against a migrated database.
pub const NEEDED: &[Need] = &[
    (db::APP_ROLE, "tenants", READ_ADD_CHANGE),
    (db::APP_ROLE, "users", READ_ADD_CHANGE),
    (db::APP_ROLE, "user_profiles", READ_ADD_CHANGE),
    (db::APP_ROLE, "login_sessions", READ_CHANGE),
    (db::APP_ROLE, "audit_events", READ_ADD),
    (db::APP_ROLE, "invitations", READ_ADD_CHANGE),
    (db::APP_ROLE, "tenant_suspended_users", &["SELECT", "INSERT", "DELETE"]),
    (db::APP_ROLE, "workspaces", READ_ADD_CHANGE),
    (db::APP_ROLE, "projects", READ_ADD_CHANGE),
    (db::APP_ROLE, "airtable_bases", READ_ADD_CHANGE),
    (db::APP_ROLE, "workspace_members", EVERYTHING),
    (db::APP_ROLE, "workspace_audit_logs", READ_ADD),
    (db::APP_ROLE, "account_changes", READ_ADD),
    (db::APP_ROLE, "jobs", &["SELECT", "INSERT", "DELETE"]),
    (db::APP_ROLE, "notification_feeds", READ_ADD_CHANGE),
    (db::APP_ROLE, "user_notifications", EVERYTHING),
    (db::APP_ROLE, "webhook_endpoints", EVERYTHING),
    (db::APP_ROLE, "webhook_deliveries", READ_ADD_CHANGE),
    (db::APP_ROLE, "webhook_attempts", READ_ADD),
    (db::APP_ROLE, "notification_templates", EVERYTHING),
    (db::APP_ROLE, "notification_channels", EVERYTHING),
    (db::APP_ROLE, "notification_channel_codes", READ_ADD_CHANGE),
    (db::APP_ROLE, "notification_preferences", EVERYTHING),
    (db::APP_ROLE, "notification_mails", READ_ADD_CHANGE),
    (db::APP_ROLE, "notification_digests", EVERYTHING),
    (db::APP_ROLE, "notification_digest_items", &["SELECT", "INSERT", "DELETE"]),
    (db::SYSTEM_ROLE, "notification_channel_codes", &["SELECT", "DELETE"]),
    (db::SYSTEM_ROLE, "notification_mails", &["SELECT", "DELETE"]),
    (db::SYSTEM_ROLE, "notification_templates", &["SELECT"]),
    (db::SYSTEM_ROLE, "webhook_endpoints", &["SELECT"]),
    (db::SYSTEM_ROLE, "webhook_deliveries", &["SELECT", "DELETE"]),
    (db::SYSTEM_ROLE, "webhook_attempts", &["SELECT"]),
    (db::SYSTEM_ROLE, "account_changes", EVERYTHING),
    (db::SYSTEM_ROLE, "jobs", EVERYTHING),
    (db::SYSTEM_ROLE, "notification_feeds", &["SELECT"]),
    (db::SYSTEM_ROLE, "user_notifications", &["SELECT", "UPDATE", "DELETE"]),
    (db::APP_ROLE, "workspace_audit_seals", READ_ADD),
    (db::APP_ROLE, "idempotency_keys", READ_CHANGE),
    (db::SYSTEM_ROLE, "idempotency_keys", EVERYTHING),
    (db::SYSTEM_ROLE, "tenants", READ_ADD_CHANGE),
    (db::SYSTEM_ROLE, "users", READ_ADD_CHANGE),
    (db::SYSTEM_ROLE, "user_profiles", READ_ADD_CHANGE),
    (db::SYSTEM_ROLE, "login_sessions", EVERYTHING),
    (db::SYSTEM_ROLE, "refresh_tokens", EVERYTHING),
    (db::SYSTEM_ROLE, "audit_events", READ_ADD),
    (db::SYSTEM_ROLE, "invitations", READ_CHANGE),
    (db::SYSTEM_ROLE, "workspaces", READ_ADD_CHANGE),
    (db::SYSTEM_ROLE, "projects", READ_ADD_CHANGE),
    (db::SYSTEM_ROLE, "airtable_bases", READ_ADD_CHANGE),
    (db::SYSTEM_ROLE, "workspace_members", EVERYTHING),
    (db::SYSTEM_ROLE, "workspace_audit_logs", READ_ADD),
    (db::SYSTEM_ROLE, "workspace_audit_seals", READ_ADD),
];

/// Whatever grants to everybody old deployments made, these hold promises that the code cannot.
const HARMFUL: &str = "
    SELECT array_remove(ARRAY[
        CASE WHEN EXISTS (
                SELECT FROM unnest(ARRAY['audit_events', 'workspace_audit_logs', 'workspace_audit_seals']) AS trail
                WHERE has_table_privilege($1::text::name, to_regclass(trail), 'UPDATE, DELETE, TRUNCATE'))
             THEN 'change the audit trail' END,
        CASE WHEN $1::text = $2::text
              AND has_column_privilege($1::text::name, to_regclass('users'), 'password_hash', 'SELECT')
             THEN 'read password hashes' END
    ], NULL)";

/// Tries to become each role, as the pools do; returns those where it worked.
pub(super) async fn roles(client: &Client, findings: &mut Vec<Finding>) -> Vec<&'static str> {
    let mut possible = Vec::new();
    for role in [db::APP_ROLE, db::SYSTEM_ROLE] {
        let tried = client.batch_execute(&format!("BEGIN; SET LOCAL ROLE {role}; ROLLBACK")).await;
        if let Err(error) = tried {
            let _ = client.batch_execute("ROLLBACK").await;
            let message = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
            findings.push(Finding::problem(
                SUBJECT,
                format!("the log-in role cannot become {role}: {message}"),
                format!("run GRANT {role} TO <the role in DATABASE_URL> as the database's owner"),
            ));
        } else {
            possible.push(role);
        }
    }
    possible
}

/// Asks for every privilege that `role` needs, in one round trip.
pub(super) async fn tables(client: &Client, role: &'static str, findings: &mut Vec<Finding>) {
    const MISSING: &str = "
        SELECT privilege || ' on ' || relation FROM unnest($2::text[], $3::text[]) AS need (relation, privilege)
        WHERE NOT coalesce(has_table_privilege($1::text::name, to_regclass(relation), privilege)
            OR (privilege IN ('SELECT', 'UPDATE')
                AND has_any_column_privilege($1::text::name, to_regclass(relation), privilege)),
            false)";
    let needs = NEEDED.iter().filter(|(needs, _, _)| *needs == role);
    let (relations, privileges): (Vec<&str>, Vec<&str>) =
        needs.flat_map(|(_, table, privileges)| privileges.iter().map(|privilege| (*table, *privilege))).unzip();
    let missing: Vec<String> = match client.query(MISSING, &[&role, &relations, &privileges]).await {
        Ok(rows) => rows.iter().map(|row| row.get(0)).collect(),
        Err(error) => {
            findings.push(failed(SUBJECT, &error));
            return;
        }
    };
    match client.query_one(HARMFUL, &[&role, &db::APP_ROLE]).await {
        Ok(row) => {
            let harmful: Vec<String> = row.get(0);
            if !harmful.is_empty() {
                let message = format!("{role} may {}", harmful.join(" and "));
                let remedy = format!("REVOKE it from {role}, and from PUBLIC, as the tables' owner");
                findings.push(Finding::warning(SUBJECT, message, remedy));
            }
        }
        Err(error) => findings.push(failed(SUBJECT, &error)),
    }
    findings.push(if missing.is_empty() {
        Finding::ok(SUBJECT, format!("{role} may do what requests need"))
    } else {
        Finding::problem(
            SUBJECT,
            format!("{role} lacks {}", missing.join(", ")),
            format!("GRANT them to {role} as the tables' owner"),
        )
    });
}
