//! `POST /tenants/{id}/invitations/bulk`

use axum::http::Method;
use serde_json::{Value, json};

use super::{MISSING, invite, refusals};
use crate::fixtures::Refusals;
use crate::support::{Person, TestApp, stable};

fn refused<'a>(app: &'a TestApp, admin: &Person, body: Value) -> Refusals<'a> {
    refusals(app, Method::POST, format!("/tenants/{}/invitations/bulk", admin.tenant), Some(body))
}

fn three() -> Value {
    json!([{ "email": "a@example.com" }, { "email": "b@example.com", "role": "admin" }, { "email": "c@example.com" }])
}

#[tokio::test]
async fn bulk_create_invitations_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    refused(&app, &admin, three()).logged_out(MISSING).await;
}

#[tokio::test]
async fn bulk_create_invitations_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    refused(&app, &admin, three()).expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn bulk_create_invitations_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    refused(&app, &admin, three()).expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn bulk_create_invitations_success() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let path = format!("/api/v1/tenants/{}/invitations/bulk", admin.tenant);
    let answer = admin.http.post(&path).json(&three()).send().await.expect(201);
    insta::assert_json_snapshot!(stable(&answer.body));
    let trail = app.trail(&admin.tenant).await;
    assert_eq!(trail.iter().filter(|record| record["action"] == "invitation.created").count(), 3, "one each");
}

#[tokio::test]
async fn bulk_create_invitations_invalid_body() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let many: Vec<Value> = (0..101).map(|n| json!({ "email": format!("p{n}@example.com") })).collect();
    for (body, error) in [
        (json!([]), "Invalid request body"),
        (json!(many), "Invalid request body"),
        (json!({ "email": "a@example.com" }), "Invalid request body"),
        (json!([{ "email": "a@example.com" }, { "email": "b" }]), "Invalid email format"),
        (json!([{ "email": "a@example.com" }, { "email": "A@example.com" }]), "Invalid request body"),
        (json!([{ "email": "a@example.com", "role": "root" }]), "Invalid role"),
    ] {
        refused(&app, &admin, body).expect(&admin.http, 400, error, "VALIDATION_ERROR").await;
    }
}

#[tokio::test]
async fn bulk_create_invitations_conflict_creates_none() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    invite(&admin, "b@example.com").await.expect(201);
    refused(&app, &admin, three()).expect(&admin.http, 409, "Already invited", "CONFLICT").await;
    let path = format!("/tenants/{}/invitations/bulk", admin.tenant);
    let answer = admin.http.post(&path).json(&three()).send().await.expect(409);
    assert_eq!(answer.body["details"][1]["field"], "[1]", "{}", answer.body);
}

#[tokio::test]
async fn bulk_create_invitations_forbidden_without_seats_creates_none() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    invite(&admin, "d@example.com").await.expect(201);
    refused(&app, &admin, three()).expect(&admin.http, 403, "Quota exceeded", "QUOTA_EXCEEDED").await;
}
