//! `GET /tenants/{id}/usage`

use axum::http::Method;

use super::{MISSING, invite, refusals};
use crate::support::{TestApp, stable};

#[tokio::test]
async fn get_tenant_usage_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    refusals(&app, Method::GET, format!("/tenants/{}/usage", admin.tenant), None).logged_out(MISSING).await;
}

#[tokio::test]
async fn get_tenant_usage_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let refusals = refusals(&app, Method::GET, format!("/tenants/{}/usage", admin.tenant), None);
    refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn get_tenant_usage_success() {
    let app = TestApp::new().await;
    let (admin, member, stranger) = app.cast().await;
    let gone = app.member(&admin, "gone@example.com").await;
    admin.http.delete(&format!("/users/{}", gone.id)).send().await.expect(200);
    admin.http.post(&format!("/users/{}/deactivate", member.id)).send().await.expect(200);
    invite(&admin, "later@example.com").await.expect(201);
    app.workspaces(&admin.tenant, 2).await;
    app.workspaces(&stranger.tenant, 7).await;
    let answer = admin.http.get(&format!("/api/v1/tenants/{}/usage", admin.tenant)).send().await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
}
