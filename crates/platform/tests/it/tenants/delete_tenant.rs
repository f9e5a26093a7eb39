//! `DELETE /tenants/{id}`

use axum::http::Method;
use serde_json::json;

use super::{MISSING, accept, invite, refusals};
use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn delete_tenant_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    refusals(&app, Method::DELETE, format!("/tenants/{}", admin.tenant), None).logged_out(MISSING).await;
}

#[tokio::test]
async fn delete_tenant_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    for query in ["", "?force=true"] {
        let refusals = refusals(&app, Method::DELETE, format!("/tenants/{}{query}", admin.tenant), None);
        refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
    }
}

#[tokio::test]
async fn delete_tenant_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let refusals = refusals(&app, Method::DELETE, format!("/tenants/{}", admin.tenant), None);
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn delete_tenant_success_keeps_the_row_and_everybody_out() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let token = invite(&admin, "later@example.com").await.expect(201).text("token");
    let answer = admin.http.delete(&format!("/api/v1/tenants/{}", admin.tenant)).send().await.expect(204);
    assert!(answer.bytes.is_empty());
    for person in [&admin, &member] {
        person.http.get("/users/me").send().await.expect(401);
        let body = json!({ "email": person.email, "password": PASSWORD });
        app.http.post("/auth/login").json(&body).send().await.expect_error(403, "Account is not active", "FORBIDDEN");
    }
    accept(&app, &token).await.expect_error(409, "Invitation is revoked", "CONFLICT");
    let root = app.super_admin().await;
    let seen = root.http.get(&format!("/tenants/{}", admin.tenant)).send().await.expect(200);
    assert_eq!((&seen.body["status"], &seen.body["is_active"]), (&json!("deleted"), &json!(false)));
    assert!(seen.body["deleted_at"].is_string());
    insta::assert_json_snapshot!("delete_tenant_success_trail", app.trail(&admin.tenant).await);
}

#[tokio::test]
async fn delete_tenant_success_with_a_message_for_those_who_ask_for_json() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let id = app.empty_tenant(&root, "acme").await;
    let request = root.http.delete(&format!("/tenants/{id}")).header("accept", "application/json, text/plain");
    assert_eq!(request.send().await.expect(200).body, json!({ "message": "Tenant deleted successfully" }));
}

#[tokio::test]
async fn delete_tenant_conflict_while_workspaces_live() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    app.workspaces(&admin.tenant, 3).await;
    let path = format!("/tenants/{}", admin.tenant);
    for query in ["", "?force=false", "?force="] {
        let refusals = refusals(&app, Method::DELETE, format!("{path}{query}"), None);
        refusals.expect(&admin.http, 409, "Tenant has 3 active workspaces", "CONFLICT").await;
    }
    admin.http.delete(&format!("{path}?force=true")).send().await.expect(204);
    assert_eq!(app.one("SELECT count(*) FROM workspaces WHERE deleted_at IS NULL").await, "3", "nothing is removed");
}

#[tokio::test]
async fn delete_tenant_conflict_with_the_own_one_of_a_super_admin() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let refusals = refusals(&app, Method::DELETE, format!("/tenants/{}?force=true", root.tenant), None);
    refusals.expect(&root.http, 409, "Own tenant", "CONFLICT").await;
}

#[tokio::test]
async fn delete_tenant_repeated() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let id = app.empty_tenant(&root, "acme").await;
    let path = format!("/tenants/{id}");
    root.http.delete(&path).send().await.expect(204);
    let again = refusals(&app, Method::DELETE, path, None);
    again.expect(&root.http, 404, "Tenant not found", "NOT_FOUND").await;
}
