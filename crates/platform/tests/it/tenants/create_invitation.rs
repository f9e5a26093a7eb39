//! `POST /tenants/{id}/invitations`

use axum::http::Method;
use serde_json::{Value, json};

use super::{MISSING, accept, invite, refusals};
use crate::fixtures::{NOBODY, Refusals};
use crate::support::{TestApp, stable};

fn refused<'a>(app: &'a TestApp, tenant: &str, body: Value) -> Refusals<'a> {
    refusals(app, Method::POST, format!("/tenants/{tenant}/invitations"), Some(body))
}

fn body() -> Value {
    json!({ "email": "new@example.com" })
}

#[tokio::test]
async fn create_invitation_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    refused(&app, &admin.tenant, body()).logged_out(MISSING).await;
}

#[tokio::test]
async fn create_invitation_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    refused(&app, &admin.tenant, body()).expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
    let root = app.super_admin().await;
    refused(&app, NOBODY, body()).expect(&root.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn create_invitation_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    refused(&app, &admin.tenant, body()).expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn create_invitation_invalid_body() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    for (body, error) in [
        (json!({}), "Invalid email format"),
        (json!({ "email": "nobody" }), "Invalid email format"),
        (json!({ "email": format!("{}@example.com", "a".repeat(250)) }), "Invalid email format"),
        (json!({ "email": "new@example.com", "role": "super_admin" }), "Invalid role"),
        (json!({ "email": "new@example.com", "role": "owner" }), "Invalid role"),
        (json!({ "email": ["new@example.com"] }), "Invalid request body"),
    ] {
        refused(&app, &admin.tenant, body).expect(&admin.http, 400, error, "VALIDATION_ERROR").await;
    }
}

#[tokio::test]
async fn create_invitation_success() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let path = format!("/api/v1/tenants/{}/invitations", admin.tenant);
    let body = json!({ "email": " New@Example.com ", "role": "admin" });
    let answer = admin.http.post(&path).json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(stable(&answer.body));
    // Nothing that is stored lets anybody in.
    let token = answer.text("token");
    let dump = app.one("SELECT string_agg(t::text, ' ') FROM invitations t").await;
    assert!(!dump.contains(&token), "{dump}");
    let hash = app.one("SELECT encode(token_hash, 'hex') FROM invitations").await;
    accept(&app, &hash).await.expect_error(404, "Invitation not found", "NOT_FOUND");
    let trail = app.trail(&admin.tenant).await;
    assert!(!json!(trail).to_string().contains(&token) && !json!(trail).to_string().contains(&hash));
    insta::assert_json_snapshot!("create_invitation_success_trail", trail);
}

#[tokio::test]
async fn create_invitation_success_after_the_last_one_expired_or_was_revoked() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let first = invite(&admin, "new@example.com").await.expect(201);
    app.clock.advance(jiff::SignedDuration::from_hours(7 * 24));
    let admin = app.login(&admin.email).await;
    let second = invite(&admin, "NEW@example.com").await.expect(201);
    accept(&app, &first.text("token")).await.expect_error(409, "Invitation is expired", "CONFLICT");
    let path = format!("/tenants/{}/invitations/{}", admin.tenant, second.text("id"));
    admin.http.delete(&path).send().await.expect(204);
    let third = invite(&admin, "new@example.com").await.expect(201);
    accept(&app, &third.text("token")).await.expect(201);
}

#[tokio::test]
async fn create_invitation_conflict() {
    let app = TestApp::new().await;
    let (admin, member, stranger) = app.cast().await;
    invite(&admin, "new@example.com").await.expect(201);
    for email in ["new@example.com", "NEW@EXAMPLE.COM"] {
        let again = refused(&app, &admin.tenant, json!({ "email": email }));
        again.expect(&admin.http, 409, "Already invited", "CONFLICT").await;
    }
    let known = refused(&app, &admin.tenant, json!({ "email": member.email.to_uppercase() }));
    known.expect(&admin.http, 409, "Already a member", "CONFLICT").await;
    // Another tenant may ask the same person, and is not told who has an account elsewhere.
    invite(&stranger, "new@example.com").await.expect(201);
    invite(&stranger, &member.email).await.expect(201);
    app.sql("UPDATE tenants SET status = 'delinquent'").await;
    let late = refused(&app, &admin.tenant, json!({ "email": "late@example.com" }));
    late.expect(&admin.http, 409, "Tenant is not active", "CONFLICT").await;
}

#[tokio::test]
async fn create_invitation_forbidden_without_a_seat() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    for number in 1..=3 {
        invite(&admin, &format!("person{number}@example.com")).await.expect(201);
    }
    let full = refused(&app, &admin.tenant, body());
    full.expect(&admin.http, 403, "Quota exceeded", "QUOTA_EXCEEDED").await;
    // Invited already is the better answer, and a revoked invitation frees its seat.
    let again = refused(&app, &admin.tenant, json!({ "email": "person1@example.com" }));
    again.expect(&admin.http, 409, "Already invited", "CONFLICT").await;
    let list = admin.http.get(&format!("/tenants/{}/invitations", admin.tenant)).send().await.expect(200);
    let id = list.body["invitations"][0]["id"].as_str().unwrap();
    admin.http.delete(&format!("/tenants/{}/invitations/{id}", admin.tenant)).send().await.expect(204);
    invite(&admin, "new@example.com").await.expect(201);
}
