//! `POST /auth/admin/login`

use serde_json::json;
use testkit::Answer;

use super::auth::{dump, refuses_unreadable_bodies, switch_off};
use crate::support::{PASSWORD, TestApp, stable};

async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    app.http.post("/auth/admin/login").json(&body).send().await
}

#[tokio::test]
async fn admin_login_success() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    let answer = log_in(&app, "ada@example.com", PASSWORD).await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
    app.super_admin().await;
    assert_eq!(log_in(&app, "root@example.com", PASSWORD).await.expect(200).body["user"]["role"], "super_admin");
}

/// T-72: and a refused log-in leaves no trace, neither a session nor a time.
#[tokio::test]
async fn admin_login_forbidden_role() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    app.member(&admin, "member@example.com").await;
    let before = dump(&app).await;
    let answer = log_in(&app, "member@example.com", PASSWORD).await;
    answer.expect_error(403, "Insufficient permissions", "FORBIDDEN");
    // The role is nobody's to learn without the password.
    let answer = log_in(&app, "member@example.com", "wrong password").await;
    answer.expect_error(401, "Invalid email/username or password", "UNAUTHORIZED");
    assert_eq!(dump(&app).await, before);
}

#[tokio::test]
async fn admin_login_refused() {
    let app = TestApp::new().await;
    app.admin("admin@example.com").await;
    for (email, password) in [("admin@example.com", "wrong password"), ("nobody@example.com", PASSWORD)] {
        let answer = log_in(&app, email, password).await;
        answer.expect_error(401, "Invalid email/username or password", "UNAUTHORIZED");
    }
    switch_off(&app, "admin@example.com").await;
    let answer = log_in(&app, "admin@example.com", PASSWORD).await;
    answer.expect_error(403, "Account is not active", "FORBIDDEN");
}

#[tokio::test]
async fn admin_login_invalid_body() {
    let app = TestApp::new().await;
    refuses_unreadable_bodies(&app, "email", || app.http.post("/auth/admin/login")).await;
    let answer = app.http.post("/auth/admin/login").json(&json!({ "password": PASSWORD })).send().await;
    answer.expect_error(400, "Either email or username must be provided", "VALIDATION_ERROR");
}
