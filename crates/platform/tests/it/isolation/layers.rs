//! Tenants are kept apart twice: by the statements and by row-level security. Each is looked at with the other gone.
//!
//! Statements of system transactions are not touched: they run across tenants on purpose, as another role, for which no
//! policy is made. Who may be told what they find is decided in code, and the matrix asks that code all its questions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use db::{APP_ROLE, SYSTEM_ROLE};
use jiff::SignedDuration;

use super::matrix::World;
use super::tables::{MARKER, tenant_tables};

/// The statement with every comparison with the transaction's tenant made true; `None` if it has none. A parameter that
/// was compared stays in the text, or its type would be anybody's guess.
fn without_tenant(sql: &str) -> Option<String> {
    let mut changed = String::new();
    let mut rest = sql;
    while let Some((start, end)) = comparison(rest) {
        changed += &format!("{}({} OR true)", &rest[..start], &rest[start..end]);
        rest = &rest[end..];
    }
    (!changed.is_empty()).then(|| changed + rest)
}

/// Where the next `tenant_id = $1` stands, in any of its spellings; in statements about `tenants`, whose id it is,
/// `id = $1`.
fn comparison(sql: &str) -> Option<(usize, usize)> {
    let about_tenants = ["FROM tenants", "UPDATE tenants"].iter().any(|words| sql.contains(words));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    let mut from = 0;
    while let Some(at) = sql[from..].find("id").map(|at| at + from) {
        from = at + 2;
        let start = sql[..at].bytes().rposition(|byte| !is_name(byte)).map_or(0, |before| before + 1);
        let name = sql[start..from].rsplit('.').next().unwrap_or_default();
        if !(name == "tenant_id" || (name == "id" && about_tenants)) {
            continue;
        }
        let after = &sql[from..];
        let value = after.strip_prefix("::text").unwrap_or(after);
        let Some(value) = value.strip_prefix(" = ") else { continue };
        let length = if value.starts_with('$') {
            value.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || b"$:".contains(&byte)))
        } else if value.starts_with("ANY($") {
            value.find(')').map(|at| at + 1)
        } else {
            continue;
        };
        return Some((start, sql.len() - value.len() + length.unwrap_or(value.len())));
    }
    None
}

#[test]
fn comparisons_with_the_tenant_are_found() {
    for (sql, changed) in [
        ("SELECT 1 FROM users WHERE tenant_id = $1 AND id = $2", Some("(tenant_id = $1 OR true) AND id = $2")),
        ("SELECT 1 FROM x w WHERE w.tenant_id::text = $2", Some("(w.tenant_id::text = $2 OR true)")),
        (
            "SELECT 1 FROM e WHERE e.tenant_id = $2::text::uuid AND b",
            Some("(e.tenant_id = $2::text::uuid OR true) AND b"),
        ),
        ("SELECT 1 FROM u WHERE u.tenant_id = ANY($1::uuid[])", Some("(u.tenant_id = ANY($1::uuid[]) OR true)")),
        ("UPDATE tenants SET name = $2 WHERE id = $1", Some("(id = $1 OR true)")),
        ("SELECT 1 FROM tenants t WHERE ($1::uuid IS NULL OR t.id = $1)", Some("(t.id = $1 OR true))")),
        ("SELECT 1 FROM users WHERE id = $1", None),
        ("SELECT 1 FROM workspaces d WHERE d.tenant_id = w.tenant_id", None),
        ("INSERT INTO users (id, tenant_id) VALUES ($1, $2)", None),
    ] {
        let found = without_tenant(sql);
        match changed {
            Some(end) => assert!(found.as_ref().is_some_and(|text| text.ends_with(end)), "{sql}: {found:?}"),
            None => assert_eq!(found, None),
        }
    }
}

impl World {
    /// Takes row-level security away altogether.
    async fn drop_policies(&self) {
        for table in tenant_tables(&self.database).await {
            let sql = format!("ALTER TABLE {} DISABLE ROW LEVEL SECURITY", table.name);
            self.database.batch_execute(&sql).await.unwrap();
        }
    }
}

/// A write shows, if only by its time.
const LATER: SignedDuration = SignedDuration::from_mins(1);

#[tokio::test]
async fn no_operation_shows_or_changes_rows_of_another_tenant() {
    let world = World::new().await;
    world.app.clock.advance(LATER);
    let report = world.ask(&world.app, |_| true, |_| {}).await;
    assert!(report.requests > 1500, "{}", report.requests);
    report.expect_nothing("both layers");

    // Whoever may see them does, so the marker can be seen at all.
    let root = world.app.super_admin().await;
    let (tenant, member) = (world.victim.tenant(), &world.victim.member.id);
    for path in [
        format!("/users?tenant_id={tenant}"),
        format!("/users/{member}"),
        format!("/workspaces?tenant_id={tenant}"),
        format!("/workspaces/{}", world.victim.workspace),
        format!("/projects/{}", world.victim.project),
        format!("/airtable-bases/{}", world.victim.base),
        format!("/audit-logs?workspace_id={}", world.victim.workspace),
        format!("/tenants/{tenant}"),
        format!("/tenants/{tenant}/invitations"),
    ] {
        let answer = root.http.get(&path).send().await.expect(200);
        assert!(String::from_utf8_lossy(&answer.bytes).contains(MARKER), "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn statements_alone_keep_tenants_apart() {
    let world = World::new().await;
    world.drop_policies().await;
    world.app.clock.advance(LATER);
    world.ask(&world.app, |_| true, |_| {}).await.expect_nothing("statements without policies");
}

#[tokio::test]
async fn policies_alone_keep_tenants_apart() {
    let world = World::new().await;
    let (app, rewriter) = world.through(APP_ROLE, LATER, without_tenant);
    world.ask(&app, |_| true, |_| {}).await.expect_nothing("policies without comparisons");
    let ran = rewriter.take_ran();
    let (compared, others): (Vec<_>, Vec<_>) = ran.iter().partition(|sql| without_tenant(sql).is_some());
    assert!(compared.len() > 50, "{} statements lost their comparison", compared.len());
    // What has no comparison names the parent whose tenant was compared before, or inserts.
    let names: BTreeSet<String> = others.iter().map(|sql| name_of(sql)).collect();
    insta::assert_json_snapshot!("tenant_statements_without_a_comparison", names);
}

/// One comparison is forgotten at a time, and the operations that run the statement are asked again.
#[tokio::test]
async fn policies_make_up_for_each_comparison() {
    let world = World::new().await;
    let (app, recorder) = world.through(APP_ROLE, LATER, |_| None);
    let mut operations_of = BTreeMap::<String, BTreeSet<String>>::new();
    let report = world
        .ask(
            &app,
            |_| true,
            |operation| {
                for sql in recorder.take_ran().into_iter().filter(|sql| without_tenant(sql).is_some()) {
                    operations_of.entry(name_of(&sql)).or_default().insert(operation.id.clone());
                }
            },
        )
        .await;
    report.expect_nothing("both layers");
    assert!(operations_of.len() > 40, "{operations_of:#?}");
    for (turn, (name, operations)) in (2..).zip(&operations_of) {
        let forgotten = Arc::new(Mutex::new(0));
        let (app, _rewriter) = world.through(APP_ROLE, LATER * turn, {
            let (name, forgotten) = (name.clone(), Arc::clone(&forgotten));
            move |sql| {
                let changed = without_tenant(sql).filter(|_| name_of(sql) == name)?;
                *forgotten.lock().unwrap() += 1;
                Some(changed)
            }
        });
        let report = world.ask(&app, |operation| operations.contains(&operation.id), |_| {}).await;
        report.expect_nothing(&format!("{name} without its comparison"));
        assert!(*forgotten.lock().unwrap() > 0, "{name} did not run");
    }
}

/// What runs across tenants for people and services who are of one: nothing here may answer more than it says in
/// docs/adr/0005-tenant-isolation.md. Another operation in this list, or another statement, needs a reason there.
#[tokio::test]
async fn statements_across_tenants_are_few() {
    let world = World::new().await;
    let (app, recorder) = world.through(SYSTEM_ROLE, LATER, |_| None);
    let mut operations_of = BTreeMap::<String, BTreeSet<String>>::new();
    let report = world
        .ask(
            &app,
            |_| true,
            |operation| {
                for sql in recorder.take_ran() {
                    operations_of.entry(name_of(&sql)).or_default().insert(operation.id.clone());
                }
            },
        )
        .await;
    report.expect_nothing("both layers");
    // Every token is looked up so.
    assert!(operations_of.remove("users::store::FIND_STANDING").is_some_and(|operations| operations.len() > 50));
    insta::assert_json_snapshot!(operations_of);
}

/// With neither layer the same questions find the rows: they are the right questions.
#[tokio::test]
async fn neither_layer_is_found_out() {
    let world = World::new().await;
    world.drop_policies().await;
    let (app, _rewriter) = world.through(APP_ROLE, LATER, without_tenant);
    // A person who is deleted hands over or takes along their workspaces, and there would be no members left to ask for.
    let report = world.ask(&app, |operation| operation.id != "delete_user", |_| {}).await;
    let leaking: BTreeSet<_> = report.leaks.iter().filter_map(|leak| leak.split(' ').next()).collect();
    assert!(report.leaks.len() > 100 && leaking.len() > 20, "{} leaks of {leaking:?}", report.leaks.len());
    // Not `tenants`: who asks for another one is refused before any statement runs.
    for table in ["users", "user_profiles", "workspaces", "projects", "airtable_bases", "workspace_members"] {
        assert!(report.changed.contains(table), "{table} is unchanged: {:?}", report.changed);
    }
}

/// What the logs call a statement.
fn name_of(sql: &str) -> String {
    let all = crate::statements::all();
    let known = all.iter().find(|known| known.text == sql);
    known.map_or_else(|| sql.to_owned(), |known| known.name.trim_start_matches("pyairtable_").to_owned())
}
