//! `POST /tenants`

use axum::http::Method;
use serde_json::json;

use super::{MISSING, refusals};
use crate::support::{TestApp, stable};

#[tokio::test]
async fn create_tenant_logged_out() {
    let app = TestApp::new().await;
    refusals(&app, Method::POST, "/tenants", Some(json!({ "name": "x" }))).logged_out(MISSING).await;
}

#[tokio::test]
async fn create_tenant_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let refusals = refusals(&app, Method::POST, "/tenants", Some(json!({ "name": "Acme", "slug": "acme" })));
    for person in [&admin, &member] {
        refusals.expect(&person.http, 403, "Insufficient permissions", "FORBIDDEN").await;
    }
}

#[tokio::test]
async fn create_tenant_invalid_body() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    for (body, error) in [
        (json!({}), "Name is required"),
        (json!({ "name": "  " }), "Name is required"),
        (json!({ "name": "x".repeat(256) }), "Invalid name"),
        (json!({ "name": 7 }), "Invalid request body"),
        (json!({ "name": "Acme", "slug": "-acme" }), "Invalid slug"),
        (json!({ "name": "Acme", "slug": "ACME" }), "Invalid slug"),
        (json!({ "name": "Acme", "slug": "ac" }), "Invalid slug"),
        (json!({ "name": "Acme", "domain": "http://acme.io" }), "Invalid domain"),
        (json!({ "name": "Acme", "plan": "gold" }), "Invalid plan"),
        (json!({ "name": "Acme", "settings": { "sso_enabled": "yes" } }), "Invalid settings"),
        (json!({ "name": "Acme", "settings": [] }), "Invalid request body"),
    ] {
        let refusals = refusals(&app, Method::POST, "/tenants", Some(body));
        refusals.expect(&root.http, 400, error, "VALIDATION_ERROR").await;
    }
}

#[tokio::test]
async fn create_tenant_success() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let body = json!({
        "name": "Acme & Sons", "domain": "Team.Acme.IO", "plan": "pro", "settings": { "dataRetentionDays": 30 },
        "status": "deleted", "is_active": false
    });
    let answer = root.http.post("/api/v1/tenants").json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(stable(&answer.body));
    insta::assert_json_snapshot!("create_tenant_success_trail", app.trail(&answer.text("id")).await);
}

#[tokio::test]
async fn create_tenant_success_with_limits_of_its_own() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let body = json!({ "name": "Acme", "plan": "custom", "limits": { "users": 7 } });
    let answer = root.http.post("/tenants").json(&body).send().await.expect(201);
    assert_eq!((&answer.body["limits"]["users"], &answer.body["limits"]["workspaces"]), (&json!(7), &json!(-1)));
    let listed = json!({ "name": "Other", "plan": "starter", "limits": { "users": 7 } });
    let answer = root.http.post("/tenants").json(&listed).send().await.expect(201);
    assert_eq!(answer.body["limits"]["users"], 25, "a listed plan has its own limits");
}

#[tokio::test]
async fn create_tenant_success_by_a_service() {
    let app = TestApp::new().await;
    let answer = app.internal(Method::POST, "/tenants").json(&json!({ "name": "Acme" })).send().await.expect(201);
    assert_eq!(answer.text("slug"), "acme");
}

#[tokio::test]
async fn create_tenant_conflict() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let first = json!({ "name": "Acme", "slug": "acme", "domain": "acme.io" });
    let id = root.http.post("/tenants").json(&first).send().await.expect(201).text("id");
    for (body, error) in [
        (json!({ "name": "acme" }), "Slug already taken"),
        (json!({ "name": "Other", "slug": "acme" }), "Slug already taken"),
        (json!({ "name": "Other", "domain": "ACME.io" }), "Domain already taken"),
    ] {
        refusals(&app, Method::POST, "/tenants", Some(body)).expect(&root.http, 409, error, "CONFLICT").await;
    }
    // A deleted tenant keeps its slug.
    root.http.delete(&format!("/tenants/{id}")).send().await.expect(204);
    refusals(&app, Method::POST, "/tenants", Some(first))
        .expect(&root.http, 409, "Slug already taken", "CONFLICT")
        .await;
}
