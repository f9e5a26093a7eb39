//! Rows as they grew over the years: whatever the old side can read of them, the new side shows the same.

use serde_json::json;
use testkit::legacy::generate::{PASSWORDS, Plan, fill};

use super::{Findings, LAYOUTS, Pair};
use crate::support::long;

/// Few enough to ask for each.
fn people_in_all() -> u32 {
    if long() { 1000 } else { 120 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_generated_rows_read_the_same_on_both_sides() {
    for layout in LAYOUTS {
        let pair = Pair::on(layout).await;
        let plan = Plan { people: people_in_all(), seed: 11, now: "2026-02-01T00:00:00Z".parse().unwrap() };
        fill(layout, &pair.old.places, plan).await.unwrap();
        let mut found = Findings::default();
        people(&pair, &mut found).await;
        workspaces(&pair, &mut found).await;
        people_change(&pair, &mut found).await;
        workspaces_change(&pair, &mut found).await;
        if long() {
            found.expect_intended("generated", layout);
            continue;
        }
        insta::assert_snapshot!(format!("generated_{}", layout.name()), found.listed("generated", layout));
    }
}

/// Everybody who can log in on the old side, can on the new one, and the other way round; then they read the same.
async fn people(pair: &Pair, found: &mut Findings) {
    let database = pair.new.db.superuser().await;
    let sql = "SELECT u.email, u.password_hash, p.deleted_at IS NOT NULL,
            EXISTS (SELECT FROM tenants t WHERE t.id = u.tenant_id AND NOT t.is_active)
        FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.email IS NOT NULL AND u.password_hash LIKE '$2_$04$%' AND length(u.password_hash) = 60
        ORDER BY u.email COLLATE \"C\"";
    let mut both = 0;
    for row in database.query(sql, &[]).await.unwrap() {
        let (email, hash): (&str, &str) = (row.get(0), row.get(1));
        let (marked, suspended): (bool, bool) = (row.get(2), row.get(3));
        let Some((password, _)) = PASSWORDS.iter().find(|(_, known)| *known == hash) else { continue };
        let old = pair.old_login(email, password).await;
        let new = pair.new_login(email, password).await;
        match (old.status.as_u16(), new.status.as_u16()) {
            (200, 200) => {
                both += 1;
                super::compare_me(pair, found, "me", &old.text("access_token")).await;
            }
            // The mark of user-service, which auth-service does not see (T-55).
            (200 | 403, 401) if marked => {}
            // auth-service never looks at tenants (T-54).
            (200, 403) if suspended => {}
            // A NULL somewhere, which is too much for the old side only (T-43).
            (401, 200 | 401 | 403) | (403, 403) => {}
            (old, new) => {
                found.equal("log-ins, old and new", &json!([old, new]), &json!("the same"));
            }
        }
    }
    assert!(both > people_in_all() / 4, "only {both} people could log in");
}

/// Whoever the new side lets in can change themselves there, and the old side lets them in as before.
async fn people_change(pair: &Pair, found: &mut Findings) {
    let database = pair.new.db.superuser().await;
    let sql = "SELECT id::text, tenant_id::text, email, password_hash FROM users
        WHERE email IS NOT NULL AND tenant_id IS NOT NULL ORDER BY email COLLATE \"C\"";
    let mut changed = 0;
    for row in database.query(sql, &[]).await.unwrap() {
        let (id, tenant, email): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        let cheap =
            PASSWORDS.iter().find(|(_, hash)| row.get::<_, Option<&str>>(3) == Some(*hash) && hash.contains("$04$"));
        let new = pair.new.http.with_bearer(&pair.old.token(id, tenant));
        if new.get("/users/me").send().await.status == 401 {
            continue;
        }
        changed += 1;
        let log_in = async || match cheap {
            Some((password, _)) => pair.old_login(email, password).await.status.as_u16(),
            None => 0,
        };
        let before = log_in().await;
        for body in [json!({ "bio": "changed" }), json!({ "first_name": "Changed", "last_name": "Name" })] {
            let answer = new.put("/users/me").json(&body).send().await;
            found.status(&format!("new changes {}", body.as_object().unwrap().keys().next().unwrap()), &answer, 200);
        }
        let after = log_in().await;
        // With names, a row that the old side could not read may have become readable.
        found.equal(
            "old log-in after a change",
            &json!(after == before || (before, after) == (401, 200)),
            &json!(true),
        );
    }
    assert!(changed > 50, "only {changed} people");
}

/// Either side changes what it finds, and both show the same.
async fn workspaces_change(pair: &Pair, found: &mut Findings) {
    for (number, (workspace, user, tenant)) in owned(pair).await.into_iter().enumerate() {
        let old = pair.old.workspaces_as(&user, &tenant);
        let new = pair.new.http.with_bearer(&pair.old.token(&user, &tenant));
        let path = format!("/workspaces/{workspace}");
        for (writer, http) in [("old", &old), ("new", &new)] {
            let body =
                json!({ "name": format!("{writer} {number}"), "description": writer, "settings": { "by": writer } });
            found.status(&format!("{writer} changes a workspace"), &http.put(&path).json(&body).send().await, 200);
            let (old, new) = (old.get(&path).send().await, new.get(&path).send().await);
            found.same(&format!("workspace that {writer} changed"), &old, &new);
            let body = json!({ "name": format!("{writer} {number}") });
            let made = http.post(&format!("{path}/projects")).json(&body).send().await;
            found.status(&format!("{writer} makes a project"), &made, 201);
        }
        let list = format!("/projects?workspace_id={workspace}");
        found.same("projects of both", &old.get(&list).send().await, &new.get(&list).send().await);
    }
}

/// Live workspaces with one of their owners, who may log in, and the tenant of both.
pub(super) async fn owned(pair: &Pair) -> Vec<(String, String, String)> {
    let database = pair.new.db.superuser().await;
    let sql = "SELECT w.id::text, m.user_id, w.tenant_id FROM workspaces w JOIN workspace_members m
            ON m.workspace_id::text = w.id::text JOIN users u ON u.id::text = m.user_id
        WHERE w.deleted_at IS NULL AND m.role = 'owner' AND u.is_active AND u.tenant_id::text = w.tenant_id
            AND NOT EXISTS (SELECT FROM user_profiles p WHERE p.user_id = u.id AND p.deleted_at IS NOT NULL)
            AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = u.tenant_id AND NOT t.is_active)
        ORDER BY w.id, m.user_id LIMIT 40";
    let rows = database.query(sql, &[]).await.unwrap();
    assert!(rows.len() > 10, "{}", rows.len());
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

/// Every live workspace of every tenant, read by its owner.
async fn workspaces(pair: &Pair, found: &mut Findings) {
    for (workspace, user, tenant) in owned(pair).await {
        let old = pair.old.workspaces_as(&user, &tenant);
        let new = pair.new.http.with_bearer(&pair.old.token(&user, &tenant));
        for (what, path) in [
            ("workspace", format!("/workspaces/{workspace}")),
            ("members", format!("/workspaces/{workspace}/members")),
            ("projects", format!("/projects?workspace_id={workspace}&sort_by=name&sort_order=asc")),
            ("list", "/workspaces?sort_by=name&sort_order=asc".to_owned()),
        ] {
            let (old, new) = (old.get(&path).send().await, new.get(&path).send().await);
            found.same(what, &old, &new);
        }
    }
}
