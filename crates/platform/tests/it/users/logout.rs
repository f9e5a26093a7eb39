//! `POST /auth/logout`

use serde_json::json;
use testkit::Answer;

use super::auth::{dump, me_status, refresh, refuses_unreadable_bodies};
use crate::support::TestApp;

async fn log_out(app: &TestApp, token: &str) -> Answer {
    app.http.post("/auth/logout").json(&json!({ "refresh_token": token })).send().await
}

#[tokio::test]
async fn logout_success_ends_one_log_in() {
    let app = TestApp::new().await;
    let (ada, elsewhere) = (app.admin("ada@example.com").await, app.login("ada@example.com").await);
    let answer = log_out(&app, &ada.refresh_token).await.expect(200);
    assert_eq!(answer.body, json!({ "message": "Logged out successfully" }));
    refresh(&app, &ada.refresh_token).await.expect_error(401, "Invalid or expired refresh token", "UNAUTHORIZED");
    assert_eq!((me_status(&ada).await, me_status(&elsewhere).await), (401, 200));
    refresh(&app, &elsewhere.refresh_token).await.expect(200);
}

#[tokio::test]
async fn logout_success_ends_the_family_of_an_exchanged_token() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let successor = refresh(&app, &ada.refresh_token).await.expect(200).text("refresh_token");
    log_out(&app, &ada.refresh_token).await.expect(200);
    refresh(&app, &successor).await.expect(401);
    refresh(&app, &ada.refresh_token).await.expect(401);
}

/// T-26: with the bearer token alone, all log-ins of the person, and nobody else's.
#[tokio::test]
async fn logout_success_without_a_body_ends_all_log_ins() {
    let app = TestApp::new().await;
    for body in [None, Some(json!({})), Some(json!({ "refresh_token": null }))] {
        let email = format!("ada{}@example.com", body.as_ref().map_or(0, |body| body.to_string().len()));
        let (ada, elsewhere, other) =
            (app.admin(&email).await, app.login(&email).await, app.admin(&format!("x{email}")).await);
        let request = ada.http.post("/auth/logout");
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        assert_eq!(request.send().await.expect(200).body, json!({ "message": "Logged out successfully" }));
        for person in [&ada, &elsewhere] {
            assert_eq!(me_status(person).await, 401);
            refresh(&app, &person.refresh_token).await.expect(401);
        }
        assert_eq!(me_status(&other).await, 200);
        refresh(&app, &other.refresh_token).await.expect(200);
        // The account itself is untouched.
        app.login(&email).await;
    }
}

#[tokio::test]
async fn logout_logged_out_is_no_error_and_changes_nothing() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let before = dump(&app).await;
    let unknown = format!("{}=", "A".repeat(43));
    for token in ["", "x", &unknown, &ada.access_token, &"A".repeat(1_000_000)] {
        log_out(&app, token).await.expect(200);
    }
    app.http.post("/auth/logout").send().await.expect(200);
    app.http.with_bearer("a.b.c").post("/auth/logout").send().await.expect(200);
    // A token in the body is meant alone, even beside somebody's bearer token.
    ada.http.post("/auth/logout").json(&json!({ "refresh_token": unknown })).send().await.expect(200);
    assert_eq!(dump(&app).await, before);
    assert_eq!(me_status(&ada).await, 200);
}

#[tokio::test]
async fn logout_repeated_is_no_error() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    log_out(&app, &ada.refresh_token).await.expect(200);
    let before = dump(&app).await;
    log_out(&app, &ada.refresh_token).await.expect(200);
    ada.http.post("/auth/logout").send().await.expect(200);
    assert_eq!(dump(&app).await, before);
}

#[tokio::test]
async fn logout_invalid_body() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    refuses_unreadable_bodies(&app, "refresh_token", || app.http.post("/auth/logout")).await;
    refuses_unreadable_bodies(&app, "refresh_token", || ada.http.post("/auth/logout")).await;
    assert_eq!(me_status(&ada).await, 200);
}
