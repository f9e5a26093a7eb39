//! What the old side's log-in takes back (T-30): it writes the row as it read it. Nothing the new side does about its own
//! writes helps; which changes are lost stands in the snapshot, and operators route log-ins to one side to avoid it.

use std::time::Duration;

use serde_json::json;
use testkit::legacy::layouts::Layout;

use super::{Findings, Pair, form};
use crate::support::PASSWORD;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_changes_during_an_old_login() {
    let pair = Pair::on(Layout::Public).await;
    let mut found = Findings::default();
    let admin = pair.admin("admin@example.com").await;
    let mut joining = form("member@example.com");
    joining["tenant_id"] = json!(admin.tenant);
    pair.old_auth().post("/auth/register").json(&joining).send().await.expect(201);
    let member = pair.both("member@example.com", PASSWORD).await;

    let login = json!({ "email": "member@example.com", "password": PASSWORD });
    let shut = pair.old.legacy.login_gate.shut().await;
    let under_way = tokio::spawn(pair.old.http.auth.post("/auth/login").json(&login).send());
    while pair.old.legacy.login_gate.waiting() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let change = json!({ "current_password": PASSWORD, "new_password": "another one" });
    member.on_new(&pair).post("/auth/change-password").json(&change).send().await.expect(200);
    member
        .on_new(&pair)
        .put("/users/me")
        .json(&json!({ "first_name": "Augusta", "bio": "x" }))
        .send()
        .await
        .expect(200);
    admin.on_new(&pair).post(&format!("/users/{}/deactivate", member.id)).send().await.expect(200);
    drop(shut);
    let tokens = under_way.await.unwrap().expect(200);

    found.status(
        "log-in of somebody deactivated meanwhile",
        &pair.new_login("member@example.com", PASSWORD).await,
        403,
    );
    found.status("log-in with the password before", &pair.new_login("member@example.com", PASSWORD).await, 401);
    found.status("log-in with the new password", &pair.new_login("member@example.com", "another one").await, 403);
    let me = pair.new.http.with_bearer(&tokens.text("access_token")).get("/auth/me").send().await;
    found.status("their token", &me, 401);
    if me.status == 200 {
        found.equal("first name", &me.body["first_name"], &json!("Augusta"));
        found.equal("bio, which only the new side writes", &me.body["bio"], &json!("x"));
    }
    insta::assert_snapshot!(found.listed());
}
