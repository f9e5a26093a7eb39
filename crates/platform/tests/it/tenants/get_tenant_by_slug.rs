//! `GET /tenants/slug/{slug}`

use axum::http::Method;

use super::{MISSING, refusals};
use crate::support::TestApp;

#[tokio::test]
async fn get_tenant_by_slug_logged_out() {
    let app = TestApp::new().await;
    refusals(&app, Method::GET, "/tenants/slug/acme", None).logged_out(MISSING).await;
}

#[tokio::test]
async fn get_tenant_by_slug_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let slug = app.one(&format!("SELECT slug FROM tenants WHERE id = '{}'", admin.tenant)).await;
    let path = format!("/tenants/slug/{slug}");
    refusals(&app, Method::GET, path, None).expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
    let nothing = refusals(&app, Method::GET, "/tenants/slug/nothing", None);
    nothing.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn get_tenant_by_slug_success() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let root = app.super_admin().await;
    let by_id = admin.http.get(&format!("/tenants/{}", admin.tenant)).send().await.expect(200);
    let path = format!("/api/v1/tenants/slug/{}", by_id.text("slug"));
    for person in [&admin, &member, &root] {
        assert_eq!(person.http.get(&path).send().await.expect(200).body, by_id.body);
    }
}
