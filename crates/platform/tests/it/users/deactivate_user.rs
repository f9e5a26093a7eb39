//! `POST /users/{id}/deactivate`

use axum::http::Method;
use serde_json::json;

use super::delete_user::assert_locked_out;
use crate::fixtures::{NOBODY, Refusals};
use crate::support::{Person, TestApp};

fn refusals<'a>(app: &'a TestApp, target: &Person) -> Refusals<'a> {
    Refusals { app, method: Method::POST, path: format!("/users/{}/deactivate", target.id), body: None }
}

#[tokio::test]
async fn deactivate_user_logged_out() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    refusals(&app, &member).logged_out("User ID not found in request").await;
}

#[tokio::test]
async fn deactivate_user_other_tenant() {
    let app = TestApp::new().await;
    let (_, member, stranger) = app.cast().await;
    refusals(&app, &member).expect(&stranger.http, 403, "Access denied", "FORBIDDEN").await;
}

#[tokio::test]
async fn deactivate_user_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    refusals(&app, &admin).expect(&member.http, 403, "Access denied", "FORBIDDEN").await;
    refusals(&app, &admin).expect(&admin.http, 400, "Invalid input", "VALIDATION_ERROR").await;
    let root = app.super_admin().await;
    app.sql(&format!("UPDATE users SET tenant_id = '{0}'; UPDATE user_profiles SET tenant_id = '{0}'", admin.tenant))
        .await;
    refusals(&app, &root).expect(&admin.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn deactivate_user_success_ends_every_login_at_once() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    member.http.get("/users/me").send().await.expect(200);
    let answer = admin.http.post(&format!("/api/v1/users/{}/deactivate", member.id)).send().await.expect(200);
    assert_eq!((answer.text("id"), &answer.body["is_active"]), (member.id.clone(), &json!(false)));
    assert_locked_out(&app, &member, 403, "Account is not active").await;
    // Still there for the others.
    let list = admin.http.get("/users?is_active=false").send().await.expect(200);
    assert_eq!(list.body["users"], json!([answer.body]));
}

#[tokio::test]
async fn deactivate_user_success_by_a_super_admin_across_tenants() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let root = app.super_admin().await;
    root.http.post(&format!("/users/{}/deactivate", admin.id)).send().await.expect(200);
    admin.http.get("/users/me").send().await.expect(401);
    member.http.get("/users/me").send().await.expect(200);
}

#[tokio::test]
async fn deactivate_user_repeated() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let path = format!("/users/{}/deactivate", member.id);
    let first = admin.http.post(&path).send().await.expect(200);
    assert_eq!(admin.http.post(&path).send().await.expect(200).body, first.body);
}

#[tokio::test]
async fn deactivate_user_not_found() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    admin.http.delete(&format!("/users/{}", member.id)).send().await.expect(200);
    for id in [NOBODY, "x", &member.id] {
        let refusals = Refusals { path: format!("/users/{id}/deactivate"), ..refusals(&app, &member) };
        refusals.expect(&admin.http, 404, "User not found", "NOT_FOUND").await;
    }
}
