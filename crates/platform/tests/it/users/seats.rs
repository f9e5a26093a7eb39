//! Seats of the plan: whoever joins a tenant, or comes back to it, needs one.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Person, TestApp};

fn newcomer(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "password": PASSWORD, "first_name": "N", "last_name": "N" })
}

/// The admin and so many colleagues on a plan for five, made as old programs did.
async fn with_colleagues(count: i32) -> (TestApp, Person) {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    app.old_people(&admin.tenant, 2, count).await;
    (app, admin)
}

/// The id of one of those colleagues, counted from 2.
fn colleague(number: usize) -> String {
    format!("/users/00000000-0000-4000-8000-{number:012}")
}

async fn expect_full(app: &TestApp, admin: &Person, path: &str, body: Option<&Value>) {
    let before = app.all_rows().await;
    let request = admin.http.post(path);
    let request = if let Some(body) = body { request.json(body) } else { request };
    request.send().await.expect_error(403, "Quota exceeded", "QUOTA_EXCEEDED");
    assert_eq!(app.all_rows().await, before);
}

async fn people(app: &TestApp, tenant: &str) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
         WHERE u.tenant_id = '{tenant}' AND p.deleted_at IS NULL"
    );
    app.db.superuser().await.query_one(&sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn create_user_conflict_with_the_seats() {
    let (app, admin) = with_colleagues(3).await;
    admin.http.post("/users").json(&newcomer("fifth")).send().await.expect(201);
    expect_full(&app, &admin, "/users", Some(&newcomer("sixth"))).await;
    // A service is held to the plan as well.
    let body = json!({ "email": "s@example.com", "tenant_id": admin.tenant });
    let answer = app.internal(Method::POST, "/users").json(&body).send().await;
    answer.expect_error(403, "Quota exceeded", "QUOTA_EXCEEDED");
    // Who is off keeps the seat, who is deleted gives it up.
    admin.http.post(&format!("{}/deactivate", colleague(2))).send().await.expect(200);
    expect_full(&app, &admin, "/users", Some(&newcomer("sixth"))).await;
    admin.http.delete(&colleague(2)).send().await.expect(200);
    admin.http.post("/users").json(&newcomer("sixth")).send().await.expect(201);
    // A larger plan has room, and of another tenant's seats nobody took one.
    app.sql(&format!("UPDATE tenants SET plan = 'starter' WHERE id = '{}'", admin.tenant)).await;
    admin.http.post("/users").json(&newcomer("seventh")).send().await.expect(201);
}

#[tokio::test]
async fn create_user_conflict_with_seats_held_by_invitations() {
    let (app, admin) = with_colleagues(3).await;
    let invitations = format!("/tenants/{}/invitations", admin.tenant);
    let invited = admin.http.post(&invitations).json(&json!({ "email": "invited@example.com" })).send().await;
    expect_full(&app, &admin, "/users", Some(&newcomer("fifth"))).await;
    let path = format!("{invitations}/{}", invited.expect(201).text("id"));
    admin.http.delete(&path).send().await.expect(204);
    admin.http.post("/users").json(&newcomer("fifth")).send().await.expect(201);
}

#[tokio::test]
async fn restore_user_conflict_with_the_seats() {
    let (app, admin) = with_colleagues(4).await;
    admin.http.delete(&colleague(2)).send().await.expect(200);
    admin.http.post("/users").json(&newcomer("fifth")).send().await.expect(201);
    let restore = format!("{}/restore", colleague(2));
    expect_full(&app, &admin, &restore, None).await;
    admin.http.delete(&colleague(3)).send().await.expect(200);
    admin.http.post(&restore).send().await.expect(200);
}

#[tokio::test]
async fn reactivate_user_conflict_with_a_smaller_plan() {
    let (app, admin) = with_colleagues(4).await;
    let (path, reactivate) = (colleague(2), format!("{}/reactivate", colleague(2)));
    admin.http.post(&format!("{path}/deactivate")).send().await.expect(200);
    // All seats are taken, one of them by the person who comes back.
    admin.http.post(&reactivate).send().await.expect(200);
    admin.http.post(&format!("{path}/deactivate")).send().await.expect(200);
    let limits =
        |users| format!("UPDATE tenants SET plan = 'custom', subscription = '{{\"limits\": {{\"users\": {users}}}}}'");
    app.sql(&limits(4)).await;
    expect_full(&app, &admin, &reactivate, None).await;
    app.sql(&limits(5)).await;
    admin.http.post(&reactivate).send().await.expect(200);
}

/// Two new, two restored and, in some rounds, one invited whose invitation a smaller plan left without a seat.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn create_user_race_for_the_last_seat_has_one_winner() {
    let (app, admin) = with_colleagues(4).await;
    for number in [2, 3] {
        admin.http.delete(&colleague(number)).send().await.expect(200);
    }
    app.sql("UPDATE tenants SET plan = 'custom', subscription = '{\"limits\": {\"users\": 4}}'").await;
    let (mut created, mut restored, mut accepted) = (0, 0, 0);
    for round in 0..200 {
        assert_eq!(people(&app, &admin.tenant).await, 3, "round {round}");
        let mut requests = Vec::new();
        for name in ["a", "b"] {
            let body = json!({ "email": format!("{name}{round}@example.com"), "tenant_id": admin.tenant });
            requests.push(("created", app.internal(Method::POST, "/users").json(&body)));
        }
        for number in [2, 3] {
            requests.push(("restored", admin.http.post(&format!("{}/restore", colleague(number)))));
        }
        let with_invitation = round % 10 == 0;
        if with_invitation {
            // The seat is taken back from under it: others may race for the same one.
            app.sql("UPDATE tenants SET subscription = '{}'").await;
            let path = format!("/tenants/{}/invitations", admin.tenant);
            let body = json!({ "email": format!("invited{round}@example.com") });
            let token = admin.http.post(&path).json(&body).send().await.expect(201).text("token");
            app.sql("UPDATE tenants SET subscription = '{\"limits\": {\"users\": 4}}'").await;
            let mut body = newcomer("x");
            body["token"] = token.into();
            requests =
                vec![("accepted", app.http.post("/public/invitations/accept").json(&body)), requests.swap_remove(2)];
        }
        // Creating has less to read before it asks for the seat, and on one core it always wins: every third round
        // is left to those who come back.
        if !with_invitation && round % 3 == 0 {
            requests.drain(..2);
        }
        let losers = requests.len() - 1;
        let tasks: Vec<_> = requests
            .into_iter()
            .map(|(what, request)| (what, tokio::spawn(async move { request.send().await.status.as_u16() })))
            .collect();
        let mut statuses = BTreeMap::<u16, usize>::new();
        for (what, task) in tasks {
            let status = task.await.unwrap();
            // 200 and 201 are one class here; everybody else must be told 403.
            *statuses.entry(if status < 300 { 200 } else { status }).or_default() += 1;
            let winners = match what {
                "created" => &mut created,
                "restored" => &mut restored,
                _ => &mut accepted,
            };
            *winners += u32::from(status < 300);
        }
        assert_eq!(statuses, BTreeMap::from([(200, 1), (403, losers)]), "round {round}");
        assert_eq!(people(&app, &admin.tenant).await, 4, "round {round}");
        app.sql(
            "DELETE FROM invitations;
             DELETE FROM login_sessions WHERE user_id IN (SELECT id FROM users WHERE email ~ '^(a|b|invited)[0-9]');
             DELETE FROM user_profiles WHERE email ~ '^(a|b|invited)[0-9]';
             DELETE FROM users WHERE email ~ '^(a|b|invited)[0-9]';
             UPDATE users SET is_active = false WHERE id::text ~ '[23]$' AND id::text ~ '^00000000-0000-4000-8000-';
             UPDATE user_profiles SET deleted_at = now() WHERE user_id::text ~ '^00000000-0000-4000-8000-.*[23]$'",
        )
        .await;
    }
    assert!(created > 0 && restored > 0 && created + restored + accepted == 200, "{created} {restored} {accepted}");
}
