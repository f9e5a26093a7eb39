//! `POST /tenants/{id}/suspend`

use axum::http::Method;
use serde_json::json;

use super::{MISSING, invite, refusals};
use crate::fixtures::NOBODY;
use crate::support::{PASSWORD, TestApp, stable};

#[tokio::test]
async fn suspend_tenant_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    refusals(&app, Method::POST, format!("/tenants/{}/suspend", admin.tenant), None).logged_out(MISSING).await;
}

#[tokio::test]
async fn suspend_tenant_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let refusals = refusals(&app, Method::POST, format!("/tenants/{}/suspend", admin.tenant), None);
    refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn suspend_tenant_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let refusals = refusals(&app, Method::POST, format!("/tenants/{}/suspend", admin.tenant), None);
    for person in [&admin, &member] {
        refusals.expect(&person.http, 403, "Insufficient permissions", "FORBIDDEN").await;
    }
}

#[tokio::test]
async fn suspend_tenant_success_keeps_everybody_out_at_once() {
    let app = TestApp::new().await;
    let (admin, member, stranger) = app.cast().await;
    let root = app.super_admin().await;
    let answer = root.http.post(&format!("/api/v1/tenants/{}/suspend", admin.tenant)).send().await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
    for person in [&admin, &member] {
        person.http.get("/users/me").send().await.expect(401);
        let body = json!({ "email": person.email, "password": PASSWORD });
        app.http.post("/auth/login").json(&body).send().await.expect_error(403, "Account is not active", "FORBIDDEN");
        let body = json!({ "refresh_token": person.refresh_token });
        app.http.post("/auth/refresh").json(&body).send().await.expect(401);
    }
    stranger.http.get("/users/me").send().await.expect(200);
    // What the old services look at (T-54).
    let active = format!("SELECT count(*) FROM users WHERE is_active AND tenant_id = '{}'", admin.tenant);
    assert_eq!(app.one(&active).await, "0");
    insta::assert_json_snapshot!("suspend_tenant_success_trail", app.trail(&admin.tenant).await);
}

#[tokio::test]
async fn suspend_tenant_success_by_status_alone_keeps_people_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    for change in ["status = 'suspended'", "is_active = false", "status = 'canceled'", "deleted_at = now()"] {
        app.sql(&format!("UPDATE tenants SET {change} WHERE id = '{}'", admin.tenant)).await;
        admin.http.get("/users/me").send().await.expect(401);
        let body = json!({ "email": admin.email, "password": PASSWORD });
        app.http.post("/auth/login").json(&body).send().await.expect_error(403, "Account is not active", "FORBIDDEN");
        app.sql("UPDATE tenants SET status = 'active', is_active = true, deleted_at = NULL").await;
        admin.http.get("/users/me").send().await.expect(200);
    }
}

#[tokio::test]
async fn suspend_tenant_success_without_a_row() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let root = app.super_admin().await;
    app.sql(&format!("DELETE FROM tenants WHERE id = '{}'", admin.tenant)).await;
    root.http.post(&format!("/tenants/{}/suspend", admin.tenant)).send().await.expect(200);
    admin.http.get("/users/me").send().await.expect(401);
}

#[tokio::test]
async fn suspend_tenant_conflict() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let root = app.super_admin().await;
    let own = refusals(&app, Method::POST, format!("/tenants/{}/suspend", root.tenant), None);
    own.expect(&root.http, 409, "Own tenant", "CONFLICT").await;
    app.sql(&format!("UPDATE tenants SET status = 'canceled' WHERE id = '{}'", admin.tenant)).await;
    let ended = refusals(&app, Method::POST, format!("/tenants/{}/suspend", admin.tenant), None);
    ended.expect(&root.http, 409, "Tenant is not active", "CONFLICT").await;
    for id in [NOBODY, "x"] {
        let nothing = refusals(&app, Method::POST, format!("/tenants/{id}/suspend"), None);
        nothing.expect(&root.http, 404, "Tenant not found", "NOT_FOUND").await;
    }
}

#[tokio::test]
async fn suspend_tenant_repeated() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let root = app.super_admin().await;
    invite(&admin, "later@example.com").await.expect(201);
    let path = format!("/tenants/{}/suspend", admin.tenant);
    root.http.post(&path).send().await.expect(200);
    let again = refusals(&app, Method::POST, path, None);
    again.expect(&root.http, 409, "Tenant is already suspended", "CONFLICT").await;
}
