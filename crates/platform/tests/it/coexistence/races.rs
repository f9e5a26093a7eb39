//! What the old side's log-in undoes (T-30): it writes the row as it read it, without a lock. The new side finds that out
//! and puts its change back.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::Answer;
use testkit::legacy::layouts::Layout;
use tokio::task::JoinHandle;

use super::{Both, Findings, LAYOUTS, Pair, form};
use crate::support::PASSWORD;

/// An admin, and a member of their tenant.
async fn two(pair: &Pair) -> (Both, Both) {
    let admin = pair.admin("admin@example.com").await;
    let mut joining = form("member@example.com");
    joining["tenant_id"] = json!(admin.tenant);
    pair.old_auth().post("/auth/register").json(&joining).send().await.expect(201);
    let member = pair.both("member@example.com", PASSWORD).await;
    (admin, member)
}

/// A log-in of the member on the old side that has read its row, and waits at the gate.
async fn read_their_row(pair: &Pair) -> JoinHandle<Answer> {
    let login = json!({ "email": "member@example.com", "password": PASSWORD });
    let under_way = tokio::spawn(pair.old.http.auth.post("/auth/login").json(&login).send());
    while pair.old.legacy.login_gate.waiting() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    under_way
}

/// The columns that an old log-in writes, except times.
async fn row(pair: &Pair, id: &str) -> Value {
    let sql = format!(
        "SELECT json_build_object('first_name', first_name, 'role', role, 'is_active', is_active, \
            'password_hash', password_hash)::text FROM users WHERE id = '{id}'"
    );
    let text = pair.old.value(&pair.old.places.auth, &sql).await.unwrap();
    serde_json::from_str(&text).unwrap()
}

async fn put_back(pair: &Pair) -> usize {
    pair.new.app.users.put_back(&pair.new.cx()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_changes_during_an_old_login_are_put_back() {
    for layout in LAYOUTS {
        let pair = Pair::on(layout).await;
        let mut found = Findings::default();
        let (admin, member) = two(&pair).await;
        let before = row(&pair, &member.id).await;

        let shut = pair.old.legacy.login_gate.shut().await;
        let under_way = read_their_row(&pair).await;
        let http = member.on_new(&pair);
        let change = json!({ "current_password": PASSWORD, "new_password": "another one" });
        http.post("/auth/change-password").json(&change).send().await.expect(200);
        http.put("/users/me").json(&json!({ "first_name": "Augusta", "bio": "x" })).send().await.expect(200);
        let path = format!("/users/{}", member.id);
        let role = json!({ "role": "admin" });
        admin.on_new(&pair).put(&format!("{path}/role")).json(&role).send().await.expect(200);
        admin.on_new(&pair).post(&format!("{path}/deactivate")).send().await.expect(200);
        let meant = row(&pair, &member.id).await;
        drop(shut);
        let tokens = under_way.await.unwrap().expect(200);

        // The accident happened: without the repair all four changes would be lost.
        assert_eq!(row(&pair, &member.id).await, before, "{}", layout.name());
        assert_eq!(put_back(&pair).await, 0, "not yet due");
        assert_eq!(row(&pair, &member.id).await, before);

        pair.new.clock.advance(SignedDuration::from_secs(1));
        found.equal("accounts put back", &json!(put_back(&pair).await), &json!(1));
        found.equal("row", &row(&pair, &member.id).await, &meant);
        for (side, wrong, right) in [
            ("old", pair.old_login(&member.email, PASSWORD).await, pair.old_login(&member.email, "another one").await),
            ("new", pair.new_login(&member.email, PASSWORD).await, pair.new_login(&member.email, "another one").await),
        ] {
            found.status(&format!("{side} log-in with the password before"), &wrong, 401);
            found.status(&format!("{side} log-in of somebody deactivated meanwhile"), &right, 403);
        }
        let me = pair.new.http.with_bearer(&tokens.text("access_token")).get("/auth/me").send().await;
        found.status("access token of that log-in", &me, 401);
        let refresh = json!({ "refresh_token": tokens.text("refresh_token") });
        for (side, http) in [("old", pair.old_auth()), ("new", &pair.new.http)] {
            let answer = http.post("/auth/refresh").json(&refresh).send().await;
            found.status(&format!("{side} refreshes what that log-in got"), &answer, 401);
        }
        let seen = admin.on_new(&pair).get(&path).send().await.expect(200);
        found.equal("first name", &seen.body["first_name"], &json!("Augusta"));
        found.equal("bio, which only the new side writes", &seen.body["bio"], &json!("x"));
        insta::assert_snapshot!(format!("races_{}", layout.name()), found.listed("races", layout));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_suspension_during_an_old_login_is_put_back() {
    let pair = Pair::on(Layout::Public).await;
    let mut found = Findings::default();
    let (admin, member) = two(&pair).await;
    let root = pair.new.super_admin().await;
    let shut = pair.old.legacy.login_gate.shut().await;
    let under_way = read_their_row(&pair).await;
    root.http.post(&format!("/tenants/{}/suspend", admin.tenant)).send().await.expect(200);
    drop(shut);
    under_way.await.unwrap().expect(200);
    assert_eq!(row(&pair, &member.id).await["is_active"], true);
    pair.new.clock.advance(SignedDuration::from_secs(1));
    found.equal("accounts put back", &json!(put_back(&pair).await), &json!(1));
    found.status("old log-in", &pair.old_login(&member.email, PASSWORD).await, 403);
    root.http.post(&format!("/tenants/{}/reactivate", admin.tenant)).send().await.expect(200);
    found.status("old log-in after reactivation", &pair.old_login(&member.email, PASSWORD).await, 200);
    pair.new.clock.advance(SignedDuration::from_secs(1));
    found.equal("put back after reactivation", &json!(put_back(&pair).await), &json!(0));
    insta::assert_snapshot!(found.listed("suspension", Layout::Public));
}

/// What the old side means to change is left alone, and half a minute later nothing is remembered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_changes_of_the_old_side_are_not_taken_for_accidents() {
    let pair = Pair::on(Layout::Public).await;
    let mut found = Findings::default();
    let (_, member) = two(&pair).await;
    let http = member.on_new(&pair);
    http.put("/users/me").json(&json!({ "first_name": "Augusta" })).send().await.expect(200);
    let change = json!({ "current_password": PASSWORD, "new_password": "another one" });
    http.post("/auth/change-password").json(&change).send().await.expect(200);
    let old = pair.old_auth().with_bearer(&member.new_token);
    old.put("/auth/me").json(&json!({ "first_name": "Byron" })).send().await.expect(200);
    let change = json!({ "current_password": "another one", "new_password": "a third one" });
    old.post("/auth/change-password").json(&change).send().await.expect(200);
    let meant = row(&pair, &member.id).await;
    for _ in 0..4 {
        pair.new.clock.advance(SignedDuration::from_secs(10));
        found.equal("put back", &json!(put_back(&pair).await), &json!(0));
    }
    found.equal("row", &row(&pair, &member.id).await, &meant);
    let sql = "SELECT count(*) FROM account_changes";
    let left: i64 = pair.new.db.superuser().await.query_one(sql, &[]).await.unwrap().get(0);
    found.equal("remembered", &json!(left), &json!(0));
    insta::assert_snapshot!(found.listed("left_alone", Layout::Public));
}
