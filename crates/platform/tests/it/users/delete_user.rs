//! `DELETE /users/{id}`

use axum::http::Method;
use serde_json::json;

use crate::fixtures::{NOBODY, Refusals};
use crate::support::{PASSWORD, Person, TestApp};

fn refusals<'a>(app: &'a TestApp, target: &Person) -> Refusals<'a> {
    Refusals { app, method: Method::DELETE, path: format!("/users/{}", target.id), body: None }
}

/// Fails unless neither the tokens nor the password of `person` open anything.
pub(super) async fn assert_locked_out(app: &TestApp, person: &Person, login_status: u16, login_error: &str) {
    let unauthorized = "UNAUTHORIZED";
    for path in ["/users/me", "/users", "/users/stats"] {
        person.http.get(path).send().await.expect_error(401, "Invalid or expired token", unauthorized);
    }
    let body = json!({ "refresh_token": person.refresh_token });
    let answer = app.http.post("/auth/refresh").json(&body).send().await;
    answer.expect_error(401, "Invalid or expired refresh token", unauthorized);
    let body = json!({ "email": person.email, "password": PASSWORD });
    let answer = app.http.post("/auth/login").json(&body).send().await.expect(login_status);
    assert_eq!(answer.text("error"), login_error);
}

#[tokio::test]
async fn delete_user_logged_out() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    refusals(&app, &member).logged_out("User ID not found in request").await;
}

#[tokio::test]
async fn delete_user_other_tenant() {
    let app = TestApp::new().await;
    let (_, member, stranger) = app.cast().await;
    refusals(&app, &member).expect(&stranger.http, 403, "Access denied", "FORBIDDEN").await;
}

#[tokio::test]
async fn delete_user_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    refusals(&app, &admin).expect(&member.http, 403, "Access denied", "FORBIDDEN").await;
    let root = app.super_admin().await;
    app.sql(&format!("UPDATE users SET tenant_id = '{0}'; UPDATE user_profiles SET tenant_id = '{0}'", admin.tenant))
        .await;
    refusals(&app, &root).expect(&admin.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn delete_user_success_ends_every_login_at_once() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let second = app.login(&member.email).await;
    let answer = admin.http.delete(&format!("/api/v1/users/{}", member.id)).send().await.expect(200);
    assert_eq!(answer.body, json!({ "message": "User deleted successfully" }));

    for person in [&member, &second] {
        assert_locked_out(&app, person, 401, "Invalid email/username or password").await;
    }
    let list = admin.http.get("/users").send().await.expect(200);
    assert_eq!((&list.body["total"], &list.body["users"][0]["id"]), (&json!(1), &json!(admin.id)));
    // Both sides honour it: the old one looks at is_active only (T-55).
    let row = app.db.superuser().await;
    let row = row
        .query_one(
            "SELECT u.is_active, p.is_active, p.deleted_at IS NOT NULL, u.updated_at = p.updated_at,
                 (SELECT count(*) FROM login_sessions s WHERE s.user_id = u.id AND s.revoked_at IS NULL)
             FROM users u JOIN user_profiles p ON p.user_id = u.id WHERE u.email = 'grace@example.com'",
            &[],
        )
        .await
        .unwrap();
    // The profile remembers that the account was on; nobody looks there at somebody who is deleted.
    assert_eq!((row.get::<_, bool>(0), row.get::<_, bool>(1), row.get::<_, bool>(2)), (false, true, true));
    assert_eq!((row.get::<_, bool>(3), row.get::<_, i64>(4)), (true, 0));
}

#[tokio::test]
async fn delete_user_success_of_the_own_account() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    member.http.delete(&format!("/users/{}", member.id)).send().await.expect(200);
    assert_locked_out(&app, &member, 401, "Invalid email/username or password").await;
}

#[tokio::test]
async fn delete_user_repeated() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    admin.http.delete(&format!("/users/{}", member.id)).send().await.expect(200);
    refusals(&app, &member).expect(&admin.http, 404, "User not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn delete_user_not_found() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    for id in [NOBODY, "1"] {
        let refusals = Refusals { path: format!("/users/{id}"), ..refusals(&app, &member) };
        refusals.expect(&admin.http, 404, "User not found", "NOT_FOUND").await;
    }
}
