//! Whether row-level security keeps tenants apart, by trying: a tenant that does not exist must see nothing.

use tokio_postgres::Client;

use super::database::failed;
use crate::finding::Finding;

const SUBJECT: &str = "row-level security";
const REMEDY: &str = "as the tables' owner, run ALTER TABLE ... ENABLE ROW LEVEL SECURITY and put the policy of the \
                      migrations back (platform_protect in V1__roles.sql); let nobody serve until then";

/// The tables behind it, as the migrations say. A test holds this list against a migrated database.
pub const PROTECTED: &[&str] = &[
    "tenants",
    "users",
    "user_profiles",
    "login_sessions",
    "audit_events",
    "invitations",
    "tenant_suspended_users",
    "workspaces",
    "projects",
    "workspace_members",
    "workspace_audit_logs",
    "workspace_audit_seals",
    "airtable_bases",
    "account_changes",
    "jobs",
    "notification_feeds",
    "user_notifications",
    "notification_templates",
    "notification_channels",
    "notification_channel_codes",
    "notification_preferences",
    "notification_mails",
    "notification_digests",
    "notification_digest_items",
    "webhook_endpoints",
    "webhook_deliveries",
    "webhook_attempts",
];

/// `can_try`: whether the session may become the role of tenant requests.
pub(super) async fn check(client: &Client, can_try: bool, findings: &mut Vec<Finding>) {
    let mut problems = Vec::new();
    role(client, &mut problems).await;
    for table in PROTECTED {
        policy(client, table, &mut problems).await;
    }
    if !can_try {
        findings.push(Finding::skipped(SUBJECT, format!("not tried out without {}", db::APP_ROLE)));
        findings.append(&mut problems);
        return;
    }
    let tried = attempt(client, &mut problems).await;
    // Ends the attempt, whatever became of it.
    let _ = client.batch_execute("ROLLBACK").await;
    if let Err(error) = tried {
        problems.push(failed(SUBJECT, &error));
    }
    if problems.is_empty() {
        let message = format!("in force on {} tables; a tenant that does not exist sees nothing", PROTECTED.len());
        findings.push(Finding::ok(SUBJECT, message));
    }
    findings.append(&mut problems);
}

/// Row-level security does not apply to everybody.
async fn role(client: &Client, problems: &mut Vec<Finding>) {
    const SQL: &str = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = $1";
    match client.query_opt(SQL, &[&db::APP_ROLE]).await {
        Ok(Some(row)) if row.get(0) => problems.push(Finding::problem(
            SUBJECT,
            format!("{} is above it", db::APP_ROLE),
            format!("ALTER ROLE {} NOSUPERUSER NOBYPASSRLS", db::APP_ROLE),
        )),
        Ok(_) => {}
        Err(error) => problems.push(failed(SUBJECT, &error)),
    }
}

async fn policy(client: &Client, table: &str, problems: &mut Vec<Finding>) {
    const SQL: &str = "
        SELECT c.relkind::text, c.relrowsecurity, pg_get_userbyid(c.relowner) = $2,
               EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'platform_tenant'
                       AND NOT p.polpermissive AND p.polcmd = '*')
        FROM pg_class c WHERE c.oid = to_regclass($1)";
    let row = match client.query_opt(SQL, &[&table, &db::APP_ROLE]).await {
        Ok(Some(row)) => row,
        Ok(None) => {
            let remedy =
                "run `pyairtable-platform migrate up`, or add the table's schema to search_path in DATABASE_URL";
            problems.push(Finding::problem(SUBJECT, format!("there is no table {table}"), remedy));
            return;
        }
        Err(error) => {
            problems.push(failed(SUBJECT, &error));
            return;
        }
    };
    let (kind, enabled, owned, restricted): (String, bool, bool, bool) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    let mut wrong = |what: &str| problems.push(Finding::problem(SUBJECT, format!("{table}: {what}"), REMEDY));
    if !matches!(kind.as_str(), "r" | "p") {
        return; // a view (T-41) has none of its own; the attempt below shows what it lets through
    }
    if !enabled {
        wrong("it is switched off");
    }
    if !restricted {
        wrong("the restrictive policy platform_tenant is missing");
    }
    if owned {
        wrong("pyairtable_app owns the table, and owners are exempt");
    }
}

/// Looks as the role of tenant requests, for a tenant nobody has.
async fn attempt(client: &Client, problems: &mut Vec<Finding>) -> Result<(), tokio_postgres::Error> {
    client
        .batch_execute(&format!(
            "BEGIN READ ONLY; SET LOCAL ROLE {}; SELECT set_config('app.tenant_id', gen_random_uuid()::text, true)",
            db::APP_ROLE
        ))
        .await?;
    for table in PROTECTED {
        let there: bool = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[table]).await?.get(0);
        if !there {
            continue; // reported above
        }
        let seen = client.query_one(&format!("SELECT EXISTS (SELECT FROM {table})"), &[]).await?;
        if seen.get(0) {
            let message = format!("{table}: a tenant that does not exist sees rows");
            problems.push(Finding::problem(SUBJECT, message, REMEDY));
        }
    }
    Ok(())
}
