//! Both sides at the same rule at the same time. What the old side does without locks it can break by itself; these are
//! the races in which one of the new side takes part.

use std::time::Duration;

use serde_json::json;
use testkit::legacy::layouts::Layout;
use testkit::{Answer, Client};

use super::{Findings, Pair, colleague, form};
use crate::support::{PASSWORD, long};

fn rounds() -> u64 {
    if long() { 200 } else { 15 }
}

async fn count(pair: &Pair, sql: &str) -> i64 {
    pair.new.db.superuser().await.query_one(sql, &[]).await.unwrap().get(0)
}

/// Where the trigger stands, two owners who leave at once, one on either side, leave one of them behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_last_owner_at_the_same_time() {
    let pair = Pair::on(Layout::Public).await;
    let found = last_owner(&pair, rounds()).await;
    insta::assert_snapshot!(found.listed("last_owner_at_once", Layout::Public));
}

pub(super) async fn last_owner(pair: &Pair, rounds: u64) -> Findings {
    let mut found = Findings::default();
    let one = pair.admin("one@example.com").await;
    let two = colleague(pair, &one, "two@example.com").await;
    let body = json!({ "name": "Shared" });
    let id = one.on_new(pair).post("/workspaces").json(&body).send().await.expect(201).text("id");
    let path = format!("/workspaces/{id}/members");
    let owners = format!("SELECT count(*) FROM workspace_members WHERE workspace_id = '{id}' AND role = 'owner'");
    let body = json!({ "user_id": two.id, "role": "owner" });
    one.on_new(pair).post(&path).json(&body).send().await.expect(201);
    for round in 0..rounds {
        let old = two.on_old(pair);
        let new = one.on_new(pair);
        let (out_old, out_new) = tokio::join!(
            async {
                // The old side takes fewer steps: later by more and more, it meets the new one at each of its own.
                tokio::time::sleep(Duration::from_millis(round % 8 * 3)).await;
                old.delete(&format!("{path}/{}", two.id)).send().await
            },
            new.delete(&format!("{path}/{}", one.id)).send()
        );
        found.equal("owners left", &json!(count(pair, &owners).await), &json!(1));
        let left = usize::from(out_old.status == 204) + usize::from(out_new.status.is_success());
        found.equal("who could leave", &json!(left), &json!(1));
        if left != 1 {
            break;
        }
        let (stayed, gone) = if out_old.status == 204 { (&one, &two) } else { (&two, &one) };
        let body = json!({ "user_id": gone.id, "role": "owner" });
        stayed.on_new(pair).post(&path).json(&body).send().await.expect(201);
    }
    found
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

/// The old side counts before it writes and takes no lock (T-47), so at a tenant's last place it may come in beside one of
/// the new side. It alone: of many on the new side one gets in, and never when the place is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_last_workspace_at_the_same_time() {
    for layout in [Layout::Public, Layout::Orm] {
        let pair = Pair::on(layout).await;
        let mut found = Findings::default();
        let one = pair.admin("one@example.com").await;
        let (old, new) = (one.on_old(&pair), one.on_new(&pair));
        for number in 0..9 {
            new.post("/workspaces").json(&json!({ "name": format!("Place {number}") })).send().await.expect(201);
        }
        let live = format!("SELECT count(*) FROM workspaces WHERE tenant_id = '{}' AND deleted_at IS NULL", one.tenant);
        let make = |http: &Client, name: String| http.post("/workspaces").json(&json!({ "name": name })).send();
        for round in 0..rounds() {
            let (by_old, first, second, third) = tokio::join!(
                make(&old, format!("Old {round}")),
                make(&new, format!("First {round}")),
                make(&new, format!("Second {round}")),
                make(&new, format!("Third {round}")),
            );
            let by_new = [first, second, third];
            for answer in &by_new {
                let said = answer.status.as_u16();
                found.equal("answers of the new side", &json!([201, 403].contains(&said)), &json!(true));
            }
            let got_in = by_new.iter().filter(|answer| answer.status == 201).count();
            found.equal("of the new side at most one", &json!(got_in <= 1), &json!(true));
            let all = got_in + usize::from(by_old.status == 201);
            found.equal("somebody got the place", &json!(all >= 1), &json!(true));
            found.equal("and who was told so is there", &json!(count(&pair, &live).await), &json!(9 + all));
            found.status("new side, when all are taken", &make(&new, "One more".to_owned()).await, 403);
            for answer in by_new.iter().chain([&by_old]).filter(|answer| answer.status == 201) {
                let path = format!("/workspaces/{}", answer.text("id"));
                found.same("whose place it is", &old.get(&path).send().await, &new.get(&path).send().await);
                found.status("making room", &new.delete(&path).send().await, 204);
            }
        }
        insta::assert_snapshot!(format!("last_workspace_{}", layout.name()), found.listed("last_workspace", layout));
    }
}

/// A name on both sides at once may be there twice, for the old side looks before it writes (T-49). The new side alone
/// never makes it so, and what is there twice can be read, renamed and deleted on both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coexistence_same_name_at_the_same_time() {
    let pair = Pair::on(Layout::Public).await;
    let mut found = Findings::default();
    let one = pair.admin("one@example.com").await;
    let (old, new) = (one.on_old(&pair), one.on_new(&pair));
    let home = new.post("/workspaces").json(&json!({ "name": "Home" })).send().await.expect(201).text("id");
    for (parent, child) in
        [("/workspaces".to_owned(), "/workspaces"), (format!("/workspaces/{home}/projects"), "/projects")]
    {
        for round in 0..rounds() {
            let body = json!({ "name": format!("Name {round}") });
            let make = |http: &Client| http.post(&parent).json(&body).send();
            let (by_old, first, second) = tokio::join!(make(&old), make(&new), make(&new));
            let got_it = [&first, &second].into_iter().filter(|answer| answer.status == 201).count();
            found.equal("of the new side at most one", &json!(got_it <= 1), &json!(true));
            let winners: Vec<&Answer> =
                [&by_old, &first, &second].into_iter().filter(|answer| answer.status == 201).collect();
            found.equal("somebody got the name", &json!(winners.is_empty()), &json!(false));
            found.equal("the new side, when it is taken", &json!(make(&new).await.status.as_u16()), &json!(409));
            for (number, answer) in winners.iter().enumerate() {
                let path = format!("{child}/{}", answer.text("id"));
                let name = json!({ "name": format!("Renamed {round} {number}") });
                let http = if number == 0 { &old } else { &new };
                found.status("renaming", &http.put(&path).json(&name).send().await, 200);
                found.same("renamed", &old.get(&path).send().await, &new.get(&path).send().await);
                found.status("deleting", &http.delete(&path).send().await, 204);
            }
        }
    }
    insta::assert_snapshot!(found.listed("same_name_at_once", Layout::Public));
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
