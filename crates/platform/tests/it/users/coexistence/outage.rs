//! Redis away: what the old services answered then, and what must keep working (T-35).

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::TestRedis;

use super::Shared;
use crate::support::PASSWORD;
use crate::users::auth::{dump, form, log_in, me_status, refresh};

#[tokio::test]
async fn coexistence_without_redis_fails_as_the_old_side_did_and_keeps_access_tokens() {
    let server = tokio::task::spawn_blocking(TestRedis::start).await.unwrap();
    let shared = Shared::on(&server.url_of(0)).await;
    let app = &shared.app;
    let ada = app.admin("ada@example.com").await;
    tokio::task::spawn_blocking(|| drop(server)).await.unwrap();

    let before = dump(app).await;
    let began = Instant::now();
    log_in(app, "ada@example.com", PASSWORD).await.expect_error(500, "Login failed", "INTERNAL_ERROR");
    refresh(app, &ada.refresh_token).await.expect_error(500, "Token refresh failed", "INTERNAL_ERROR");
    let answer = app.http.post("/auth/register").json(&form("new@example.com")).send().await;
    answer.expect_error(500, "Registration failed", "INTERNAL_ERROR");
    // Nobody is told that they are logged out while their tokens live.
    let body = json!({ "refresh_token": ada.refresh_token });
    app.http.post("/auth/logout").json(&body).send().await.expect(500);
    ada.http.post("/auth/logout").send().await.expect(500);
    // What was refused did not happen.
    assert_eq!(dump(app).await, before);

    assert_eq!(me_status(&ada).await, 200);
    ada.http.post("/auth/validate").send().await.expect(200);
    ada.http.put("/users/me").json(&json!({ "bio": "x" })).send().await.expect(200);
    ada.http.get("/users").send().await.expect(200);
    log_in(app, "ada@example.com", "wrong password").await.expect(401);
    assert!(began.elapsed() < Duration::from_secs(10), "nobody waits for a Redis that is away");
    assert_eq!(ada.http.get("/users/me").send().await.expect(200).body["bio"], "x");
}

#[tokio::test]
async fn coexistence_without_redis_changes_the_password_only_if_the_tokens_die() {
    let server = tokio::task::spawn_blocking(TestRedis::start).await.unwrap();
    let shared = Shared::on(&server.url_of(0)).await;
    let ada = shared.app.admin("ada@example.com").await;
    tokio::task::spawn_blocking(|| drop(server)).await.unwrap();
    let before = dump(&shared.app).await;
    let body = json!({ "current_password": PASSWORD, "new_password": "another one" });
    let answer = ada.http.post("/auth/change-password").json(&body).send().await;
    answer.expect_error(500, "Password change failed", "INTERNAL_ERROR");
    assert_eq!(me_status(&ada).await, 200);
    assert_eq!(dump(&shared.app).await, before);
}
