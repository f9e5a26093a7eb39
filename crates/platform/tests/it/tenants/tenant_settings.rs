//! `GET` and `PUT /tenants/{id}/settings`

use axum::http::Method;
use serde_json::json;

use super::{MISSING, refusals};
use crate::support::TestApp;

#[tokio::test]
async fn get_tenant_settings_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    refusals(&app, Method::GET, format!("/tenants/{}/settings", admin.tenant), None).logged_out(MISSING).await;
}

#[tokio::test]
async fn get_tenant_settings_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let refusals = refusals(&app, Method::GET, format!("/tenants/{}/settings", admin.tenant), None);
    refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn get_tenant_settings_success_shows_defaults() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let answer = member.http.get(&format!("/api/v1/tenants/{}/settings", admin.tenant)).send().await.expect(200);
    insta::assert_json_snapshot!(answer.body);
    // What an old program left instead of an object (T-43).
    for stored in ["null", "[]", "7"] {
        app.sql(&format!("UPDATE tenants SET settings = '{stored}'")).await;
        let again = member.http.get(&format!("/tenants/{}/settings", admin.tenant)).send().await.expect(200);
        assert_eq!(again.body, answer.body);
    }
}

#[tokio::test]
async fn update_tenant_settings_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let path = format!("/tenants/{}/settings", admin.tenant);
    refusals(&app, Method::PUT, path, Some(json!({ "colour": "red" }))).logged_out(MISSING).await;
}

#[tokio::test]
async fn update_tenant_settings_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let path = format!("/tenants/{}/settings", admin.tenant);
    let refusals = refusals(&app, Method::PUT, path, Some(json!({ "colour": "red" })));
    refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn update_tenant_settings_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let path = format!("/tenants/{}/settings", admin.tenant);
    let refusals = refusals(&app, Method::PUT, path, Some(json!({ "colour": "red" })));
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn update_tenant_settings_invalid_body() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    for (body, error) in [
        (json!({ "sso_enabled": 1 }), "Invalid settings"),
        (json!({ "dataRetentionDays": "30" }), "Invalid settings"),
        (json!({ "password_min_length": 7 }), "Invalid settings"),
        (json!({ "notes": "x".repeat(70_000) }), "Invalid settings"),
        (json!(["colour"]), "Invalid request body"),
        (json!("red"), "Invalid request body"),
    ] {
        let refusals = refusals(&app, Method::PUT, format!("/tenants/{}/settings", admin.tenant), Some(body));
        refusals.expect(&admin.http, 400, error, "VALIDATION_ERROR").await;
    }
}

#[tokio::test]
async fn update_tenant_settings_success() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let path = format!("/api/v1/tenants/{}/settings", admin.tenant);
    let body = json!({ "dataRetentionDays": 30, "sso_enabled": true, "colour": { "accent": "red" } });
    let answer = admin.http.put(&path).json(&body).send().await.expect(200);
    insta::assert_json_snapshot!(answer.body);
    assert_eq!(admin.http.get(&path).send().await.expect(200).body, answer.body);
    let answer = admin.http.put(&path).json(&json!({ "data_retention_days": null })).send().await.expect(200);
    assert_eq!((&answer.body["data_retention_days"], &answer.body["sso_enabled"]), (&json!(365), &json!(true)));
    insta::assert_json_snapshot!("update_tenant_settings_success_trail", app.trail(&admin.tenant).await);
}

#[tokio::test]
async fn update_tenant_settings_repeated_writes_nothing() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let path = format!("/tenants/{}/settings", admin.tenant);
    let body = json!({ "sso_enabled": true });
    admin.http.put(&path).json(&body).send().await.expect(200);
    let before = app.all_rows().await;
    admin.http.put(&path).json(&body).send().await.expect(200);
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn update_tenant_settings_conflict() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    app.sql("UPDATE tenants SET status = 'delinquent'").await;
    let path = format!("/tenants/{}/settings", admin.tenant);
    let refusals = refusals(&app, Method::PUT, path, Some(json!({ "sso_enabled": true })));
    refusals.expect(&admin.http, 409, "Tenant is not active", "CONFLICT").await;
}
