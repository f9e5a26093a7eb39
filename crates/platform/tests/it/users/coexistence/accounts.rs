//! Accounts and passwords that the old services can read.

use serde_json::json;

use super::Shared;
use crate::support::{PASSWORD, stable};
use crate::users::auth::{
    at_once, count, dump, form, log_in, me_status, refresh, rows, set_hash, switch_off, user_row, with,
};

#[tokio::test]
async fn coexistence_passwords_are_stored_as_bcrypt_2a_10() {
    let shared = Shared::new().await;
    let app = &shared.app;
    let admin = app.admin("admin@example.com").await;
    app.member(&admin, "member@example.com").await;
    app.super_admin().await;
    let body = json!({ "current_password": PASSWORD, "new_password": "another one" });
    admin.http.post("/auth/change-password").json(&body).send().await.expect(200);
    for (email, password) in
        [("admin@example.com", "another one"), ("member@example.com", PASSWORD), ("root@example.com", PASSWORD)]
    {
        let hash = user_row(app, email).await["password_hash"].as_str().unwrap().to_owned();
        assert!(hash.starts_with("$2a$10$") && hash.len() == 60, "{email}: {hash}");
        assert!(bcrypt::verify(password, &hash).unwrap());
    }
}

/// The old services know no seats, so beside them nobody is refused for want of one (T-48).
#[tokio::test]
async fn coexistence_seats_are_advisory() {
    let shared = Shared::new().await;
    let app = &shared.app;
    let admin = app.admin("admin@example.com").await;
    app.old_people(&admin.tenant, 1, 8).await;
    let member = app.member(&admin, "member@example.com").await;
    let path = format!("/users/{}", member.id);
    admin.http.post(&format!("{path}/deactivate")).send().await.expect(200);
    admin.http.post(&format!("{path}/reactivate")).send().await.expect(200);
    admin.http.delete(&path).send().await.expect(200);
    admin.http.post(&format!("{path}/restore")).send().await.expect(200);
}

/// The old services could not read what a rehash would write, in whatever scheme the hash is.
#[tokio::test]
async fn coexistence_login_never_rehashes() {
    let shared = Shared::new().await;
    shared.app.admin("ada@example.com").await;
    let parts = bcrypt::hash_with_salt(PASSWORD, 4, [1; 16]).unwrap();
    let mut hashes: Vec<String> = [bcrypt::Version::TwoA, bcrypt::Version::TwoB, bcrypt::Version::TwoY]
        .map(|version| parts.format_for_version(version))
        .to_vec();
    hashes.push(bcrypt::hash_with_salt(PASSWORD, 12, [1; 16]).unwrap().to_string());
    for hash in hashes {
        set_hash(&shared.app, "ada@example.com", &hash).await;
        log_in(&shared.app, "ada@example.com", PASSWORD).await.expect(200);
        assert_eq!(user_row(&shared.app, "ada@example.com").await["password_hash"], hash);
        log_in(&shared.app, "ada@example.com", "wrong password").await.expect(401);
    }
}

#[tokio::test]
async fn coexistence_login_refusals_are_the_same() {
    let shared = Shared::new().await;
    shared.app.admin("ada@example.com").await;
    let refused = "Invalid email/username or password";
    for (name, password) in [("ada@example.com", ""), ("ada@example.com", "wrong"), ("nobody", PASSWORD)] {
        log_in(&shared.app, name, password).await.expect_error(401, refused, "UNAUTHORIZED");
    }
    switch_off(&shared.app, "ada@example.com").await;
    let answer = log_in(&shared.app, "ada@example.com", PASSWORD).await;
    answer.expect_error(403, "Account is not active", "FORBIDDEN");
    set_hash(&shared.app, "ada@example.com", "!").await;
    log_in(&shared.app, "ada@example.com", "!").await.expect_error(401, refused, "UNAUTHORIZED");
}

#[tokio::test]
async fn coexistence_passwords_over_72_bytes_are_refused() {
    let shared = Shared::new().await;
    let app = &shared.app;
    let ada = app.admin("ada@example.com").await;
    let before = dump(app).await;
    for password in ["x".repeat(73), "å".repeat(37), "x".repeat(1024)] {
        let body = with(form("new@example.com"), &json!({ "password": password }));
        let answer = app.http.post("/auth/register").json(&body).send().await;
        answer.expect_error(400, "Password is too long", "VALIDATION_ERROR");
        let body = json!({ "current_password": PASSWORD, "new_password": password });
        let answer = ada.http.post("/auth/change-password").json(&body).send().await;
        answer.expect_error(400, "Password is too long", "VALIDATION_ERROR");
    }
    assert_eq!(dump(app).await, before);
    // All 72 count.
    let longest = "y".repeat(72);
    let body = with(form("new@example.com"), &json!({ "password": longest }));
    app.http.post("/auth/register").json(&body).send().await.expect(201);
    log_in(app, "new@example.com", &longest).await.expect(200);
    log_in(app, "new@example.com", &longest[..71]).await.expect(401);
}

/// A bare tenant id lets a person in, as on the old side, with the least role.
#[tokio::test]
async fn coexistence_register_joins_a_named_tenant_as_user() {
    let shared = Shared::new().await;
    let app = &shared.app;
    let admin = app.admin("admin@example.com").await;
    let body = with(form("joins@example.com"), &json!({ "tenant_id": admin.tenant, "role": "admin" }));
    let answer = app.http.post("/auth/register").json(&body).send().await.expect(201);
    assert_eq!((&answer.body["tenant_id"], &answer.body["role"]), (&json!(admin.tenant), &json!("user")));
    insta::assert_json_snapshot!(stable(&answer.body));
    assert_eq!(rows(&dump(app).await, &["users", "user_profiles", "tenants"]), [2, 2, 1]);

    // Even one that no row stands for (T-53), and without one the person founds their own.
    let orphan = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
    let body = with(form("orphan@example.com"), &json!({ "tenant_id": orphan }));
    let answer = app.http.post("/auth/register").json(&body).send().await.expect(201);
    assert_eq!((&answer.body["tenant_id"], &answer.body["role"]), (&json!(orphan), &json!("user")));
    let answer = app.http.post("/auth/register").json(&form("founder@example.com")).send().await.expect(201);
    assert_eq!(answer.body["role"], "admin");
    assert_eq!(rows(&dump(app).await, &["tenants"]), [2]);

    let before = dump(app).await;
    let body = with(form("bad@example.com"), &json!({ "tenant_id": "no-uuid" }));
    let answer = app.http.post("/auth/register").json(&body).send().await;
    answer.expect_error(400, "Invalid request body", "VALIDATION_ERROR");
    assert_eq!(dump(app).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn coexistence_register_race_has_one_winner() {
    let shared = Shared::new().await;
    let app = &shared.app;
    let answers = at_once((0..16).map(|_| app.http.post("/auth/register").json(&form("ada@example.com")))).await;
    assert_eq!((count(&answers, 201), count(&answers, 409)), (1, 15));
    assert_eq!(rows(&dump(app).await, &["users", "user_profiles", "tenants"]), [1; 3]);
    let tokens = shared.keys().await.into_keys().filter(|key| key.starts_with("refresh_token:")).count();
    assert_eq!(tokens, 1);
}

/// Without a session to hang on, the row alone decides.
#[tokio::test]
async fn coexistence_switching_off_ends_access_tokens_at_once() {
    let shared = Shared::new().await;
    let ada = shared.app.admin("ada@example.com").await;
    assert_eq!(me_status(&ada).await, 200);
    switch_off(&shared.app, "ada@example.com").await;
    assert_eq!(me_status(&ada).await, 401);
    refresh(&shared.app, &ada.refresh_token).await.expect(401);
}
