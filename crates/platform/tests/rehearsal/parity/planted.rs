//! The control: with one wrong value for each write endpoint, each is found, by table, column and request.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use cutover::parity::catalogue::{Case, endpoints};
use cutover::parity::{Clones, Look, Old, Options, Outcome, Register, Side, compare_writes};
use cutover::run::{Doing, Folder, Progress, Tools};
use kernel::SystemClock;
use redis::Commands as _;
use testkit::legacy::layouts::Layout;
use testkit::{SeededRng, TestDb};

use super::{PROGRAM, backed_up, clones, stand_ins};

/// What is wrong after the first good request of an endpoint: in the rows that this program touched by it, or in Redis.
enum Wrong {
    /// A table, a column, and what is written there.
    Column(&'static str, &'static str, &'static str),
    /// The newest key that begins so lives for a minute.
    Lifetime(&'static str),
}
use Wrong::{Column, Lifetime};

const PLANTED: &[(&str, &str, Wrong)] = &[
    ("POST /workspaces", "good", Column("workspaces", "created_by", "upper(created_by)")),
    ("PUT /workspaces/{id}", "good", Column("workspaces", "name", "name || ' '")),
    ("DELETE /workspaces/{id}", "good", Column("workspaces", "deleted_at", "deleted_at + interval '9 hours'")),
    ("POST /workspaces/{id}/projects", "good", Column("projects", "settings", "settings || '{\"a\": [2, 1]}'")),
    ("POST /projects", "good", Column("projects", "description", "NULL")),
    ("PUT /projects/{id}", "good", Column("projects", "status", "'active'")),
    ("DELETE /projects/{id}", "good", Column("workspace_audit_logs", "action", "'project.updated'")),
    ("POST /projects/{id}/airtable-bases", "good", Column("airtable_bases", "base_id", "lower(base_id)")),
    ("PUT /airtable-bases/{id}", "good", Column("airtable_bases", "updated_at", "updated_at - interval '1 hour'")),
    ("DELETE /airtable-bases/{id}", "good", Column("workspace_audit_logs", "changes", "changes - 'name'")),
    ("POST /workspaces/{id}/members", "good", Column("workspace_members", "role", "'viewer'")),
    ("PUT /workspaces/{id}/members/{id}", "good", Column("workspace_audit_logs", "user_id", "resource_id")),
    ("DELETE /workspaces/{id}/members/{id}", "good", Column("workspace_audit_logs", "resource_id", "NULL")),
    ("POST /auth/register", "good", Column("users", "email", "lower(email)")),
    ("POST /auth/login", "good", Column("users", "last_login_at", "last_login_at + interval '1 minute'")),
    ("POST /auth/refresh", "good", Lifetime("refresh_token:")),
    ("POST /auth/logout", "good", Lifetime("blacklist_token:")),
    ("PUT /auth/me", "good", Column("users", "first_name", "last_name")),
    (
        "POST /auth/change-password",
        "good",
        Column("users", "password_hash", "overlay(password_hash PLACING '2b' FROM 2 FOR 2)"),
    ),
    ("POST /tenants", "good", Column("tenants", "plan", "'free'")),
    ("PUT /tenants/{id}", "good", Column("tenants", "name", "replace(name, '&', 'and')")),
    ("DELETE /tenants/{id}", "good", Column("tenants", "name", "name || ' (deleted)'")),
    ("POST /users", "good", Column("users", "email_verified", "NOT email_verified")),
    ("POST /users/bulk", "good", Column("users", "role", "'admin'")),
    ("PUT /users/me", "good", Column("users", "last_name", "convert_from(convert_to(last_name, 'UTF8'), 'LATIN1')")),
    ("PUT /users/{id}", "good", Column("users", "first_name", "lower(first_name)")),
    ("DELETE /users/{id}", "good", Column("users", "tenant_id", "gen_random_uuid()")),
];

/// Somebody who writes wrong values behind both sides' backs.
#[derive(Default)]
struct Planter {
    planted: Mutex<BTreeSet<String>>,
    /// Whether a row that no request touches is changed unnoticed as well.
    unseen: bool,
}

impl Look for Planter {
    fn says(&self, _: &str) {}

    fn progress(&self, _: &Progress) {}

    fn answered<'a>(&'a self, case: &'a Case, clones: &'a Clones, redis: &'a str) -> Doing<'a, ()> {
        Box::pin(async move {
            let endpoint = case.endpoint();
            let found = PLANTED.iter().find(|(of, name, _)| *of == endpoint && *name == case.name);
            let Some((_, _, wrong)) = found.filter(|_| !self.unseen || endpoint == "POST /workspaces") else {
                return Ok(());
            };
            let client = clones.url(Side::New).connect().await?;
            // Neither the old script's triggers nor the comparison's own notice this session.
            client.batch_execute("SET session_replication_role = replica").await.unwrap();
            let changed = match wrong {
                _ if self.unseen => {
                    let sql =
                        "UPDATE projects SET name = name || '!' WHERE id = (SELECT id FROM projects WHERE deleted_at
                        IS NOT NULL ORDER BY id LIMIT 1)";
                    client.execute(sql, &[]).await.unwrap()
                }
                Column(table, column, value) => {
                    let sql = format!(
                        "UPDATE {table} AS t SET {column} = {value} FROM pyairtable_parity.notes n
                         WHERE n.relation = 'public.{table}' AND n.key = (SELECT array_agg(to_jsonb(t) ->> k ORDER BY at)
                             FROM unnest(ARRAY[{}]) WITH ORDINALITY AS keys (k, at))",
                        if *table == "workspace_members" { "'workspace_id', 'user_id'" } else { "'id'" }
                    );
                    client.execute(&sql, &[]).await.unwrap()
                }
                Lifetime(kind) => {
                    let mut redis = redis::Client::open(redis).unwrap().get_connection().unwrap();
                    let keys: Vec<String> = redis.keys(format!("{kind}*")).unwrap();
                    let newest = keys.iter().max_by_key(|key| redis.pttl::<_, i64>(*key).unwrap()).unwrap();
                    redis.expire::<_, u64>(newest, 60).unwrap()
                }
            };
            assert!(changed > 0, "nothing to make wrong after {endpoint}, {}", case.name);
            self.planted.lock().unwrap().insert(endpoint);
            Ok(())
        })
    }
}

async fn compare(db: &TestDb, folder: &Path, layout: Layout, look: &Planter) -> Outcome {
    let path = std::env::var_os("PATH");
    let bindir = std::env::var_os("PG_BINDIR").map(Into::into);
    let options = Options {
        folder: &Folder::at(folder.join("cutover")),
        url: db.url(),
        tools: &Tools { bindir, search_path: path.clone() },
        program: PROGRAM.into(),
        path,
        old: Old::Command(stand_ins(layout)),
        redis: None,
        intended: Register::own().unwrap(),
        seed: 1,
        keep: false,
        jobs: 2,
        stop: &AtomicBool::new(false),
        clock: &SystemClock,
        rng: &SeededRng::new(5),
    };
    compare_writes(&options, look).await.unwrap()
}

/// Where user-service works, so that every endpoint does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parity_one_wrong_value_of_each_endpoint_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let db = backed_up(Layout::Widened, 400, folder.path()).await;
    let planter = Planter::default();
    let outcome = compare(&db, folder.path(), Layout::Widened, &planter).await;
    let done = planter.planted.lock().unwrap().clone();
    assert_eq!(done, endpoints().into_iter().collect(), "every endpoint has a wrong value");
    let mut missed = Vec::new();
    for (endpoint, case, wrong) in PLANTED {
        let field = match wrong {
            Column(table, column, _) => format!("public.{table}.{column}"),
            Lifetime(kind) => format!("redis.{}ttl", kind.replace(':', ".")),
        };
        let found = outcome.unexplained().any(|(of, found)| {
            // In a JSON value the path behind the column is named too.
            let at = found.field == field || found.field.starts_with(&format!("{field}."));
            of.endpoint == *endpoint && of.case == *case && at && !found.key.is_empty()
        });
        if !found {
            missed.push(format!("{endpoint}: {field}"));
        }
    }
    assert!(
        missed.is_empty(),
        "{} of {} found; missed {missed:#?}\n{outcome}",
        PLANTED.len() - missed.len(),
        PLANTED.len()
    );
    assert!(!outcome.is_clean());
    // What is named is wrong: nothing is blamed on requests before the first wrong value, or on rows nobody touched.
    assert!(outcome.cases[0].unexplained.is_empty() && outcome.unseen.is_empty(), "{outcome}");
    assert_eq!(clones(&db, folder.path()).await, 0);
}

/// A row that was changed without anybody noticing shows in the digests of whole tables.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parity_rows_that_changed_unnoticed_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let db = backed_up(Layout::Public, 200, folder.path()).await;
    let planter = Planter { unseen: true, ..Planter::default() };
    let outcome = compare(&db, folder.path(), Layout::Public, &planter).await;
    let [row] = outcome.unseen.as_slice() else { panic!("{outcome}") };
    assert!(row.starts_with("public.projects ") && row.ends_with(": name differ"), "{row}");
    assert_eq!(outcome.unexplained().count(), 0, "{outcome}");
    assert!(!outcome.is_clean());
}
