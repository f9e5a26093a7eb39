//! Every statement fits the migrated schema and a role that may run it; those of every request use an index.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use db::{APP_ROLE, SYSTEM_ROLE, Sql};
use testkit::TestDb;

use crate::support::TestApp;

/// Every statement of the program.
pub(crate) fn all() -> Vec<Sql> {
    let db = [db::audit::STATEMENTS, db::idempotency::STATEMENTS, db::jobs::STATEMENTS].concat();
    [users::statements(), tenants::statements(), workspaces::statements(), notifications::statements(), db].concat()
}

/// The name from its slice on: two slices may both have a `store::FIND`.
fn short(sql: &Sql) -> String {
    sql.name.trim_start_matches("pyairtable_").to_owned()
}

/// Only the texts of one list share a name; two statements that did would hide each other here and in the logs.
#[test]
fn statements_have_names_of_their_own() {
    let mut names = std::collections::BTreeSet::new();
    for sql in all().iter().filter(|sql| matches!(sql.text, std::borrow::Cow::Borrowed(_))) {
        assert!(names.insert(short(sql)), "{} stands for two statements", sql.name);
    }
    assert!(names.len() > 100, "{names:?}");
}

#[tokio::test]
async fn statements_can_all_be_planned_by_a_role_that_may_run_them() {
    let database = TestDb::new().await.superuser().await;
    let mut least_role = BTreeMap::new();
    for sql in all() {
        let mut refusals = String::new();
        for role in [APP_ROLE, SYSTEM_ROLE] {
            database.batch_execute(&format!("SET ROLE {role}")).await.unwrap();
            // Privileges are looked at when a statement is planned for execution, not when it is parsed.
            let prepared = database.prepare(&sql.text).await;
            let planned = match &prepared {
                Ok(_) => database.batch_execute(&explain(&sql)).await,
                Err(_) => Ok(()),
            };
            match (&prepared, planned) {
                (Ok(_), Ok(())) => {
                    least_role.entry(short(&sql)).or_insert(role);
                    break;
                }
                (Err(error), _) => writeln!(refusals, "{role}: {error}, {:?}", error.as_db_error()).unwrap(),
                (_, Err(error)) => writeln!(refusals, "{role}: {error}, {:?}", error.as_db_error()).unwrap(),
            }
            database.batch_execute("DEALLOCATE ALL").await.unwrap();
        }
        assert!(least_role.contains_key(&short(&sql)), "{}:\n{}\n{refusals}", sql.name, sql.text);
    }
    assert!(least_role.len() > 30, "{least_role:?}");
    // Nothing that reads a password may be run by the role of tenant transactions.
    let reads_passwords: Vec<_> = all().iter().filter(|sql| sql.text.contains("password_hash")).map(short).collect();
    for name in reads_passwords {
        if name != "users::store::INSERT_USER" {
            assert_eq!(least_role[&name], SYSTEM_ROLE, "{name}");
        }
    }
    insta::assert_json_snapshot!(least_role);
}

/// Plans `sql` once for all values, as a prepared statement that has been used a while.
fn explain(sql: &Sql) -> String {
    let count = (1..100).take_while(|n| sql.text.contains(&format!("${n}"))).count();
    explain_with(sql, "generic", &vec!["NULL"; count].join(", "))
}

fn explain_with(sql: &Sql, kind: &str, values: &str) -> String {
    let values = if values.is_empty() { String::new() } else { format!("({values})") };
    format!(
        "SET plan_cache_mode = force_{kind}_plan; PREPARE planned AS {}; EXPLAIN (COSTS OFF) EXECUTE planned{values};
         DEALLOCATE planned",
        sql.text
    )
}

/// Log-ins and refresh tokens for everybody.
const LOGINS: &str = "
    INSERT INTO tenants (id, name, slug) SELECT DISTINCT tenant_id, 'x', left(md5(tenant_id::text), 20) FROM users
        ON CONFLICT DO NOTHING;
    INSERT INTO tenants (id, name, slug) SELECT gen_random_uuid(), 'x', 'many-' || n FROM generate_series(1, 20000) n;
    INSERT INTO login_sessions (id, user_id, tenant_id, created_at, last_used_at, expires_at)
        SELECT gen_random_uuid(), id, tenant_id, now(), now(), now() FROM users;
    INSERT INTO refresh_tokens (token_hash, user_id, session_id, expires_at)
        SELECT md5(id::text) || md5(user_id::text), user_id, id, now() FROM login_sessions;
    UPDATE user_profiles SET metadata = jsonb_build_object('username', email) WHERE user_id::text LIKE '%7';
    INSERT INTO audit_events (id, tenant_id, seq, at, actor_kind, action, resource_type, resource_id, changes, mac)
        SELECT gen_random_uuid(), tenant_id, row_number() OVER (PARTITION BY tenant_id), now(), '', '', '', '', 'null', ''
        FROM users;
    INSERT INTO workspace_audit_seals (id, tenant_id, seq, actor_kind, mac)
        SELECT id, tenant_id, seq, '', '' FROM audit_events;
    ANALYZE";

#[tokio::test]
async fn statements_of_every_request_use_indexes() {
    let app = TestApp::new().await;
    for number in 0..20 {
        let tenant = format!("00000000-0000-4000-9000-{number:012}");
        app.old_people(&tenant, number * 1000 + 1, 1000).await;
    }
    app.sql(LOGINS).await;
    let database = app.db.superuser().await;
    let mut plans = String::new();
    for (role, names) in [
        (
            APP_ROLE,
            &[
                "users::store::FIND",
                "users::store::LOCK_USER",
                "users::sessions::postgres::LIST_SESSIONS",
                "db::audit::HEAD",
                "workspaces::store::audit::HEAD",
            ][..],
        ),
        (
            SYSTEM_ROLE,
            &[
                "users::store::FIND_ANYWHERE",
                "users::store::FIND_STANDING",
                "users::store::FIND_CREDENTIALS",
                "users::store::EMAIL_EXISTS",
                "users::sessions::postgres::LOCK_TOKEN",
                "users::sessions::postgres::ROTATE_TOKEN",
                "users::sessions::postgres::TOUCH_SESSION",
                "users::sessions::postgres::SESSION_OF_TOKEN",
                "users::sessions::postgres::REVOKE_TOKENS_OF_USER",
                "users::sessions::postgres::REVOKE_SESSIONS_OF_USER",
            ],
        ),
    ] {
        for name in names {
            let sql = all().into_iter().find(|sql| short(sql) == *name).unwrap_or_else(|| panic!("no {name}"));
            plan(&database, role, &sql, &explain(&sql), &mut plans).await;
        }
    }
    // The first page in the default order, and what follows it by key.
    let pages = users::statements().into_iter().filter(|sql| {
        sql.name.ends_with("list::PAGE")
            && sql.text.contains("ELSE u.created_at END DESC")
            && sql.text.contains("LIMIT 21")
    });
    let pages: Vec<_> = pages.collect();
    assert_eq!(pages.len(), 2);
    for sql in &pages {
        let start =
            if sql.text.contains("OFFSET") { "0" } else { "'2026-01-05Z', '00000000-0000-4000-8000-000000000500'" };
        let values = format!("'00000000-0000-4000-9000-000000000000', NULL, NULL, NULL, NULL, NULL, {start}");
        let plan = plan(&database, APP_ROLE, sql, &explain_with(sql, "custom", &values), &mut plans).await;
        assert!(!plan.contains("Sort"), "the index gives the order:\n{plan}");
        // Otherwise each page would read all earlier ones again.
        assert_eq!(plan.contains("AND (ROW("), start != "0", "the index finds the key:\n{plan}");
    }
    // Other majors word and choose their plans a little differently; the rules above hold for all.
    let major: i32 =
        database.query_one("SELECT current_setting('server_version_num')::int / 10000", &[]).await.unwrap().get(0);
    if major == 15 {
        insta::assert_snapshot!(plans);
    }
}

async fn plan(database: &tokio_postgres::Client, role: &str, sql: &Sql, explain: &str, plans: &mut String) -> String {
    let tenant = "00000000-0000-4000-9000-000000000000";
    database.batch_execute(&format!("SET ROLE {role}; SET app.tenant_id = '{tenant}'")).await.unwrap();
    let answer = database.simple_query(explain).await.unwrap();
    let lines = answer.iter().filter_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let plan = lines.collect::<Vec<_>>().join("\n");
    assert!(!plan.contains("Seq Scan"), "{}:\n{plan}", sql.name);
    writeln!(plans, "== {} as {role}\n{plan}\n", short(sql)).unwrap();
    plan
}
