//! The admin dashboard's paths under `/admin/users` (contract 1.4).

use axum::http::Method;
use serde_json::{Value, json};

use crate::fixtures::{NOBODY, Refusals};
use crate::support::{PASSWORD, TestApp, stable};

const MISSING: &str = "Missing Authorization header";

fn refusals<'a>(app: &'a TestApp, method: Method, path: &str, body: Option<Value>) -> Refusals<'a> {
    Refusals { app, method, path: path.to_owned(), body }
}

/// Refused to nobody, to the tenant's own member and for ids of nobody.
async fn guarded(method: Method, suffix: &str, body: Option<Value>) {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let of = |id: &str| refusals(&app, method.clone(), &format!("/admin/users/{id}{suffix}"), body.clone());
    of(&member.id).logged_out(MISSING).await;
    // Not even of oneself: that is what `/users` is for.
    of(&member.id).expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
    for id in [NOBODY, "x"] {
        of(id).expect(&admin.http, 404, "User not found", "NOT_FOUND").await;
    }
}

/// Refused to another tenant's admin.
async fn apart(method: Method, suffix: &str, body: Option<Value>) {
    let app = TestApp::new().await;
    let (_, member, stranger) = app.cast().await;
    let refusals = refusals(&app, method, &format!("/admin/users/{}{suffix}", member.id), body);
    refusals.expect(&stranger.http, 403, "Access denied", "FORBIDDEN").await;
}

#[tokio::test]
async fn admin_list_users_logged_out_and_forbidden_role() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    let refusals = refusals(&app, Method::GET, "/admin/users", None);
    refusals.logged_out(MISSING).await;
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn admin_list_users_success() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let path = "/api/v1/admin/users?search=grace&sort=createdAt&order=asc&page=1&limit=2";
    let list = admin.http.get(path).send().await.expect(200);
    insta::assert_json_snapshot!(stable(&list.body));
    let own = stranger.http.get("/admin/users").send().await.expect(200);
    assert_eq!((own.body["data"].as_array().unwrap().len(), &own.body["data"][0]["id"]), (1, &json!(stranger.id)));
    let emails = async |query: &str| -> Vec<String> {
        let list = admin.http.get(&format!("/admin/users?{query}")).send().await.expect(200);
        list.body["data"].as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(emails("sort=firstName&order=asc").await, ["ada@example.com", "grace@example.com"]);
    assert_eq!(emails("sort=firstName&order=desc").await, ["grace@example.com", "ada@example.com"]);
    // A super admin names the tenant; an admin's word for another one is ignored (T-58).
    let root = app.super_admin().await;
    let there = root.http.get(&format!("/admin/users?tenant_id={}", admin.tenant)).send().await.expect(200);
    assert_eq!(there.body["pagination"]["total"], 2);
    assert_eq!(emails(&format!("tenant_id={}", stranger.tenant)).await.len(), 2);
}

#[tokio::test]
async fn admin_create_user_logged_out_and_forbidden_role() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    let body = json!({ "email": "joan@example.com", "password": PASSWORD, "firstName": "Joan", "lastName": "Clarke" });
    let refusals = refusals(&app, Method::POST, "/admin/users", Some(body));
    refusals.logged_out(MISSING).await;
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn admin_create_user_success() {
    let app = TestApp::new().await;
    let (admin, _, _) = app.cast().await;
    let body =
        json!({ "email": "joan@example.com", "password": PASSWORD, "first_name": "Joan", "last_name": "Clarke" });
    let answer = admin.http.post("/api/v1/admin/users").json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(stable(&answer.body));
    app.login("joan@example.com").await;
    let again = refusals(&app, Method::POST, "/admin/users", Some(body));
    again.expect(&admin.http, 409, "Email already registered", "CONFLICT").await;
}

#[tokio::test]
async fn admin_get_user_logged_out_and_forbidden_role() {
    guarded(Method::GET, "", None).await;
}

#[tokio::test]
async fn admin_get_user_other_tenant() {
    apart(Method::GET, "", None).await;
}

#[tokio::test]
async fn admin_get_user_success() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let path = format!("/api/v1/admin/users/{}", member.id);
    insta::assert_json_snapshot!(stable(&admin.http.get(&path).send().await.expect(200).body));
    admin.http.delete(&format!("/users/{}", member.id)).send().await.expect(200);
    assert_eq!(admin.http.get(&path).send().await.expect(200).text("status"), "deleted");
}

#[tokio::test]
async fn admin_update_user_logged_out_and_forbidden_role() {
    guarded(Method::PUT, "", Some(json!({ "first_name": "G" }))).await;
}

#[tokio::test]
async fn admin_update_user_other_tenant() {
    apart(Method::PUT, "", Some(json!({ "first_name": "G" }))).await;
}

#[tokio::test]
async fn admin_update_user_success() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let path = format!("/admin/users/{}", member.id);
    let answer = admin.http.put(&path).json(&json!({ "first_name": "Amazing" })).send().await.expect(200);
    assert_eq!((answer.text("firstName"), answer.text("lastName")), ("Amazing".to_owned(), "Hopper".to_owned()));
    let user = admin.http.get(&format!("/users/{}", member.id)).send().await.expect(200);
    assert_eq!(user.text("first_name"), "Amazing");
}

#[tokio::test]
async fn admin_suspend_user_logged_out_and_forbidden_role() {
    guarded(Method::POST, "/suspend", None).await;
}

#[tokio::test]
async fn admin_suspend_user_other_tenant() {
    apart(Method::POST, "/suspend", None).await;
}

#[tokio::test]
async fn admin_suspend_user_and_admin_reactivate_user_success() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let path = format!("/api/v1/admin/users/{}", member.id);
    let off = admin.http.post(&format!("{path}/suspend")).send().await.expect(200);
    assert_eq!(off.text("status"), "suspended");
    member.http.get("/users/me").send().await.expect(401);
    let on = admin.http.post(&format!("{path}/reactivate")).send().await.expect(200);
    assert_eq!(on.text("status"), "active");
    app.login(&member.email).await;
    let own = refusals(&app, Method::POST, &format!("/admin/users/{}/suspend", admin.id), None);
    own.expect(&admin.http, 400, "Invalid input", "VALIDATION_ERROR").await;
}

#[tokio::test]
async fn admin_reactivate_user_logged_out_and_forbidden_role() {
    guarded(Method::POST, "/reactivate", None).await;
}

#[tokio::test]
async fn admin_reactivate_user_other_tenant() {
    apart(Method::POST, "/reactivate", None).await;
}
