//! `GET /tenants/{id}`

use axum::http::Method;

use super::{MISSING, refusals};
use crate::fixtures::NOBODY;
use crate::support::{TestApp, stable};

#[tokio::test]
async fn get_tenant_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    refusals(&app, Method::GET, format!("/tenants/{}", admin.tenant), None).logged_out(MISSING).await;
}

#[tokio::test]
async fn get_tenant_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let refusals = refusals(&app, Method::GET, format!("/tenants/{}", admin.tenant), None);
    refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn get_tenant_not_found() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    for id in [NOBODY, "x", "00000000-0000-0000-0000-000000000000"] {
        let refusals = refusals(&app, Method::GET, format!("/tenants/{id}"), None);
        refusals.expect(&root.http, 404, "Tenant not found", "NOT_FOUND").await;
    }
}

#[tokio::test]
async fn get_tenant_success() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let path = format!("/api/v1/tenants/{}", admin.tenant);
    let answer = member.http.get(&path).send().await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
    let root = app.super_admin().await;
    for person in [&admin, &root] {
        assert_eq!(person.http.get(&path).send().await.expect(200).body, answer.body);
    }
}

#[tokio::test]
async fn get_tenant_success_without_a_row() {
    let app = TestApp::new().await;
    let (admin, member, stranger) = app.cast().await;
    app.sql(&format!("DELETE FROM tenants WHERE id = '{}'", admin.tenant)).await;
    let path = format!("/tenants/{}", admin.tenant);
    let answer = member.http.get(&path).send().await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
    let root = app.super_admin().await;
    assert_eq!(root.http.get(&path).send().await.expect(200).body, answer.body);
    stranger.http.get(&path).send().await.expect(404);
    member.http.get("/users/me").send().await.expect(200);
    app.login(&member.email).await;
}
