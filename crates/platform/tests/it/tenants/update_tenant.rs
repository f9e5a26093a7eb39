//! `PUT /tenants/{id}`

use axum::http::Method;
use serde_json::{Value, json};

use super::{MISSING, invite, refusals};
use crate::fixtures::Refusals;
use crate::support::{Person, TestApp, stable};

fn refused<'a>(app: &'a TestApp, admin: &Person, body: Value) -> Refusals<'a> {
    refusals(app, Method::PUT, format!("/tenants/{}", admin.tenant), Some(body))
}

#[tokio::test]
async fn update_tenant_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    refused(&app, &admin, json!({ "name": "x" })).logged_out(MISSING).await;
}

#[tokio::test]
async fn update_tenant_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let refused = refused(&app, &admin, json!({ "name": "x" }));
    refused.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn update_tenant_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let name = refused(&app, &admin, json!({ "name": "x" }));
    name.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
    // Limits of one's own are not one's own to set.
    for body in [json!({ "plan": "custom" }), json!({ "limits": { "users": 1000 } })] {
        let custom = refused(&app, &admin, body);
        custom.expect(&admin.http, 403, "Insufficient permissions", "FORBIDDEN").await;
    }
}

#[tokio::test]
async fn update_tenant_invalid_body() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    for (body, error) in [
        (json!({ "name": "" }), "Name is required"),
        (json!({ "name": "x".repeat(256) }), "Invalid name"),
        (json!({ "slug": "No" }), "Invalid slug"),
        (json!({ "domain": "no domain" }), "Invalid domain"),
        (json!({ "plan": "gold" }), "Invalid plan"),
        (json!({ "plan": 7 }), "Invalid request body"),
    ] {
        refused(&app, &admin, body).expect(&admin.http, 400, error, "VALIDATION_ERROR").await;
    }
}

#[tokio::test]
async fn update_tenant_success() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let path = format!("/api/v1/tenants/{}", admin.tenant);
    let body = json!({ "name": " Engines ", "slug": "engines", "domain": "Engines.Example.com", "plan": "starter",
                       "status": "deleted", "settings": { "sso_enabled": true } });
    let answer = admin.http.put(&path).json(&body).send().await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
    let answer = admin.http.put(&path).json(&json!({ "domain": "" })).send().await.expect(200);
    assert_eq!((&answer.body["domain"], &answer.body["slug"]), (&json!(null), &json!("engines")));
    insta::assert_json_snapshot!("update_tenant_success_trail", app.trail(&admin.tenant).await);
}

#[tokio::test]
async fn update_tenant_success_by_a_super_admin_with_limits() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let root = app.super_admin().await;
    let path = format!("/tenants/{}", admin.tenant);
    let body = json!({ "plan": "custom", "limits": { "users": 3 } });
    let answer = root.http.put(&path).json(&body).send().await.expect(200);
    assert_eq!((&answer.body["plan"], &answer.body["limits"]["users"]), (&json!("custom"), &json!(3)));
    invite(&admin, "one@example.com").await.expect(201);
    invite(&admin, "two@example.com").await.expect_error(403, "Quota exceeded", "QUOTA_EXCEEDED");
}

#[tokio::test]
async fn update_tenant_success_makes_the_missing_row() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    app.sql("DELETE FROM tenants").await;
    let path = format!("/tenants/{}", admin.tenant);
    let answer = admin.http.put(&path).json(&json!({ "name": "Found again" })).send().await.expect(200);
    assert_eq!(admin.http.get(&path).send().await.expect(200).body, answer.body);
    assert_eq!(app.one("SELECT count(*) FROM tenants").await, "1");
}

#[tokio::test]
async fn update_tenant_repeated_writes_nothing() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let path = format!("/tenants/{}", admin.tenant);
    let body = json!({ "name": "Engines", "domain": "engines.example.com" });
    let first = admin.http.put(&path).json(&body).send().await.expect(200);
    app.clock.advance(jiff::SignedDuration::from_secs(60));
    let before = app.all_rows().await;
    assert_eq!(admin.http.put(&path).json(&body).send().await.expect(200).body, first.body);
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn update_tenant_conflict() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let theirs = json!({ "slug": "theirs", "domain": "theirs.example.com" });
    stranger.http.put(&format!("/tenants/{}", stranger.tenant)).json(&theirs).send().await.expect(200);
    for (body, error) in [
        (json!({ "slug": "theirs" }), "Slug already taken"),
        (json!({ "domain": "THEIRS.example.com" }), "Domain already taken"),
    ] {
        refused(&app, &admin, body).expect(&admin.http, 409, error, "CONFLICT").await;
    }
    for status in ["delinquent", "canceled"] {
        app.sql(&format!("UPDATE tenants SET status = '{status}' WHERE id = '{}'", admin.tenant)).await;
        let root_or_admin = if status == "canceled" { app.super_admin().await.http } else { admin.http.clone() };
        let refused = refused(&app, &admin, json!({ "name": "x" }));
        refused.expect(&root_or_admin, 409, "Tenant is not active", "CONFLICT").await;
    }
}

#[tokio::test]
async fn update_tenant_conflict_with_a_plan_too_small_for_what_is_used() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let path = format!("/tenants/{}", admin.tenant);
    admin.http.put(&path).json(&json!({ "plan": "starter" })).send().await.expect(200);
    for number in 1..=3 {
        invite(&admin, &format!("person{number}@example.com")).await.expect(201);
    }
    // Two members and three invitations are what the free plan holds.
    admin.http.put(&path).json(&json!({ "plan": "free" })).send().await.expect(200);
    admin.http.put(&path).json(&json!({ "plan": "starter" })).send().await.expect(200);
    invite(&admin, "person4@example.com").await.expect(201);
    let free = refused(&app, &admin, json!({ "plan": "free" }));
    free.expect(&admin.http, 409, "Plan is too small", "CONFLICT").await;
    app.sql("DELETE FROM invitations").await;
    app.workspaces(&admin.tenant, 4).await;
    let answer = admin.http.put(&path).json(&json!({ "plan": "free" })).send().await;
    let answer = answer.expect_error(409, "Plan is too small", "CONFLICT");
    assert_eq!(answer.text("message"), "4 workspaces are in use, the plan allows 3");
    app.sql("UPDATE workspaces SET deleted_at = now() WHERE name = 'w1'").await;
    admin.http.put(&path).json(&json!({ "plan": "free" })).send().await.expect(200);
}
