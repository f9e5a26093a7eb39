//! Log-ins: what is refused in one word, what is written, and what a write may lose (contract 1.1.3, 3.3, T-30).

use std::time::Duration;

use redis::AsyncCommands as _;
use serde_json::json;

use super::scene::{PASSWORD, Scene, has_fields, hash, refuses};
use crate::client::Request;

const WRONG: &str = "Invalid email/username or password";
const ID: &str = "00000000-0000-4000-8000-000000000101";

fn log_in(scene: &Scene, name: &str, password: &str) -> Request {
    scene.http.auth.post("/auth/login").json(&json!({ "email": name, "password": password }))
}

pub(super) async fn all(scene: &Scene) {
    refusals(scene).await;
    store_failure(scene).await;
    hashes(scene).await;
    lost_update(scene).await;
    let answer = scene.http.auth.post("/auth/login-skeleton").json(&json!({ "email": "x" })).send().await.expect(200);
    assert_eq!(answer.body, json!({ "token": "placeholder", "user": { "id": "1", "email": "x" } }));
}

async fn refusals(scene: &Scene) {
    scene.account(ID, "login@example.com", "").await;
    for (name, password) in
        [("login@example.com", "wrong"), ("login@example.com", ""), ("LOGIN@example.com", PASSWORD), ("x", PASSWORD)]
    {
        refuses(log_in(scene, name, password), 401, WRONG).await;
    }
    let answer = log_in(scene, "login@example.com", PASSWORD).send().await.expect(200);
    has_fields(&answer.body, &["access_token", "refresh_token", "token_type", "expires_in"]);
    assert_eq!((&answer.body["token_type"], &answer.body["expires_in"]), (&json!("Bearer"), &json!(86_400)));
    let at = format!("SELECT to_char(last_login_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') FROM users WHERE id = '{ID}'");
    assert_eq!(scene.value(&scene.places.auth, &at).await.as_deref(), Some("2026-03-01"));
    // A user name is compared with the address; the address wins.
    let by_name = |body| scene.http.auth.post("/auth/login").json(&body);
    by_name(json!({ "username": "login@example.com", "password": PASSWORD })).send().await.expect(200);
    let both = json!({ "username": "login@example.com", "email": "x", "password": PASSWORD });
    refuses(by_name(both), 401, WRONG).await;

    let set = async |change: &str| {
        scene.sql(&scene.places.auth, &format!("UPDATE users SET {change} WHERE id = '{ID}'")).await;
    };
    set("is_active = false").await;
    refuses(log_in(scene, "login@example.com", PASSWORD), 403, "Account is not active").await;
    refuses(log_in(scene, "login@example.com", "wrong"), 401, WRONG).await;
    set("is_active = NULL").await;
    refuses(log_in(scene, "login@example.com", PASSWORD), 401, WRONG).await;
    set("is_active = true").await;
    log_in(scene, "login@example.com", PASSWORD).send().await.expect(200);
}

/// A right password whose refresh token cannot be stored.
async fn store_failure(scene: &Scene) {
    let mut redis = scene.redis().await;
    let key = format!("user_tokens:{ID}");
    redis.set::<_, _, ()>(&key, "no set").await.expect("a key");
    refuses(log_in(scene, "login@example.com", PASSWORD), 500, "Login failed").await;
    redis.del::<_, ()>(&key).await.expect("an answer");
}

/// Every prefix; only 72 bytes are looked at; what is no hash matches nothing.
async fn hashes(scene: &Scene) {
    let set = async |hash: &str| {
        scene.sql(&scene.places.auth, &format!("UPDATE users SET password_hash = '{hash}' WHERE id = '{ID}'")).await;
    };
    for version in [bcrypt::Version::TwoA, bcrypt::Version::TwoB, bcrypt::Version::TwoY] {
        set(&hash("another one", version)).await;
        log_in(scene, "login@example.com", "another one").send().await.expect(200);
    }
    let long = "y".repeat(72);
    set(&hash(&long, bcrypt::Version::TwoA)).await;
    log_in(scene, "login@example.com", &format!("{long}z")).send().await.expect(200);
    for hash in ["!", "", "$2a$10$short", &"x".repeat(62)] {
        set(hash).await;
        refuses(log_in(scene, "login@example.com", "another one"), 401, WRONG).await;
    }
}

/// What changed between a log-in's read and its write is undone by it (T-30).
async fn lost_update(scene: &Scene) {
    let hashed = hash(PASSWORD, bcrypt::Version::TwoA);
    scene.sql(&scene.places.auth, &format!("UPDATE users SET password_hash = '{hashed}' WHERE id = '{ID}'")).await;
    let shut = scene.legacy.login_gate.shut().await;
    let login = tokio::spawn(log_in(scene, "login@example.com", PASSWORD).send());
    while scene.legacy.login_gate.waiting() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let change = format!("UPDATE users SET role = 'admin', is_active = false WHERE id = '{ID}'");
    scene.sql(&scene.places.auth, &change).await;
    drop(shut);
    login.await.expect("an answer").expect(200);
    let row = format!("SELECT role || ' ' || is_active FROM users WHERE id = '{ID}'");
    assert_eq!(scene.value(&scene.places.auth, &row).await.as_deref(), Some("user true"));
}
