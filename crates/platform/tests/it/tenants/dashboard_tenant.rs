//! The tenant dashboard's paths under `/tenant`.

use axum::http::Method;
use serde_json::{Value, json};

use super::{MISSING, accept, refusals};
use crate::fixtures::NOBODY;
use crate::support::{Person, TestApp, stable};

/// Refused to nobody; and to somebody whose account is gone, who has no tenant (T-34).
async fn guarded(app: &TestApp, method: Method, path: &str, body: Option<Value>) -> (Person, Person, Person) {
    let cast = app.cast().await;
    refusals(app, method, path, body).logged_out(MISSING).await;
    cast
}

#[tokio::test]
async fn get_own_tenant_logged_out() {
    let app = TestApp::new().await;
    let (_, member, _) = guarded(&app, Method::GET, "/tenant", None).await;
    app.sql("DELETE FROM users").await;
    for path in ["/tenant", "/tenant/usage", "/tenant/members", "/tenant/settings"] {
        let nobody = refusals(&app, Method::GET, path, None);
        nobody.expect(&member.http, 404, "Tenant not found", "NOT_FOUND").await;
    }
}

#[tokio::test]
async fn get_own_tenant_success() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    let answer = member.http.get("/api/v1/tenant").send().await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
}

#[tokio::test]
async fn update_own_tenant_logged_out_and_forbidden_role() {
    let app = TestApp::new().await;
    let body = Some(json!({ "name": "Engines" }));
    let (_, member, _) = guarded(&app, Method::PUT, "/tenant", body.clone()).await;
    let refusals = refusals(&app, Method::PUT, "/tenant", body);
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn update_own_tenant_success() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let answer = admin.http.put("/tenant").json(&json!({ "name": "Engines" })).send().await.expect(200);
    assert_eq!((&answer.body["name"], &answer.body["id"]), (&json!("Engines"), &json!(admin.tenant)));
    assert_eq!(stranger.http.get("/tenant").send().await.expect(200).body["name"], "Ada Lovelace");
    let short = refusals(&app, Method::PUT, "/tenant", Some(json!({ "slug": "x" })));
    short.expect(&admin.http, 400, "Invalid slug", "VALIDATION_ERROR").await;
}

#[tokio::test]
async fn get_own_usage_logged_out() {
    let app = TestApp::new().await;
    guarded(&app, Method::GET, "/tenant/usage", None).await;
}

#[tokio::test]
async fn get_own_usage_success() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    app.workspaces(&admin.tenant, 2).await;
    insta::assert_json_snapshot!(member.http.get("/api/v1/tenant/usage").send().await.expect(200).body);
}

#[tokio::test]
async fn list_own_members_logged_out() {
    let app = TestApp::new().await;
    guarded(&app, Method::GET, "/tenant/members", None).await;
}

#[tokio::test]
async fn list_own_members_other_tenant() {
    let app = TestApp::new().await;
    let (admin, member, stranger) = app.cast().await;
    for query in ["", "?search=example", "?cursor="] {
        let list = stranger.http.get(&format!("/tenant/members{query}")).send().await.expect(200);
        let text = String::from_utf8(list.bytes).unwrap();
        assert!(text.contains(&stranger.id) && !text.contains(&admin.id) && !text.contains(&member.id), "{text}");
    }
}

#[tokio::test]
async fn list_own_members_success() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    let list = member.http.get("/api/v1/tenant/members").send().await.expect(200);
    insta::assert_json_snapshot!(stable(&list.body));
    let found = member.http.get("/tenant/members?search=GRACE").send().await.expect(200);
    assert_eq!((&found.body["total"], &found.body["members"][0]["id"]), (&json!(1), &json!(member.id)));
    let answer = member.http.get("/tenant/members?page=x").send().await;
    answer.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
}

#[tokio::test]
async fn invite_own_member_logged_out_and_forbidden_role() {
    let app = TestApp::new().await;
    let body = Some(json!({ "email": "new@example.com" }));
    let (_, member, _) = guarded(&app, Method::POST, "/tenant/members/invite", body.clone()).await;
    let refusals = refusals(&app, Method::POST, "/tenant/members/invite", body);
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn invite_own_member_success() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let body = json!({ "email": "new@example.com", "role": "viewer" });
    let answer = admin.http.post("/api/v1/tenant/members/invite").json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(stable(&answer.body));
    let again = refusals(&app, Method::POST, "/tenant/members/invite", Some(body));
    again.expect(&admin.http, 409, "Already invited", "CONFLICT").await;
    let accepted = accept(&app, &answer.text("token")).await.expect(201);
    assert_eq!((&accepted.body["tenant_id"], &accepted.body["user"]["role"]), (&json!(admin.tenant), &json!("user")));
}

fn role(word: &str) -> Value {
    json!({ "role": word })
}

async fn role_logged_out(method: Method) {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    refusals(&app, method, format!("/tenant/members/{}/role", member.id), Some(role("admin")))
        .logged_out(MISSING)
        .await;
}

async fn role_other_tenant(method: Method) {
    let app = TestApp::new().await;
    let (admin, member, stranger) = app.cast().await;
    let root = app.super_admin().await;
    for id in [member.id.as_str(), NOBODY, "x"] {
        let refusals = refusals(&app, method.clone(), format!("/tenant/members/{id}/role"), Some(role("admin")));
        refusals.expect(&stranger.http, 404, "Member not found", "NOT_FOUND").await;
        // The own tenant is meant, for super admins too.
        refusals.expect(&root.http, 404, "Member not found", "NOT_FOUND").await;
    }
    admin.http.get("/users/me").send().await.expect(200);
}

async fn role_success(method: Method) {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let path = format!("/tenant/members/{}/role", member.id);
    let forbidden = refusals(&app, method.clone(), path.clone(), Some(role("admin")));
    forbidden.expect(&member.http, 403, "Access denied", "FORBIDDEN").await;
    let wrong = refusals(&app, method.clone(), path.clone(), Some(role("owner")));
    wrong.expect(&admin.http, 400, "Invalid input", "VALIDATION_ERROR").await;
    let higher = refusals(&app, method.clone(), path.clone(), Some(role("super_admin")));
    higher.expect(&admin.http, 403, "Insufficient permissions", "FORBIDDEN").await;
    let request = admin.http.request(method, &format!("/api/v1{path}")).json(&role("admin"));
    let answer = request.send().await.expect(200);
    assert_eq!((&answer.body["id"], &answer.body["role"]), (&json!(member.id), &json!("admin")));
    assert_eq!(member.http.get("/users/me").send().await.expect(200).body["role"], "admin");
}

#[tokio::test]
async fn change_own_member_role_logged_out() {
    role_logged_out(Method::PUT).await;
}

#[tokio::test]
async fn change_own_member_role_other_tenant() {
    role_other_tenant(Method::PUT).await;
}

#[tokio::test]
async fn change_own_member_role_success() {
    role_success(Method::PUT).await;
}

#[tokio::test]
async fn patch_own_member_role_logged_out() {
    role_logged_out(Method::PATCH).await;
}

#[tokio::test]
async fn patch_own_member_role_other_tenant() {
    role_other_tenant(Method::PATCH).await;
}

#[tokio::test]
async fn patch_own_member_role_success() {
    role_success(Method::PATCH).await;
}

#[tokio::test]
async fn get_own_settings_logged_out() {
    let app = TestApp::new().await;
    guarded(&app, Method::GET, "/tenant/settings", None).await;
}

#[tokio::test]
async fn get_own_settings_success() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    insta::assert_json_snapshot!(member.http.get("/api/v1/tenant/settings").send().await.expect(200).body);
}

#[tokio::test]
async fn update_own_settings_logged_out_and_forbidden_role() {
    let app = TestApp::new().await;
    let body = Some(json!({ "ssoEnabled": true }));
    let (_, member, _) = guarded(&app, Method::PUT, "/tenant/settings", body.clone()).await;
    let refusals = refusals(&app, Method::PUT, "/tenant/settings", body);
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn update_own_settings_success() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let body = json!({ "ssoEnabled": true, "dataRetentionDays": 30 });
    let answer = admin.http.put("/tenant/settings").json(&body).send().await.expect(200);
    assert_eq!((&answer.body["ssoEnabled"], &answer.body["dataRetentionDays"]), (&json!(true), &json!(30)));
    assert_eq!(stranger.http.get("/tenant/settings").send().await.expect(200).body["ssoEnabled"], false);
    let wrong = refusals(&app, Method::PUT, "/tenant/settings", Some(json!({ "ssoEnabled": "yes" })));
    wrong.expect(&admin.http, 400, "Invalid settings", "VALIDATION_ERROR").await;
}
