//! `DELETE /tenants/{id}/invitations/{invitation_id}`

use axum::http::Method;
use serde_json::json;

use super::{MISSING, accept, invite, refusals};
use crate::fixtures::NOBODY;
use crate::support::TestApp;

#[tokio::test]
async fn revoke_invitation_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let id = invite(&admin, "new@example.com").await.expect(201).text("id");
    let path = format!("/tenants/{}/invitations/{id}", admin.tenant);
    refusals(&app, Method::DELETE, path, None).logged_out(MISSING).await;
}

#[tokio::test]
async fn revoke_invitation_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let id = invite(&admin, "new@example.com").await.expect(201).text("id");
    let theirs = refusals(&app, Method::DELETE, format!("/tenants/{}/invitations/{id}", admin.tenant), None);
    theirs.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
    for id in [id.as_str(), NOBODY, "x"] {
        let own = refusals(&app, Method::DELETE, format!("/tenants/{}/invitations/{id}", stranger.tenant), None);
        own.expect(&stranger.http, 404, "Invitation not found", "NOT_FOUND").await;
    }
}

#[tokio::test]
async fn revoke_invitation_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let id = invite(&admin, "new@example.com").await.expect(201).text("id");
    let refusals = refusals(&app, Method::DELETE, format!("/tenants/{}/invitations/{id}", admin.tenant), None);
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn revoke_invitation_success() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let invited = invite(&admin, "new@example.com").await.expect(201);
    let path = format!("/api/v1/tenants/{}/invitations/{}", admin.tenant, invited.text("id"));
    admin.http.delete(&path).send().await.expect(204);
    accept(&app, &invited.text("token")).await.expect_error(409, "Invitation is revoked", "CONFLICT");
    insta::assert_json_snapshot!("revoke_invitation_success_trail", app.trail(&admin.tenant).await);
    let another = invite(&admin, "new@example.com").await.expect(201);
    let path = format!("/tenants/{}/invitations/{}", admin.tenant, another.text("id"));
    let answer = admin.http.delete(&path).header("accept", "application/json").send().await.expect(200);
    assert_eq!(answer.body, json!({ "message": "Invitation revoked successfully" }));
}

#[tokio::test]
async fn revoke_invitation_conflict() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let invited = invite(&admin, "new@example.com").await.expect(201);
    accept(&app, &invited.text("token")).await.expect(201);
    let path = format!("/tenants/{}/invitations/{}", admin.tenant, invited.text("id"));
    let refusals = refusals(&app, Method::DELETE, path, None);
    refusals.expect(&admin.http, 409, "Invitation is accepted", "CONFLICT").await;
}

#[tokio::test]
async fn revoke_invitation_repeated() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let id = invite(&admin, "new@example.com").await.expect(201).text("id");
    let path = format!("/tenants/{}/invitations/{id}", admin.tenant);
    admin.http.delete(&path).send().await.expect(204);
    let again = refusals(&app, Method::DELETE, path, None);
    again.expect(&admin.http, 409, "Invitation is revoked", "CONFLICT").await;
}
