//! `POST /public/invitations/accept`

use axum::http::Method;
use serde_json::{Value, json};

use super::{accept, invite, refusals};
use crate::support::{PASSWORD, TestApp, stable};

fn form(token: &str) -> Value {
    json!({ "token": token, "password": PASSWORD, "first_name": "Grace", "last_name": "Hopper" })
}

#[tokio::test]
async fn accept_invitation_success_logged_out() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let path = format!("/tenants/{}/invitations", admin.tenant);
    let body = json!({ "email": "Grace@Example.com", "role": "admin" });
    let token = admin.http.post(&path).json(&body).send().await.expect(201).text("token");
    let answer = app.http.post("/api/v1/public/invitations/accept").json(&form(&token)).send().await.expect(201);
    insta::assert_json_snapshot!(stable(&answer.body));
    let grace = app.http.with_bearer(&answer.text("access_token"));
    let me = grace.get("/users/me").send().await.expect(200);
    assert_eq!((&me.body["role"], &me.body["tenant_id"]), (&json!("admin"), &json!(admin.tenant)));
    grace.get(&format!("/tenants/{}/invitations", admin.tenant)).send().await.expect(200);
    let refresh = json!({ "refresh_token": answer.text("refresh_token") });
    app.http.post("/auth/refresh").json(&refresh).send().await.expect(200);
    app.login("grace@example.com").await;
    insta::assert_json_snapshot!("accept_invitation_success_trail", stable(&json!(app.trail(&admin.tenant).await)));
}

#[tokio::test]
async fn accept_invitation_invalid_body() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let token = invite(&admin, "grace@example.com").await.expect(201).text("token");
    for (field, value, error) in [
        ("password", "short", "Password must be at least 8 characters long"),
        ("password", "", "Password is required"),
        ("first_name", "", "First name is required"),
        ("last_name", "", "Last name is required"),
    ] {
        let mut body = form(&token);
        body[field] = json!(value);
        let refusals = refusals(&app, Method::POST, "/public/invitations/accept", Some(body));
        refusals.expect(&app.http, 400, error, "VALIDATION_ERROR").await;
    }
    accept(&app, &token).await.expect(201);
}

#[tokio::test]
async fn accept_invitation_not_found() {
    let app = TestApp::new().await;
    for token in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let refusals = refusals(&app, Method::POST, "/public/invitations/accept", Some(form(token)));
        refusals.expect(&app.http, 404, "Invitation not found", "NOT_FOUND").await;
    }
}

#[tokio::test]
async fn accept_invitation_conflict_with_an_account() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    // Somebody of another tenant, in another spelling.
    let token = invite(&admin, &stranger.email.to_uppercase()).await.expect(201).text("token");
    let elsewhere = refusals(&app, Method::POST, "/public/invitations/accept", Some(form(&token)));
    elsewhere.expect(&app.http, 409, "Email already registered", "CONFLICT").await;
    let message = accept(&app, &token).await.text("message");
    assert!(message.contains("another tenant") && message.contains("another address"), "{message}");
    // Somebody who joined in another way meanwhile.
    let token = invite(&admin, "late@example.com").await.expect(201).text("token");
    app.member(&admin, "late@example.com").await;
    let joined = refusals(&app, Method::POST, "/public/invitations/accept", Some(form(&token)));
    joined.expect(&app.http, 409, "Already a member", "CONFLICT").await;
}

#[tokio::test]
async fn accept_invitation_conflict_when_too_late() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let token = invite(&admin, "grace@example.com").await.expect(201).text("token");
    app.clock.advance(jiff::SignedDuration::from_hours(7 * 24));
    let late = refusals(&app, Method::POST, "/public/invitations/accept", Some(form(&token)));
    late.expect(&app.http, 409, "Invitation is expired", "CONFLICT").await;
    app.clock.advance(jiff::SignedDuration::from_secs(-1));
    for status in ["suspended", "canceled"] {
        app.sql(&format!("UPDATE tenants SET status = '{status}'")).await;
        late.expect(&app.http, 409, "Tenant is not active", "CONFLICT").await;
    }
    app.sql("UPDATE tenants SET status = 'active'").await;
    accept(&app, &token).await.expect(201);
}

#[tokio::test]
async fn accept_invitation_forbidden_when_the_plan_shrank() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let token = invite(&admin, "grace@example.com").await.expect(201).text("token");
    app.sql("UPDATE tenants SET plan = 'custom', subscription = '{\"limits\": {\"users\": 1}}'").await;
    let full = refusals(&app, Method::POST, "/public/invitations/accept", Some(form(&token)));
    full.expect(&app.http, 403, "Quota exceeded", "QUOTA_EXCEEDED").await;
    app.sql("UPDATE tenants SET subscription = '{\"limits\": {\"users\": 2}}'").await;
    accept(&app, &token).await.expect(201);
}

#[tokio::test]
async fn accept_invitation_repeated() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let token = invite(&admin, "grace@example.com").await.expect(201).text("token");
    accept(&app, &token).await.expect(201);
    let again = refusals(&app, Method::POST, "/invitations/accept", Some(form(&token)));
    again.expect(&app.http, 409, "Invitation is accepted", "CONFLICT").await;
}
