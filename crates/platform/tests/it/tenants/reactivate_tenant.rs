//! `POST /tenants/{id}/reactivate`

use axum::http::Method;
use serde_json::json;

use super::{MISSING, refusals};
use crate::support::{PASSWORD, TestApp, stable};

#[tokio::test]
async fn reactivate_tenant_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    refusals(&app, Method::POST, format!("/tenants/{}/reactivate", admin.tenant), None).logged_out(MISSING).await;
}

#[tokio::test]
async fn reactivate_tenant_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let refusals = refusals(&app, Method::POST, format!("/tenants/{}/reactivate", admin.tenant), None);
    refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn reactivate_tenant_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let refusals = refusals(&app, Method::POST, format!("/tenants/{}/reactivate", admin.tenant), None);
    refusals.expect(&admin.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn reactivate_tenant_success_switches_on_exactly_those_who_were_on() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let off = app.member(&admin, "off@example.com").await;
    let gone = app.member(&admin, "gone@example.com").await;
    let root = app.super_admin().await;
    admin.http.post(&format!("/users/{}/deactivate", off.id)).send().await.expect(200);
    root.http.post(&format!("/tenants/{}/suspend", admin.tenant)).send().await.expect(200);
    root.http.delete(&format!("/users/{}", gone.id)).send().await.expect(200);

    let answer = root.http.post(&format!("/api/v1/tenants/{}/reactivate", admin.tenant)).send().await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
    app.login(&admin.email).await;
    app.login(&member.email).await;
    for (person, status) in [(&off, 403), (&gone, 401)] {
        let body = json!({ "email": person.email, "password": PASSWORD });
        app.http.post("/auth/login").json(&body).send().await.expect(status);
    }
    // Log-ins from before stay dead.
    admin.http.get("/users/me").send().await.expect(401);
    assert_eq!(app.one("SELECT count(*) FROM tenant_suspended_users").await, "0");
    insta::assert_json_snapshot!("reactivate_tenant_success_trail", app.trail(&admin.tenant).await);
}

#[tokio::test]
async fn reactivate_tenant_conflict() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let root = app.super_admin().await;
    let refusals = refusals(&app, Method::POST, format!("/tenants/{}/reactivate", admin.tenant), None);
    refusals.expect(&root.http, 409, "Tenant is not suspended", "CONFLICT").await;
    root.http.delete(&format!("/tenants/{}", admin.tenant)).send().await.expect(204);
    refusals.expect(&root.http, 409, "Tenant is not suspended", "CONFLICT").await;
}

#[tokio::test]
async fn reactivate_tenant_repeated() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let root = app.super_admin().await;
    for _ in 0..2 {
        root.http.post(&format!("/tenants/{}/suspend", admin.tenant)).send().await.expect(200);
        root.http.post(&format!("/tenants/{}/reactivate", admin.tenant)).send().await.expect(200);
    }
    let refusals = refusals(&app, Method::POST, format!("/tenants/{}/reactivate", admin.tenant), None);
    refusals.expect(&root.http, 409, "Tenant is not suspended", "CONFLICT").await;
    app.login(&admin.email).await;
}
