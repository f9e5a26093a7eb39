//! Access and refresh tokens (contract 1.1.3, 3.1, 3.2).

use jsonwebtoken::Algorithm;
use redis::AsyncCommands as _;
use serde_json::{Value, json};

use super::scene::{PASSWORD, Scene, has_fields, refuses, signed};
use crate::client::Request;

const ID: &str = "00000000-0000-4000-8000-000000000201";
const REFUSED: &str = "Invalid or expired refresh token";

pub(super) async fn all(scene: &Scene) {
    scene.account(ID, "tokens@example.com", "").await;
    let login = json!({ "email": "tokens@example.com", "password": PASSWORD });
    let pair = scene.http.auth.post("/auth/login").json(&login).send().await.expect(200);
    refresh_tokens(scene, &pair.text("refresh_token")).await;
    validation(scene, &pair.text("access_token")).await;
}

fn refresh(scene: &Scene, token: &str) -> Request {
    scene.http.auth.post("/auth/refresh").json(&json!({ "refresh_token": token }))
}

async fn refresh_tokens(scene: &Scene, token: &str) {
    let http = &scene.http.auth;
    assert!(token.len() == 44 && token.ends_with('='), "{token}");
    let mut redis = scene.redis().await;
    let (key, set) = (format!("refresh_token:{token}"), format!("user_tokens:{ID}"));
    let owner: String = redis.get(&key).await.expect("a key");
    assert_eq!(owner, ID);
    assert!(redis.sismember::<_, _, bool>(&set, token).await.expect("a set"));
    for key in [&key, &set] {
        let left: i64 = redis.ttl(key).await.expect("a key");
        assert!((604_740..=604_800).contains(&left), "{key}: {left} s");
    }

    refuses(http.post("/auth/refresh"), 400, "Invalid request body").await;
    for token in ["", "unknown"] {
        refuses(refresh(scene, token), 401, REFUSED).await;
    }
    let next = refresh(scene, token).send().await.expect(200);
    has_fields(&next.body, &["access_token", "refresh_token", "token_type", "expires_in"]);
    refuses(refresh(scene, token), 401, REFUSED).await;
    let blacklisted: String = redis.get(format!("blacklist_token:{token}")).await.expect("a key");
    assert_eq!(blacklisted, ID);
    assert!(!redis.exists::<_, bool>(&key).await.expect("an answer"));
    assert!(!redis.sismember::<_, _, bool>(&set, token).await.expect("a set"));

    // The blacklist is asked first, and an inactive or missing owner is a failure.
    let next = next.text("refresh_token");
    let active = |active| format!("UPDATE users SET is_active = {active} WHERE id = '{ID}'");
    scene.sql(&scene.places.auth, &active(false)).await;
    refuses(refresh(scene, &next), 500, "Token refresh failed").await;
    scene.sql(&scene.places.auth, &active(true)).await;
    redis.set::<_, _, ()>("refresh_token:orphan", "00000000-0000-4000-8000-000000000404").await.expect("a key");
    refuses(refresh(scene, "orphan"), 500, "Token refresh failed").await;
    redis.set::<_, _, ()>("blacklist_token:orphan", ID).await.expect("a key");
    refuses(refresh(scene, "orphan"), 401, REFUSED).await;

    let logout = |token: &str| http.post("/auth/logout").json(&json!({ "refresh_token": token }));
    refuses(http.post("/auth/logout"), 400, "Invalid request body").await;
    for token in [&next, &next, "unknown"] {
        let answer = logout(token).send().await.expect(200);
        assert_eq!(answer.body, json!({ "message": "Logged out successfully" }));
    }
    refuses(refresh(scene, &next), 401, REFUSED).await;
}

async fn validation(scene: &Scene, token: &str) {
    let http = &scene.http.auth;
    let validate = |header: String| http.post("/auth/validate").header("authorization", &header);
    let claims = validate(format!("Bearer {token}")).send().await.expect(200).body;
    let now = scene.now().as_second();
    assert_eq!(
        claims,
        json!({ "user_id": ID, "email": "tokens@example.com", "role": "user",
                "tenant_id": "00000000-0000-4000-9000-000000000001", "iat": now, "exp": now + 86_400 })
    );
    refuses(http.post("/auth/validate"), 400, "Missing Authorization header").await;
    for header in [format!("bearer {token}"), token.to_owned(), format!("Bearer  {token}")] {
        refuses(validate(header), 400, "Invalid Authorization header format").await;
    }
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    for token in [
        "x".to_owned(),
        signed(Algorithm::HS256, &with("exp", json!(now))),
        signed(Algorithm::HS384, &claims),
        signed(Algorithm::HS512, &claims),
    ] {
        refuses(validate(format!("Bearer {token}")), 401, "Invalid token").await;
    }
    for claims in [with("user_id", json!(7)), with("role", Value::Null)] {
        let token = signed(Algorithm::HS256, &claims);
        refuses(validate(format!("Bearer {token}")), 500, "Internal Server Error").await;
    }
    // Claims nobody knows are nobody's concern (T-29).
    let token = signed(Algorithm::HS256, &with("sub", json!(ID)));
    validate(format!("Bearer {token}")).send().await.expect(200);
}
