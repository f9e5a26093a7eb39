//! `POST /notifications`

use axum::http::Method;
use serde_json::{Value, json};

use super::{MISSING, refusals, text};
use crate::support::{INTERNAL_KEY, TestApp};

fn to(user: &str) -> Value {
    let mut body = text("Hello");
    body["user_id"] = json!(user);
    body
}

#[tokio::test]
async fn create_notification_logged_out() {
    let app = TestApp::new().await;
    refusals(&app, Method::POST, "/notifications", Some(text("x"))).logged_out(MISSING).await;
}

#[tokio::test]
async fn create_notification_other_tenant() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.admin("ada@example.com").await, app.admin("eve@elsewhere.example").await);
    let refusals = refusals(&app, Method::POST, "/notifications", Some(to(&ada.id)));
    refusals.expect(&eve.http, 404, "User not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn create_notification_forbidden_role() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let grace = app.member(&ada, "grace@example.com").await;
    let refusals = refusals(&app, Method::POST, "/notifications", Some(to(&ada.id)));
    refusals.expect(&grace.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn create_notification_invalid_body() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    for (field, value) in [
        ("type", json!("")),
        ("type", json!("t".repeat(101))),
        ("title", json!(" ")),
        ("title", json!("t".repeat(501))),
        ("message", json!(null)),
        ("message", json!("m".repeat(10_001))),
        ("level", json!("loud")),
        ("expires_at", json!("tomorrow")),
        ("expires_at", json!("2026-03-01T12:00:00Z")),
    ] {
        let mut body = text("x");
        body[field] = value;
        let answer = ada.http.post("/notifications").json(&body).send().await;
        let answer = answer.expect_error(400, "Invalid input", "VALIDATION_ERROR");
        assert_eq!(answer.body["details"][0]["field"], field);
    }
    for body in [json!([]), json!({ "type": 7 }), json!({ "data": "x" })] {
        ada.http.post("/notifications").json(&body).send().await.expect(400);
    }
    assert_eq!(app.one("SELECT count(*) FROM user_notifications").await, "0");
}

#[tokio::test]
async fn create_notification_success() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let grace = app.member(&ada, "grace@example.com").await;
    let own = grace.http.post("/api/v1/notifications").json(&text("To myself")).send().await.expect(201);
    assert_eq!((own.text("user_id"), &own.body["data"]), (grace.id.clone(), &json!({})));
    let mut body = to(&grace.id);
    body["level"] = json!("warning");
    body["data"] = json!({ "ticket": 7 });
    let from_admin = ada.http.post("/notifications").json(&body).send().await.expect(201);
    assert_eq!((&from_admin.body["level"], &from_admin.body["data"]["ticket"]), (&json!("warning"), &json!(7)));
    let service = app.http.post("/notifications").header("x-api-key", INTERNAL_KEY).header("x-tenant-id", &ada.tenant);
    service.json(&to(&grace.id)).send().await.expect(201);
    let mut titles = grace.titles().await;
    titles.sort();
    assert_eq!(titles, ["Hello", "Hello", "To myself"]);
    assert!(ada.titles().await.is_empty());
    let records = "SELECT count(*) FROM audit_events WHERE action = 'notification.created'";
    assert_eq!(app.one(records).await, "3");
}
