//! The admin dashboard's paths under `/admin/tenants`.

use axum::http::Method;
use serde_json::{Value, json};

use super::{MISSING, refusals};
use crate::support::{Person, TestApp, stable};

/// Refused to nobody, to another tenant's admin and to the tenant's own member.
async fn guarded(app: &TestApp, method: Method, suffix: &str, body: Option<Value>) -> (Person, Person, Person) {
    let (admin, member, stranger) = app.cast().await;
    let refusals = refusals(app, method, format!("/admin/tenants/{}{suffix}", admin.tenant), body);
    refusals.logged_out(MISSING).await;
    refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
    (admin, member, stranger)
}

#[tokio::test]
async fn admin_list_tenants_logged_out_and_forbidden_role() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    let refusals = refusals(&app, Method::GET, "/admin/tenants", None);
    refusals.logged_out(MISSING).await;
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn admin_list_tenants_success() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let root = app.super_admin().await;
    app.workspaces(&admin.tenant, 2).await;
    let path = "/api/v1/admin/tenants?search=love&sort=name&order=asc&page=1&limit=2";
    let list = root.http.get(path).send().await.expect(200);
    insta::assert_json_snapshot!(stable(&list.body));
    let all = root.http.get("/admin/tenants").send().await.expect(200);
    assert_eq!(all.body["pagination"]["totalPages"], 1);
    assert_eq!(all.body["data"].as_array().unwrap().len(), 3);
    let own = stranger.http.get("/admin/tenants").send().await.expect(200);
    assert_eq!(own.body["data"][0]["id"], stranger.tenant.as_str());
    assert_eq!(own.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn admin_create_tenant_logged_out_and_forbidden_role() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let refusals = refusals(&app, Method::POST, "/admin/tenants", Some(json!({ "name": "Acme" })));
    refusals.logged_out(MISSING).await;
    refusals.expect(&admin.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn admin_create_tenant_success() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let body = json!({ "name": "Acme", "slug": "acme", "plan": "enterprise", "settings": { "ssoEnabled": true } });
    let answer = root.http.post("/api/v1/admin/tenants").json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(stable(&answer.body));
    let again = refusals(&app, Method::POST, "/admin/tenants", Some(body));
    again.expect(&root.http, 409, "Slug already taken", "CONFLICT").await;
}

#[tokio::test]
async fn admin_get_tenant_logged_out() {
    let app = TestApp::new().await;
    guarded(&app, Method::GET, "", None).await;
}

#[tokio::test]
async fn admin_get_tenant_other_tenant_sees_its_own() {
    let app = TestApp::new().await;
    let (_, _, stranger) = app.cast().await;
    let own = stranger.http.get(&format!("/admin/tenants/{}", stranger.tenant)).send().await.expect(200);
    assert_eq!(own.body["members"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn admin_get_tenant_success() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let root = app.super_admin().await;
    let answer = root.http.get(&format!("/api/v1/admin/tenants/{}", admin.tenant)).send().await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
}

#[tokio::test]
async fn admin_update_tenant_logged_out() {
    let app = TestApp::new().await;
    guarded(&app, Method::PUT, "", Some(json!({ "name": "x" }))).await;
}

#[tokio::test]
async fn admin_update_tenant_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let path = format!("/admin/tenants/{}", admin.tenant);
    let refusals = refusals(&app, Method::PUT, path, Some(json!({ "plan": "starter" })));
    refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn admin_update_tenant_success() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let root = app.super_admin().await;
    let path = format!("/api/v1/admin/tenants/{}", admin.tenant);
    let body = json!({ "name": "Engines", "plan": "professional" });
    let answer = root.http.put(&path).json(&body).send().await.expect(200);
    assert_eq!((&answer.body["name"], &answer.body["plan"]["tier"]), (&json!("Engines"), &json!("pro")));
    assert_eq!(answer.body["plan"]["limits"]["apiCalls"], 100_000);
}

#[tokio::test]
async fn admin_suspend_tenant_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = guarded(&app, Method::POST, "/suspend", None).await;
    let own = refusals(&app, Method::POST, format!("/admin/tenants/{}/suspend", admin.tenant), None);
    own.expect(&admin.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn admin_suspend_tenant_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let refusals = refusals(&app, Method::POST, format!("/admin/tenants/{}/suspend", admin.tenant), None);
    refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn admin_reactivate_tenant_logged_out() {
    let app = TestApp::new().await;
    guarded(&app, Method::POST, "/reactivate", None).await;
}

#[tokio::test]
async fn admin_reactivate_tenant_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let refusals = refusals(&app, Method::POST, format!("/admin/tenants/{}/reactivate", admin.tenant), None);
    refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn admin_suspend_tenant_success_and_back() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let root = app.super_admin().await;
    let path = format!("/api/v1/admin/tenants/{}", admin.tenant);
    let off = root.http.post(&format!("{path}/suspend")).send().await.expect(200);
    assert_eq!((&off.body["status"], &off.body["members"][0]["status"]), (&json!("suspended"), &json!("suspended")));
    admin.http.get("/users/me").send().await.expect(401);
    let again = refusals(&app, Method::POST, format!("{path}/suspend"), None);
    again.expect(&root.http, 409, "Tenant is already suspended", "CONFLICT").await;
    let on = root.http.post(&format!("{path}/reactivate")).send().await.expect(200);
    assert_eq!((&on.body["status"], &on.body["members"][0]["status"]), (&json!("active"), &json!("active")));
    app.login(&admin.email).await;
}

#[tokio::test]
async fn admin_get_tenant_usage_logged_out() {
    let app = TestApp::new().await;
    guarded(&app, Method::GET, "/usage", None).await;
}

#[tokio::test]
async fn admin_get_tenant_usage_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let refusals = refusals(&app, Method::GET, format!("/admin/tenants/{}/usage", admin.tenant), None);
    refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn admin_get_tenant_usage_success() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    app.workspaces(&admin.tenant, 2).await;
    let answer = admin.http.get(&format!("/api/v1/admin/tenants/{}/usage", admin.tenant)).send().await.expect(200);
    let expected = json!({ "users": 2, "workspaces": 2, "storage": 0, "apiCalls": 0, "automations": 0,
                           "lastCalculated": "2026-03-01T12:00:00.123456Z" });
    assert_eq!(answer.body, expected);
}
