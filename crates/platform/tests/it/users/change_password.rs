//! `POST /auth/change-password`

use serde_json::{Value, json};
use testkit::{Answer, Client};

use super::auth::{
    at_once, count, dump, log_in, me_status, refresh, refuses_strangers, refuses_unreadable_bodies, set_hash, user_row,
};
use crate::support::{PASSWORD, TestApp};

const NEW: &str = "staple battery";

fn body(current: &str, new: &str) -> Value {
    json!({ "current_password": current, "new_password": new })
}

async fn change(http: &Client, current: &str, new: &str) -> Answer {
    http.post("/auth/change-password").json(&body(current, new)).send().await
}

#[tokio::test]
async fn change_password_success_ends_every_other_log_in() {
    let app = TestApp::new().await;
    let (ada, elsewhere, other) =
        (app.admin("ada@example.com").await, app.login("ada@example.com").await, app.admin("x@example.com").await);
    let answer = change(&ada.http, PASSWORD, NEW).await.expect(200);
    assert_eq!(answer.body, json!({ "message": "Password changed successfully" }));
    // Who asked stays, until the access token expires; every refresh token is dead (T-24).
    assert_eq!((me_status(&ada).await, me_status(&elsewhere).await, me_status(&other).await), (200, 401, 200));
    for person in [&ada, &elsewhere] {
        refresh(&app, &person.refresh_token).await.expect_error(
            401,
            "Invalid or expired refresh token",
            "UNAUTHORIZED",
        );
    }
    refresh(&app, &other.refresh_token).await.expect(200);
    log_in(&app, "ada@example.com", PASSWORD).await.expect(401);
    log_in(&app, "ada@example.com", NEW).await.expect(200);
}

#[tokio::test]
async fn change_password_success_writes_the_hash_and_nothing_else_of_the_account() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let before = user_row(&app, "ada@example.com").await;
    app.clock.advance(jiff::SignedDuration::from_secs(60));
    change(&ada.http, PASSWORD, NEW).await.expect(200);
    let after = user_row(&app, "ada@example.com").await;
    for (column, value) in after.as_object().unwrap() {
        let changes = ["password_hash", "updated_at"].contains(&column.as_str());
        assert_eq!(value != &before[column], changes, "{column}");
    }
}

/// An old edition's hash is replaced by one of the current scheme.
#[tokio::test]
async fn change_password_success_from_bcrypt() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    set_hash(&app, "ada@example.com", &bcrypt::hash_with_salt(PASSWORD, 4, [1; 16]).unwrap().to_string()).await;
    change(&ada.http, PASSWORD, NEW).await.expect(200);
    let row = user_row(&app, "ada@example.com").await;
    assert!(row["password_hash"].as_str().unwrap().starts_with("$argon2id$"));
}

#[tokio::test]
async fn change_password_logged_out() {
    let app = TestApp::new().await;
    app.admin("ada@example.com").await;
    let request = || app.http.post("/auth/change-password").json(&body(PASSWORD, NEW));
    refuses_strangers(&app, "Unauthorized", "Unauthorized", request).await;
}

#[tokio::test]
async fn change_password_invalid_body() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    refuses_unreadable_bodies(&app, "new_password", || ada.http.post("/auth/change-password")).await;
    let before = dump(&app).await;
    let (short, long) = ("Password must be at least 8 characters long", "Password is too long");
    let bad = [
        (json!({}), short),
        (json!({ "current_password": PASSWORD }), short),
        (body(PASSWORD, ""), short),
        (body(PASSWORD, "1234567"), short),
        (body("wrong", "1234567"), short),
        (body(PASSWORD, &"x".repeat(1025)), long),
        (json!({ "new_password": NEW }), "Current password is incorrect"),
        (body("", NEW), "Current password is incorrect"),
        (body("wrong password", NEW), "Current password is incorrect"),
        (body(NEW, NEW), "Current password is incorrect"),
    ];
    for (body, error) in bad {
        let answer = ada.http.post("/auth/change-password").json(&body).send().await;
        answer.expect_error(400, error, "VALIDATION_ERROR");
    }
    assert_eq!(dump(&app).await, before);
    change(&ada.http, PASSWORD, &"x".repeat(1024)).await.expect(200);
}

#[tokio::test]
async fn change_password_refused_without_a_password() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    set_hash(&app, "ada@example.com", "!").await;
    for current in ["!", "", PASSWORD] {
        change(&ada.http, current, NEW).await.expect_error(400, "Current password is incorrect", "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn change_password_repeated() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    change(&ada.http, PASSWORD, NEW).await.expect(200);
    change(&ada.http, PASSWORD, NEW).await.expect_error(400, "Current password is incorrect", "VALIDATION_ERROR");
    // To the same one again: allowed, and it still signs everybody else out.
    let elsewhere = app.http.clone();
    let other = log_in(&app, "ada@example.com", NEW).await.expect(200).text("access_token");
    change(&ada.http, NEW, NEW).await.expect(200);
    elsewhere.with_bearer(&other).get("/auth/me").send().await.expect(401);
}

/// Of several changes at once one counts: the others' current password is no longer the current one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn change_password_race_has_one_winner() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let requests = (0..10)
        .map(|number| ada.http.post("/auth/change-password").json(&body(PASSWORD, &format!("new password {number}"))));
    let answers = at_once(requests).await;
    assert_eq!((count(&answers, 200), count(&answers, 400)), (1, 9));
    let winner = answers.iter().position(|answer| answer.status == 200).unwrap();
    log_in(&app, "ada@example.com", &format!("new password {winner}")).await.expect(200);
}
