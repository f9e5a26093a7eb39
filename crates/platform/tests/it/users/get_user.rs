//! `GET /users/{id}`

use axum::http::Method;

use crate::fixtures::{NOBODY, Refusals};
use crate::support::TestApp;

#[tokio::test]
async fn get_user_logged_out() {
    let app = TestApp::new().await;
    let path = format!("/users/{NOBODY}");
    Refusals { app: &app, method: Method::GET, path, body: None }.logged_out("User ID not found in request").await;
}

#[tokio::test]
async fn get_user_success_shows_own_account_and_people_of_the_tenant() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    for reader in [&admin, &member] {
        for id in [&admin.id, &member.id] {
            let answer = reader.http.get(&format!("/api/v1/users/{id}")).send().await.expect(200);
            assert_eq!(answer.text("id"), *id);
        }
    }
    let answer = admin.http.get(&format!("/users/{}", member.id)).send().await.expect(200);
    insta::assert_json_snapshot!(crate::support::stable(&answer.body));
    // The id in upper case is the same id.
    member.http.get(&format!("/users/{}", admin.id.to_uppercase())).send().await.expect(200);
    // A super admin reaches everybody.
    app.super_admin().await.http.get(&format!("/users/{}", member.id)).send().await.expect(200);
}

#[tokio::test]
async fn get_user_other_tenant() {
    let app = TestApp::new().await;
    let (_, member, stranger) = app.cast().await;
    let path = format!("/users/{}", member.id);
    let refusals = Refusals { app: &app, method: Method::GET, path, body: None };
    refusals.expect(&stranger.http, 403, "Access denied", "FORBIDDEN").await;
}

#[tokio::test]
async fn get_user_not_found() {
    let app = TestApp::new().await;
    let (admin, _, _) = app.cast().await;
    // What is no UUID names nobody (T-01).
    for id in [NOBODY, "7", "abc", "%20", "%F0%9F%92%A9", "00000000000000000000", "..%2Fme", "%00"] {
        let answer = admin.http.get(&format!("/users/{id}")).send().await;
        answer.expect_error(404, "User not found", "NOT_FOUND");
    }
}

#[tokio::test]
async fn get_user_deleted_is_gone_for_everybody_but_admins() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let other = app.member(&admin, "joan@example.com").await;
    admin.http.delete(&format!("/users/{}", member.id)).send().await.expect(200);
    let path = format!("/users/{}", member.id);
    other.http.get(&path).send().await.expect_error(404, "User not found", "NOT_FOUND");
    let answer = admin.http.get(&path).send().await.expect(200);
    assert_eq!(answer.text("deleted_at"), "2026-03-01T12:00:00.123456Z");
}

#[tokio::test]
async fn get_user_reads_rows_with_nulls_and_without_profile() {
    let app = TestApp::new().await;
    let (admin, _, _) = app.cast().await;
    app.sql(&format!(
        "INSERT INTO users (id, email, password_hash, first_name, last_name, tenant_id, is_active, email_verified,
                            created_at, updated_at)
         VALUES ('{NOBODY}', 'old@example.com', 'x', 'Old', 'Row', '{}', NULL, NULL, NULL, NULL)",
        admin.tenant
    ))
    .await;
    let path = format!("/users/{NOBODY}");
    let bare = admin.http.get(&path).send().await.expect(200);
    insta::assert_json_snapshot!("get_user_of_a_row_without_profile", crate::support::stable(&bare.body));

    app.sql(&format!(
        "INSERT INTO user_profiles (id, user_id, email, first_name, last_name, tenant_id, is_active, email_verified,
             phone_verified, preferences, metadata, created_at, updated_at)
         VALUES ('{NOBODY}', '{NOBODY}', 'old@example.com', '', '', '{}', NULL, NULL, NULL, 'null', NULL, NULL, NULL)",
        admin.tenant
    ))
    .await;
    let nulls = admin.http.get(&path).send().await.expect(200);
    assert_eq!(nulls.body, bare.body, "a profile of NULLs reads like none");
    for odd in ["[]", "7", "\"text\"", "null"] {
        app.sql(&format!("UPDATE user_profiles SET preferences = '{odd}', metadata = '{odd}'")).await;
        let answer = admin.http.get(&path).send().await.expect(200);
        assert_eq!(answer.body, bare.body, "{odd} is no object");
    }
}
