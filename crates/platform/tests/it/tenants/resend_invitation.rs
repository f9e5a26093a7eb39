//! `POST /tenants/{id}/invitations/{invitation_id}/resend`

use axum::http::Method;
use serde_json::json;

use super::{MISSING, accept, invite, refusals};
use crate::fixtures::NOBODY;
use crate::support::{TestApp, stable};

#[tokio::test]
async fn resend_invitation_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let id = invite(&admin, "new@example.com").await.expect(201).text("id");
    let path = format!("/tenants/{}/invitations/{id}/resend", admin.tenant);
    refusals(&app, Method::POST, path, None).logged_out(MISSING).await;
}

#[tokio::test]
async fn resend_invitation_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let id = invite(&admin, "new@example.com").await.expect(201).text("id");
    let theirs = refusals(&app, Method::POST, format!("/tenants/{}/invitations/{id}/resend", admin.tenant), None);
    theirs.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
    // Their invitation under one's own tenant is nobody's.
    for id in [id.as_str(), NOBODY, "x"] {
        let path = format!("/tenants/{}/invitations/{id}/resend", stranger.tenant);
        let own = refusals(&app, Method::POST, path, None);
        own.expect(&stranger.http, 404, "Invitation not found", "NOT_FOUND").await;
    }
}

#[tokio::test]
async fn resend_invitation_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let id = invite(&admin, "new@example.com").await.expect(201).text("id");
    let path = format!("/tenants/{}/invitations/{id}/resend", admin.tenant);
    let refusals = refusals(&app, Method::POST, path, None);
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn resend_invitation_success_kills_the_old_token() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let first = invite(&admin, "new@example.com").await.expect(201);
    app.clock.advance(jiff::SignedDuration::from_hours(20));
    let path = format!("/api/v1/tenants/{}/invitations/{}/resend", admin.tenant, first.text("id"));
    let second = admin.http.post(&path).send().await.expect(200);
    insta::assert_json_snapshot!(stable(&second.body));
    assert_ne!(first.text("token"), second.text("token"));
    insta::assert_json_snapshot!("resend_invitation_success_trail", app.trail(&admin.tenant).await);
    accept(&app, &first.text("token")).await.expect_error(404, "Invitation not found", "NOT_FOUND");
    accept(&app, &second.text("token")).await.expect(201);
}

#[tokio::test]
async fn resend_invitation_success_revives_an_expired_one_if_a_seat_is_free() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let old = invite(&admin, "new@example.com").await.expect(201);
    app.clock.advance(jiff::SignedDuration::from_hours(8 * 24));
    let admin = app.login(&admin.email).await;
    for number in 1..=3 {
        invite(&admin, &format!("person{number}@example.com")).await.expect(201);
    }
    let path = format!("/tenants/{}/invitations/{}/resend", admin.tenant, old.text("id"));
    let full = refusals(&app, Method::POST, path.clone(), None);
    full.expect(&admin.http, 403, "Quota exceeded", "QUOTA_EXCEEDED").await;
    app.sql("DELETE FROM invitations WHERE email = 'person1@example.com'").await;
    let token = admin.http.post(&path).send().await.expect(200).text("token");
    accept(&app, &token).await.expect(201);
}

#[tokio::test]
async fn resend_invitation_conflict() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let accepted = invite(&admin, "a@example.com").await.expect(201);
    accept(&app, &accepted.text("token")).await.expect(201);
    let revoked = invite(&admin, "b@example.com").await.expect(201);
    let path = |answer: &testkit::Answer| format!("/tenants/{}/invitations/{}", admin.tenant, answer.text("id"));
    admin.http.delete(&path(&revoked)).send().await.expect(204);
    for (answer, error) in [(&accepted, "Invitation is accepted"), (&revoked, "Invitation is revoked")] {
        let refusals = refusals(&app, Method::POST, format!("{}/resend", path(answer)), None);
        refusals.expect(&admin.http, 409, error, "CONFLICT").await;
    }
    // Expired, and invited anew since: the address has one pending invitation, not two.
    let old = invite(&admin, "c@example.com").await.expect(201);
    app.sql(&format!("UPDATE invitations SET expires_at = '2026-01-01Z' WHERE id = '{}'", old.text("id"))).await;
    invite(&admin, "c@example.com").await.expect(201);
    let again = refusals(&app, Method::POST, format!("{}/resend", path(&old)), None);
    again.expect(&admin.http, 409, "Already invited", "CONFLICT").await;
    app.sql("UPDATE tenants SET status = 'delinquent'").await;
    again.expect(&admin.http, 409, "Tenant is not active", "CONFLICT").await;
}

#[tokio::test]
async fn resend_invitation_repeated() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let first = invite(&admin, "new@example.com").await.expect(201);
    let path = format!("/tenants/{}/invitations/{}/resend", admin.tenant, first.text("id"));
    let second = admin.http.post(&path).send().await.expect(200);
    let third = admin.http.post(&path).send().await.expect(200);
    for dead in [first, second] {
        accept(&app, &dead.text("token")).await.expect(404);
    }
    assert_eq!(third.body["status"], json!("pending"));
    accept(&app, &third.text("token")).await.expect(201);
}
