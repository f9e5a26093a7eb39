//! `POST /users/bulk`

use axum::http::Method;
use serde_json::{Value, json};
use testkit::Answer;

use crate::fixtures::{NOBODY, Refusals};
use crate::support::TestApp;

fn people(count: usize, tenant: &str) -> Value {
    (0..count).map(|n| json!({ "email": format!("bulk{n}@example.com"), "tenant_id": tenant })).collect()
}

async fn send(app: &TestApp, body: &Value) -> Answer {
    app.internal(Method::POST, "/api/v1/users/bulk").json(body).send().await
}

fn refusals(app: &TestApp) -> Refusals<'_> {
    let body = Some(people(2, NOBODY));
    Refusals { app, method: Method::POST, path: "/users/bulk".to_owned(), body }
}

#[tokio::test]
async fn bulk_create_users_logged_out() {
    let app = TestApp::new().await;
    refusals(&app).logged_out("Missing API key").await;
    let request = app.http.post("/users/bulk").header("x-api-key", "any-non-empty-key").json(&people(1, NOBODY));
    request.send().await.expect_error(401, "Invalid API key", "UNAUTHORIZED");
}

#[tokio::test]
async fn bulk_create_users_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let root = app.super_admin().await;
    for person in [&admin, &member, &root] {
        refusals(&app).expect(&person.http, 403, "Insufficient permissions", "FORBIDDEN").await;
    }
}

#[tokio::test]
async fn bulk_create_users_success() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    // Profiles as user-service exported them: unknown fields are ignored.
    let mut body = people(3, &admin.tenant);
    body[1]["display_name"] = "Somebody".into();
    body[1]["created_at"] = "2020-01-01T00:00:00Z".into();
    body[1]["is_active"] = true.into();
    body[2]["id"] = NOBODY.into();
    let answer = send(&app, &body).await.expect(201);
    assert_eq!(answer.body, json!({ "message": "Successfully created 3 users" }));
    let list = admin.http.get("/users?sort=email&order=asc").send().await.expect(200);
    assert_eq!(list.body["total"], 4);
    assert_eq!(list.body["users"][3]["id"], NOBODY);
    assert_eq!(send(&app, &json!([])).await.expect(201).text("message"), "Successfully created 0 users");
}

#[tokio::test]
async fn bulk_create_users_conflict_in_the_middle_writes_nobody() {
    let app = TestApp::new().await;
    let admin = app.admin("bulk2@example.com").await;
    app.sql("UPDATE tenants SET plan = 'custom'").await;
    let before = app.all_rows().await;
    let answer = send(&app, &people(5, &admin.tenant)).await;
    answer.expect_error(409, "Email already registered", "CONFLICT");
    let mut twice = people(5, &admin.tenant);
    twice[2]["email"] = "BULK4@example.com".into();
    send(&app, &twice).await.expect_error(409, "Email already registered", "CONFLICT");
    let mut same_id = people(2, &admin.tenant);
    same_id[0]["id"] = NOBODY.into();
    same_id[1]["id"] = NOBODY.into();
    send(&app, &same_id).await.expect_error(409, "User already exists", "CONFLICT");
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn bulk_create_users_invalid_body() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let before = app.all_rows().await;
    let with = |field: &str, value: Value| {
        let mut body = people(3, &admin.tenant);
        body[1][field] = value;
        body
    };
    for (body, error) in [
        (with("email", "x".into()), "Invalid email format"),
        (with("email", json!(null)), "Email is required"),
        (with("tenant_id", "x".into()), "Invalid request body"),
        (with("id", "x".into()), "Invalid request body"),
        (with("role", "x".into()), "Invalid input"),
        (with("first_name", json!(1)), "Invalid request body"),
        (with("first_name", "x".repeat(101).into()), "Invalid request body"),
        (people(1001, &admin.tenant), "Invalid request body"),
        (json!({}), "Invalid request body"),
        (json!([[]]), "Invalid request body"),
        (json!([null]), "Invalid request body"),
        (json!(["a@example.com"]), "Invalid request body"),
    ] {
        send(&app, &body).await.expect_error(400, error, "VALIDATION_ERROR");
    }
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn bulk_create_users_repeated() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    app.sql("UPDATE tenants SET plan = 'custom'").await;
    send(&app, &people(3, &admin.tenant)).await.expect(201);
    send(&app, &people(3, &admin.tenant)).await.expect_error(409, "Email already registered", "CONFLICT");
}

#[tokio::test]
async fn bulk_create_users_conflict_with_the_seats_writes_nobody() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let before = app.all_rows().await;
    send(&app, &people(5, &admin.tenant)).await.expect_error(403, "Quota exceeded", "QUOTA_EXCEEDED");
    assert_eq!(app.all_rows().await, before);
    send(&app, &people(4, &admin.tenant)).await.expect(201);
}

#[tokio::test]
async fn bulk_create_users_success_with_a_thousand() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    app.sql("UPDATE tenants SET plan = 'custom'").await;
    let answer = send(&app, &people(1000, &admin.tenant)).await.expect(201);
    assert_eq!(answer.text("message"), "Successfully created 1000 users");
    assert_eq!(admin.http.get("/users").send().await.expect(200).body["total"], 1001);
}
