//! Both sides at the same rule at the same time. What the old side does without locks it can break by itself; these are
//! the races in which one of the new side takes part.

use serde_json::json;
use testkit::legacy::layouts::Layout;

use super::{Both, Findings, Pair, form};
use crate::support::{PASSWORD, long};

fn rounds() -> usize {
    if long() { 200 } else { 15 }
}

async fn colleague(pair: &Pair, person: &Both, email: &str) -> Both {
    let mut joining = form(email);
    joining["tenant_id"] = json!(person.tenant);
    pair.old_auth().post("/auth/register").json(&joining).send().await.expect(201);
    pair.both(email, PASSWORD).await
}

async fn count(pair: &Pair, sql: &str) -> i64 {
    pair.new.db.superuser().await.query_one(sql, &[]).await.unwrap().get(0)
}

/// Where the trigger stands, two owners who leave at once, one on either side, leave one of them behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_last_owner_at_the_same_time() {
    let pair = Pair::on(Layout::Public).await;
    let mut found = Findings::default();
    let one = pair.admin("one@example.com").await;
    let two = colleague(&pair, &one, "two@example.com").await;
    let body = json!({ "name": "Shared" });
    let id = one.on_new(&pair).post("/workspaces").json(&body).send().await.expect(201).text("id");
    let path = format!("/workspaces/{id}/members");
    let owners = format!("SELECT count(*) FROM workspace_members WHERE workspace_id = '{id}' AND role = 'owner'");
    let body = json!({ "user_id": two.id, "role": "owner" });
    one.on_new(&pair).post(&path).json(&body).send().await.expect(201);
    for _ in 0..rounds() {
        let old = two.on_old(&pair);
        let new = one.on_new(&pair);
        let (out_old, out_new) = tokio::join!(
            old.delete(&format!("{path}/{}", two.id)).send(),
            new.delete(&format!("{path}/{}", one.id)).send()
        );
        found.equal("owners left", &json!(count(&pair, &owners).await), &json!(1));
        let left = usize::from(out_old.status == 204) + usize::from(out_new.status.is_success());
        found.equal("who could leave", &json!(left), &json!(1));
        let (stayed, gone) = if out_old.status == 204 { (&one, &two) } else { (&two, &one) };
        let body = json!({ "user_id": gone.id, "role": "owner" });
        stayed.on_new(&pair).post(&path).json(&body).send().await.expect(201);
    }
    insta::assert_snapshot!(found.listed("last_owner_at_once", Layout::Public));
}

/// One address, registered on both sides at once, is one account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_same_address_at_the_same_time() {
    let pair = Pair::on(Layout::Public).await;
    let mut found = Findings::default();
    for number in 0..rounds() {
        let form = form(&format!("person{number}@example.com"));
        let (old, new) = tokio::join!(
            pair.old_auth().post("/auth/register").json(&form).send(),
            pair.new.http.post("/auth/register").json(&form).send()
        );
        let mut statuses = [old.status.as_u16(), new.status.as_u16()];
        statuses.sort_unstable();
        found.equal("answers", &json!(statuses), &json!([201, 409]));
        let sql = format!("SELECT count(*) FROM users WHERE email = 'person{number}@example.com'");
        found.equal("accounts", &json!(count(&pair, &sql).await), &json!(1));
        let email = format!("person{number}@example.com");
        found.status("old log-in", &pair.old_login(&email, PASSWORD).await, 200);
        found.status("new log-in", &pair.new_login(&email, PASSWORD).await, 200);
    }
    insta::assert_snapshot!(found.listed("same_address_at_once", Layout::Public));
}

/// Whoever is switched off while they log in on the new side has no log-in that lasts, on either side.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_log_in_while_switched_off() {
    let pair = Pair::on(Layout::Public).await;
    let mut found = Findings::default();
    let admin = pair.admin("admin@example.com").await;
    let member = colleague(&pair, &admin, "member@example.com").await;
    let http = admin.on_new(&pair);
    let path = format!("/users/{}", member.id);
    for _ in 0..rounds().min(50) {
        let (old, new, off) = tokio::join!(
            pair.old_login(&member.email, PASSWORD),
            pair.new_login(&member.email, PASSWORD),
            http.post(&format!("{path}/deactivate")).send()
        );
        found.status("switching off", &off, 200);
        pair.new.clock.advance(jiff::SignedDuration::from_secs(2));
        pair.new.app.users.put_back(&pair.new.cx()).await.unwrap();
        for (side, answer) in [("old", &old), ("new", &new)] {
            found.equal(
                &format!("{side} log-in meanwhile"),
                &json!(matches!(answer.status.as_u16(), 200 | 403)),
                &json!(true),
            );
            if answer.status != 200 {
                continue;
            }
            let me = pair.new.http.with_bearer(&answer.text("access_token")).get("/auth/me").send().await;
            found.status(&format!("access token of the {side} log-in"), &me, 401);
            let refresh = json!({ "refresh_token": answer.text("refresh_token") });
            let again = pair.new.http.post("/auth/refresh").json(&refresh).send().await;
            found.status(&format!("refresh token of the {side} log-in"), &again, 401);
        }
        found.status("old log-in afterwards", &pair.old_login(&member.email, PASSWORD).await, 403);
        found.status("new log-in afterwards", &pair.new_login(&member.email, PASSWORD).await, 403);
        http.post(&format!("{path}/reactivate")).send().await.expect(200);
        pair.new.clock.advance(jiff::SignedDuration::from_secs(60));
        pair.new.app.users.put_back(&pair.new.cx()).await.unwrap();
    }
    insta::assert_snapshot!(found.listed("switched_off_at_once", Layout::Public));
}
