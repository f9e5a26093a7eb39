//! The database as it is now: reachable, new enough, with a harmless log-in role, migrated.

use std::time::{Duration, Instant};

use db::migrate::{self, MigrateError};
use tokio_postgres::Client;

use super::{coexistence, isolation, privileges};
use crate::config::Config;
use crate::finding::Finding;
use crate::local::Opened;

pub(super) const SUBJECT: &str = "database";
const ROLE: &str = "database role";
const MIGRATIONS: &str = "migrations";

/// A server that accepts connections and then says nothing must not hold the check up.
const LIMIT: Duration = Duration::from_secs(10);
/// The oldest major that gets fixes, minus what old deployments still run.
const MINIMUM_VERSION: i32 = 13;

pub(super) async fn check(config: &Config, opened: &Opened, findings: &mut Vec<Finding>) {
    let mut found = Vec::new();
    let finished = tokio::time::timeout(LIMIT, all(config, opened, &mut found)).await;
    findings.append(&mut found);
    if finished.is_err() {
        let message = format!("it did not answer within {} s", LIMIT.as_secs());
        findings.push(Finding::problem(SUBJECT, message, "look for locks and load on the server"));
    }
}

async fn all(config: &Config, opened: &Opened, findings: &mut Vec<Finding>) {
    let began = Instant::now();
    let client = match opened.url.connect().await {
        Ok(client) => client,
        Err(error) => {
            let remedy = "check host, port, role and password in DATABASE_URL, and that the server runs and lets this \
                          machine in";
            findings.push(Finding::problem(SUBJECT, error.to_string(), remedy));
            return;
        }
    };
    let connected = began.elapsed();
    match version(&client).await {
        Ok((major, shown)) if major >= MINIMUM_VERSION => {
            let message = format!("PostgreSQL {shown}, connected in {} ms", connected.as_millis());
            findings.push(Finding::ok(SUBJECT, message));
        }
        Ok((_, shown)) => findings.push(Finding::problem(
            SUBJECT,
            format!("PostgreSQL {shown} is too old"),
            format!("upgrade the server to PostgreSQL {MINIMUM_VERSION} or later"),
        )),
        Err(error) => findings.push(failed(SUBJECT, &error)),
    }
    findings.push(login_role(config, opened, &client).await);
    if migrations(opened, findings).await {
        coexistence::check(config, &client, findings).await;
        let roles = privileges::roles(&client, findings).await;
        for role in &roles {
            privileges::tables(&client, role, findings).await;
        }
        isolation::check(&client, roles.contains(&db::APP_ROLE), findings).await;
    }
}

async fn version(client: &Client) -> Result<(i32, String), tokio_postgres::Error> {
    let row = client
        .query_one("SELECT current_setting('server_version_num')::int / 10000, current_setting('server_version')", &[])
        .await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Whether the role that logs in is above row-level security. The pools change to roles that are not, but whoever
/// makes the session run SQL could change back.
pub(crate) async fn login_role(config: &Config, opened: &Opened, client: &Client) -> Finding {
    const SQL: &str = "SELECT rolname::text, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = session_user";
    let row = match client.query_one(SQL, &[]).await {
        Ok(row) => row,
        Err(error) => return failed(ROLE, &error),
    };
    let (name, superuser, bypass): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
    if opened.local.is_some() {
        return Finding::ok(ROLE, format!("{name}, of the private local server"));
    }
    let what = match (superuser, bypass) {
        (true, _) => "a superuser",
        (false, true) => "allowed to bypass row-level security (BYPASSRLS)",
        (false, false) => return Finding::ok(ROLE, format!("{name}, neither superuser nor BYPASSRLS")),
    };
    Finding::grave(
        config.is_production(),
        ROLE,
        format!("{name} is {what}: a single injected statement would reach every tenant"),
        "migrate once with it, then log in as a role made by \
         CREATE ROLE platform LOGIN PASSWORD '...' IN ROLE pyairtable_app, pyairtable_system",
    )
}

/// Reports them; whether all that this program knows are applied.
async fn migrations(opened: &Opened, findings: &mut Vec<Finding>) -> bool {
    match migrate::status(&opened.url).await {
        Ok(all) => {
            let pending: Vec<_> = all.iter().filter(|one| one.applied_at.is_none()).collect();
            if pending.is_empty() {
                findings.push(Finding::ok(MIGRATIONS, format!("all {} applied", all.len())));
                return true;
            }
            let names: Vec<String> = pending.iter().map(|one| format!("{} ({})", one.version, one.name)).collect();
            findings.push(Finding::warning(
                MIGRATIONS,
                format!("{} of {} not applied yet: {}", pending.len(), all.len(), names.join(", ")),
                "`pyairtable-platform migrate up` applies them, and so does `serve` when it starts",
            ));
            findings.push(Finding::skipped("row-level security", "looked at once all migrations are applied"));
            false
        }
        Err(error @ (MigrateError::Newer { .. } | MigrateError::Changed { .. })) => {
            findings.push(Finding::problem(MIGRATIONS, error.to_string(), "run the program that fits the database"));
            false
        }
        Err(error) => {
            let remedy = "let the role read platform_migrations";
            findings.push(Finding::problem(MIGRATIONS, error.to_string(), remedy));
            false
        }
    }
}

/// A query of the check itself failed.
pub(super) fn failed(subject: &'static str, error: &tokio_postgres::Error) -> Finding {
    let message = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
    Finding::problem(subject, message, "look into the server's log")
}
