//! What people are told of what others do: in one transaction with the change, and once.

use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

fn told(feed: &[Value]) -> Vec<(String, String)> {
    let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    feed.iter().map(|one| (text(one, "type"), text(one, "title"))).collect()
}

fn pair(kind: &str, title: &str) -> (String, String) {
    (kind.to_owned(), title.to_owned())
}

#[tokio::test]
async fn events_tell_those_they_happen_to() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let grace = app.member(&ada, "grace@example.com").await;
    let workspace = ada.http.post("/workspaces").json(&json!({ "name": "Marketing" })).send().await.expect(201);
    let members = format!("/workspaces/{}/members", workspace.text("id"));
    let add = json!({ "user_id": grace.id, "role": "viewer" });
    ada.http.post(&members).json(&add).send().await.expect(201);
    let change = json!({ "role": "admin" });
    ada.http.patch(&format!("{members}/{}", grace.id)).json(&change).send().await.expect(200);
    ada.http.put(&format!("/users/{}/role", grace.id)).json(&change).send().await.expect(200);
    app.tell_of_events().await;
    let mut told_grace = told(&grace.feed().await);
    told_grace.sort();
    assert_eq!(
        told_grace,
        [
            pair("user.role_changed", "Your role changed"),
            pair("workspace.member.added", "You were added to Marketing"),
            pair("workspace.member.role_changed", "Your role in Marketing changed"),
        ]
    );
    assert!(ada.feed().await.is_empty(), "nobody is told of their own doing");
    assert_eq!(grace.feed().await[0]["data"]["user_id"], grace.id.as_str());
}

#[tokio::test]
async fn events_of_an_account_warn_its_person() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let login = |agent: &'static str| {
        let request = app.http.post("/auth/login").header("user-agent", agent);
        request.json(&json!({ "email": "ada@example.com", "password": PASSWORD })).send()
    };
    login("Firefox").await.expect(200);
    login("Firefox").await.expect(200);
    app.tell_of_events().await;
    assert_eq!(told(&ada.feed().await), [pair("user.new_device", "New log-in to your account")]);
    let change = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
    ada.http.post("/auth/change-password").json(&change).send().await.expect(200);
    app.tell_of_events().await;
    let feed = ada.feed().await;
    assert_eq!(feed.len(), 2);
    assert!(feed.iter().any(|one| one["type"] == "user.password_changed" && one["level"] == "warning"));
}

#[tokio::test]
async fn events_of_a_suspended_tenant_reach_its_admins() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let grace = app.member(&ada, "grace@example.com").await;
    let root = app.super_admin().await;
    root.http.post(&format!("/tenants/{}/suspend", ada.tenant)).send().await.expect(200);
    app.tell_of_events().await;
    root.http.post(&format!("/tenants/{}/reactivate", ada.tenant)).send().await.expect(200);
    let ada = app.login("ada@example.com").await;
    assert_eq!(told(&ada.feed().await), [pair("tenant.suspended", "Your organisation was suspended")]);
    assert!(app.login("grace@example.com").await.feed().await.is_empty(), "{}", grace.id);
}

#[tokio::test]
async fn events_of_what_did_not_happen_are_none() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    app.tell_of_events().await;
    ada.http.post("/workspaces").json(&json!({ "name": "" })).send().await.expect(400);
    ada.http.post("/users").json(&json!({ "email": "ada@example.com", "password": PASSWORD })).send().await.expect(400);
    assert_eq!(app.one("SELECT count(*) FROM jobs").await, "0");
}

#[tokio::test]
async fn events_are_told_of_once_however_often_their_job_runs() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let body = json!({ "type": "t", "title": "Hello", "message": "m" });
    ada.http.post("/notifications/bulk").json(&body).send().await.expect(202);
    app.sql("CREATE TABLE kept AS SELECT * FROM jobs").await;
    app.tell_of_events().await;
    // As if the job had been there twice, or a backup of it been restored.
    app.sql("INSERT INTO jobs SELECT * FROM kept").await;
    app.tell_of_events().await;
    assert_eq!(ada.titles().await, ["Hello"]);
}

#[tokio::test]
async fn events_that_cannot_be_read_hold_up_no_others_and_are_kept() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    app.tell_of_events().await;
    let body = json!({ "type": "t", "title": "Hello", "message": "m" });
    ada.http.post("/notifications/bulk").json(&body).send().await.expect(202);
    app.sql(
        "INSERT INTO jobs SELECT gen_random_uuid(), kind, tenant_id, '{}', run_at, 0, NULL, NULL, created_at FROM jobs",
    )
    .await;
    assert_eq!(app.app.notifications.dispatch(&app.cx()).await.unwrap(), 2);
    assert_eq!(ada.titles().await, ["Hello"]);
    assert_eq!(app.one("SELECT error FROM jobs").await, "the event cannot be read");
    assert_eq!(app.app.notifications.dispatch(&app.cx()).await.unwrap(), 0, "it waits its turn");
}

#[tokio::test]
async fn events_whose_worker_died_are_told_of_by_another() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    app.tell_of_events().await;
    let body = json!({ "type": "t", "title": "Hello", "message": "m" });
    ada.http.post("/notifications/bulk").json(&body).send().await.expect(202);
    // Taken, and never finished.
    let lease = std::time::Duration::from_secs(30);
    let taken = app.pool().take(&app.cx(), "event", 10, lease).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(app.app.notifications.dispatch(&app.cx()).await.unwrap(), 0);
    app.clock.advance(jiff::SignedDuration::from_secs(30));
    app.tell_of_events().await;
    assert_eq!(ada.titles().await, ["Hello"]);
    // The first worker was only slow: it finds that the job is no longer its own.
    let cx = app.cx().in_tenant(ada.tenant.parse().unwrap());
    let late = app.pool().begin(&cx).await.unwrap();
    assert!(matches!(late.finish(&taken[0]).await, Err(db::Error::LeaseLost)));
}
