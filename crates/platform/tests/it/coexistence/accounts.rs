//! Accounts: every write of either side, and what both then show and accept.

use serde_json::json;

use super::{Findings, LAYOUTS, Pair, compare_me, form};
use crate::support::{INTERNAL_KEY, PASSWORD};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_accounts_are_the_same_on_both_sides() {
    for layout in LAYOUTS {
        let pair = Pair::on(layout).await;
        let found = compare(&pair).await;
        insta::assert_snapshot!(format!("accounts_{}", layout.name()), found.listed("accounts", layout));
    }
}

pub(super) async fn compare(pair: &Pair) -> Findings {
    let mut found = Findings::default();
    made_by_old(pair, &mut found).await;
    made_by_new(pair, &mut found).await;
    changed_by_admin(pair, &mut found).await;
    made_by_admin(pair, &mut found).await;
    found
}

async fn made_by_old(pair: &Pair, found: &mut Findings) {
    pair.old_auth().post("/auth/register").json(&form("Old@example.com")).send().await.expect(201);
    let person = pair.both("Old@example.com", PASSWORD).await;
    for (token, of) in [(&person.old_token, "old"), (&person.new_token, "new")] {
        compare_me(pair, found, &format!("old registers, token of {of}"), token).await;
    }
    let old = pair.old_auth().with_bearer(&person.new_token);
    let new = person.on_new(pair);
    // The other case is taken on the new side and free on the old one (T-56).
    let answer = pair.new.http.post("/auth/register").json(&form("old@example.com")).send().await;
    found.status("new registers another case", &answer, 409);
    old.put("/auth/me").json(&json!({ "first_name": "Augusta" })).send().await.expect(200);
    compare_me(pair, found, "old changes a name", &person.old_token).await;
    let name = new.get("/users/me").send().await.expect(200).body["display_name"].clone();
    found.equal("display name after old changes a name", &name, &json!("Augusta Lovelace"));
    new.put("/users/me").json(&json!({ "last_name": "King", "bio": "x" })).send().await.expect(200);
    compare_me(pair, found, "new changes a name", &person.old_token).await;

    let change = json!({ "current_password": PASSWORD, "new_password": "the old side's" });
    old.post("/auth/change-password").json(&change).send().await.expect(200);
    passwords(pair, found, "old changes a password", "Old@example.com", "the old side's", PASSWORD).await;
    let change = json!({ "current_password": "the old side's", "new_password": "the new side's" });
    new.post("/auth/change-password").json(&change).send().await.expect(200);
    passwords(pair, found, "new changes a password", "Old@example.com", "the new side's", PASSWORD).await;
    compare_me(pair, found, "passwords changed", &person.old_token).await;
}

async fn passwords(pair: &Pair, found: &mut Findings, after: &str, email: &str, right: &str, wrong: &str) {
    found.status(&format!("{after}: right on old"), &pair.old_login(email, right).await, 200);
    found.status(&format!("{after}: right on new"), &pair.new_login(email, right).await, 200);
    found.status(&format!("{after}: wrong on old"), &pair.old_login(email, wrong).await, 401);
    found.status(&format!("{after}: wrong on new"), &pair.new_login(email, wrong).await, 401);
}

async fn made_by_new(pair: &Pair, found: &mut Findings) {
    let person = pair.admin("new@example.com").await;
    for (token, of) in [(&person.old_token, "old"), (&person.new_token, "new")] {
        compare_me(pair, found, &format!("new registers, token of {of}"), token).await;
    }
    let answer = pair.old_auth().post("/auth/register").json(&form("new@example.com")).send().await;
    found.status("old registers the same", &answer, 409);
    // Into a tenant of the other side.
    let mut joining = form("joined@example.com");
    joining["tenant_id"] = json!(person.tenant);
    pair.old_auth().post("/auth/register").json(&joining).send().await.expect(201);
    let joined = pair.both("joined@example.com", PASSWORD).await;
    let seen = person.on_new(pair).get(&format!("/users/{}", joined.id)).send().await;
    found.status("old registers into a tenant of new", &seen, 200);
    let bearer = pair.old_auth().with_bearer(&joined.new_token).post("/auth/validate").send().await.expect(200);
    found.equal("claims of new for old", &bearer.body["tenant_id"], &json!(person.tenant));
    let bearer = joined.on_new(pair).post("/auth/validate").send().await.expect(200);
    found.equal("claims of old for new", &bearer.body["user_id"], &json!(joined.id));
}

/// Switching off and on, deleting and restoring, roles: decided on the new side, obeyed by the old one (T-54, T-55).
async fn changed_by_admin(pair: &Pair, found: &mut Findings) {
    let admin = pair.admin("admin@example.com").await;
    let mut joining = form("member@example.com");
    joining["tenant_id"] = json!(admin.tenant);
    pair.old_auth().post("/auth/register").json(&joining).send().await.expect(201);
    let member = pair.both("member@example.com", PASSWORD).await;
    let http = admin.on_new(pair);
    let path = format!("/users/{}", member.id);
    for (action, change, old, new) in [
        ("deactivates", http.post(&format!("{path}/deactivate")), 403, 403),
        ("reactivates", http.post(&format!("{path}/reactivate")), 200, 200),
        ("deletes", http.delete(&path), 403, 401),
        ("restores", http.post(&format!("{path}/restore")), 200, 200),
    ] {
        let answer = change.send().await;
        found.status(&format!("new {action}"), &answer, 200);
        let login = pair.old_login("member@example.com", PASSWORD).await;
        found.status(&format!("old log-in after new {action}"), &login, old);
        let login = pair.new_login("member@example.com", PASSWORD).await;
        found.status(&format!("new log-in after new {action}"), &login, new);
    }
    compare_me(pair, found, "restored", &member.new_token).await;
}

async fn made_by_admin(pair: &Pair, found: &mut Findings) {
    let admin = pair.admin("boss@example.com").await;
    let answer = admin.on_new(pair).post("/users").json(&form("made@example.com")).send().await;
    found.status("new makes a person", &answer, 201);
    let person = pair.both("made@example.com", PASSWORD).await;
    compare_me(pair, found, "new makes a person", &person.old_token).await;
    // By a service, without a password: nobody can log in, and nothing fails (T-37).
    let body = json!({ "email": "none@example.com", "first_name": "No", "last_name": "Password",
                       "tenant_id": admin.tenant, "is_active": true });
    let answer = pair.new.http.post("/users").header("x-api-key", INTERNAL_KEY).json(&body).send().await;
    found.status("new makes a person for a service", &answer, 201);
    found.status("their log-in on old", &pair.old_login("none@example.com", "!").await, 401);
    found.status("their log-in on new", &pair.new_login("none@example.com", "!").await, 401);
}
