//! Whether the log-in role may become the two roles that requests run as, and whether those may do their work.

use tokio_postgres::Client;

use super::database::failed;
use crate::finding::Finding;

const SUBJECT: &str = "privileges";

/// What each role needs: (role, table, privileges). A column is enough for SELECT.
const NEEDED: &[(&str, &str, &[&str])] = &[
    (db::APP_ROLE, "tenants", &["SELECT", "UPDATE"]),
    (db::APP_ROLE, "users", &["SELECT", "INSERT", "UPDATE"]),
    (db::APP_ROLE, "user_profiles", &["SELECT", "INSERT", "UPDATE"]),
    (db::APP_ROLE, "login_sessions", &["SELECT", "UPDATE"]),
    (db::APP_ROLE, "audit_events", &["SELECT", "INSERT"]),
    (db::SYSTEM_ROLE, "tenants", &["SELECT", "INSERT", "UPDATE"]),
    (db::SYSTEM_ROLE, "users", &["SELECT", "INSERT", "UPDATE"]),
    (db::SYSTEM_ROLE, "user_profiles", &["SELECT", "INSERT", "UPDATE"]),
    (db::SYSTEM_ROLE, "login_sessions", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    (db::SYSTEM_ROLE, "refresh_tokens", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    (db::SYSTEM_ROLE, "audit_events", &["SELECT", "INSERT"]),
];

/// Whatever grants to everybody old deployments made, these hold promises that the code cannot.
const HARMFUL: &str = "
    SELECT array_remove(ARRAY[
        CASE WHEN has_table_privilege($1::text::name, to_regclass('audit_events'), 'UPDATE')
               OR has_table_privilege($1::text::name, to_regclass('audit_events'), 'DELETE')
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

/// Asks for every privilege that `role` needs.
pub(super) async fn tables(client: &Client, role: &'static str, findings: &mut Vec<Finding>) {
    const SQL: &str = "
        SELECT coalesce(has_table_privilege($1::text::name, to_regclass($2::text), $3::text)
                     OR ($3 = 'SELECT' AND has_any_column_privilege($1::text::name, to_regclass($2::text), $3::text)), false)";
    let mut missing = Vec::new();
    for (_, table, privileges) in NEEDED.iter().filter(|(needs, _, _)| *needs == role) {
        for privilege in *privileges {
            match client.query_one(SQL, &[&role, table, privilege]).await {
                Ok(row) if row.get(0) => {}
                Ok(_) => missing.push(format!("{privilege} on {table}")),
                Err(error) => {
                    findings.push(failed(SUBJECT, &error));
                    return;
                }
            }
        }
    }
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
