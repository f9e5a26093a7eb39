//! `POST /users/{id}/restore`

use axum::http::Method;
use serde_json::json;

use super::delete_user::assert_locked_out;
use crate::fixtures::{NOBODY, Refusals};
use crate::support::{PASSWORD, Person, TestApp};

fn refusals<'a>(app: &'a TestApp, target: &Person) -> Refusals<'a> {
    Refusals { app, method: Method::POST, path: format!("/users/{}/restore", target.id), body: None }
}

async fn with_deleted_member(app: &TestApp) -> (Person, Person, Person) {
    let (admin, member, stranger) = app.cast().await;
    admin.http.delete(&format!("/users/{}", member.id)).send().await.expect(200);
    (admin, member, stranger)
}

#[tokio::test]
async fn restore_user_logged_out() {
    let app = TestApp::new().await;
    let (_, member, _) = with_deleted_member(&app).await;
    refusals(&app, &member).logged_out("User ID not found in request").await;
    // Being the one deleted does not help.
    refusals(&app, &member).expect(&member.http, 401, "Invalid or expired token", "UNAUTHORIZED").await;
}

#[tokio::test]
async fn restore_user_other_tenant() {
    let app = TestApp::new().await;
    let (_, member, stranger) = with_deleted_member(&app).await;
    refusals(&app, &member).expect(&stranger.http, 403, "Access denied", "FORBIDDEN").await;
}

#[tokio::test]
async fn restore_user_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = with_deleted_member(&app).await;
    let other = app.member(&admin, "joan@example.com").await;
    refusals(&app, &member).expect(&other.http, 403, "Access denied", "FORBIDDEN").await;
}

#[tokio::test]
async fn restore_user_success_brings_everything_back_but_the_logins() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let path = format!("/users/{}", member.id);
    let body = json!({ "bio": "Nanoseconds", "metadata": { "a": 1 } });
    let before = admin.http.put(&path).json(&body).send().await.expect(200).body;
    admin.http.delete(&path).send().await.expect(200);
    let answer = admin.http.post(&format!("/api/v1{path}/restore")).send().await.expect(200);
    assert_eq!(answer.body, before);
    assert_eq!(admin.http.get("/users").send().await.expect(200).body["total"], 2);
    // The old tokens stay dead; the password works again.
    member.http.get("/users/me").send().await.expect(401);
    let body = json!({ "refresh_token": member.refresh_token });
    app.http.post("/auth/refresh").json(&body).send().await.expect(401);
    let again = app.login(&member.email).await;
    again.http.get("/users/me").send().await.expect(200);
}

#[tokio::test]
async fn restore_user_success_leaves_a_deactivated_account_switched_off() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let path = format!("/users/{}", member.id);
    admin.http.post(&format!("{path}/deactivate")).send().await.expect(200);
    admin.http.delete(&path).send().await.expect(200);
    let answer = admin.http.post(&format!("{path}/restore")).send().await.expect(200);
    assert_eq!(answer.body["is_active"], false);
    let body = json!({ "email": member.email, "password": PASSWORD });
    app.http.post("/auth/login").json(&body).send().await.expect_error(403, "Account is not active", "FORBIDDEN");
    // Once more, and switched on in between: what counts is how it was before the last deletion.
    admin.http.post(&format!("{path}/reactivate")).send().await.expect(200);
    admin.http.delete(&path).send().await.expect(200);
    let answer = admin.http.post(&format!("{path}/restore")).send().await.expect(200);
    assert_eq!(answer.body["is_active"], true);
    app.http.post("/auth/login").json(&body).send().await.expect(200);
}

#[tokio::test]
async fn restore_user_success_of_somebody_an_old_service_deleted() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    // In the profile alone, the account left as it was (T-55); one of them had no flag (T-43).
    for flag in ["true", "NULL"] {
        app.sql(&format!(
            "UPDATE user_profiles SET deleted_at = now(), is_active = {flag} WHERE user_id = '{}'",
            member.id
        ))
        .await;
        let path = format!("/users/{}/restore", member.id);
        let answer = admin.http.post(&path).send().await.expect(200);
        assert_eq!(answer.body["is_active"], true, "{flag}");
        app.login(&member.email).await;
    }
}

#[tokio::test]
async fn restore_user_repeated_changes_nothing() {
    let app = TestApp::new().await;
    let (admin, member, _) = with_deleted_member(&app).await;
    assert_locked_out(&app, &member, 401, "Invalid email/username or password").await;
    let path = format!("/users/{}/restore", member.id);
    let first = admin.http.post(&path).send().await.expect(200);
    let rows = app.all_rows().await;
    assert_eq!(admin.http.post(&path).send().await.expect(200).body, first.body);
    assert_eq!(app.all_rows().await, rows);
}

#[tokio::test]
async fn restore_user_not_found() {
    let app = TestApp::new().await;
    let (admin, member, _) = with_deleted_member(&app).await;
    for id in [NOBODY, "x"] {
        let refusals = Refusals { path: format!("/users/{id}/restore"), ..refusals(&app, &member) };
        refusals.expect(&admin.http, 404, "User not found", "NOT_FOUND").await;
    }
}
