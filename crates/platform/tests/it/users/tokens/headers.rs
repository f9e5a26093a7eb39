//! The ways in which clients spell the `Authorization` header (T-33).

use crate::support::TestApp;

const FORMAT: &str = "Invalid Authorization header format";

#[tokio::test]
async fn header_accepts_any_case_and_several_spaces() {
    let app = TestApp::new().await;
    let token = app.admin("ada@example.com").await.access_token;
    for header in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER {token}"),
        format!("bEaReR {token}"),
        format!("Bearer    {token}"),
        format!("  Bearer {token}  "),
    ] {
        for path in ["/auth/me", "/users/me"] {
            app.http.get(path).header("authorization", &header).send().await.expect(200);
        }
    }
}

#[tokio::test]
async fn header_with_a_bare_token_is_for_the_other_services_paths_only() {
    let app = TestApp::new().await;
    let token = app.admin("ada@example.com").await.access_token;
    app.http.get("/users/me").header("authorization", &token).send().await.expect(200);
    for path in ["/auth/me", "/api/v1/auth/profile", "/auth/sessions"] {
        let answer = app.http.get(path).header("authorization", &token).send().await;
        answer.expect_error(401, FORMAT, "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn header_malformed_is_refused_with_the_old_text() {
    let app = TestApp::new().await;
    let token = app.admin("ada@example.com").await.access_token;
    for header in [
        String::new(),
        " ".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "bearer  ".to_owned(),
        "Basic YTpi".to_owned(),
        format!("Token {token}"),
        format!("JWT {token}"),
        format!("Bearer: {token}"),
        format!("Bearer, {token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer Bearer {token}"),
        format!("Bearer \"{token}\" x"),
        format!("{token} Bearer"),
    ] {
        for path in ["/auth/me", "/users/me"] {
            let answer = app.http.get(path).header("authorization", &header).send().await;
            println!("{header:?}");
            answer.expect_error(401, FORMAT, "UNAUTHORIZED");
        }
    }
}

/// Only the first of two headers would be read by some and the last by others.
#[tokio::test]
async fn header_given_twice_lets_nobody_choose() {
    let app = TestApp::new().await;
    let token = app.admin("ada@example.com").await.access_token;
    let request = app.http.get("/auth/me").header("authorization", "Bearer a.b.c");
    request.header("authorization", &format!("Bearer {token}")).send().await.expect(401);
}

/// T-32: the old services' identity headers mean nothing without the internal key.
#[tokio::test]
async fn header_of_the_gateway_alone_is_nobody() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let request = || app.http.get("/users/me").header("x-user-id", &ada.id).header("x-tenant-id", &ada.tenant);
    request().send().await.expect_error(401, "User ID not found in request", "UNAUTHORIZED");
    for key in ["", "x", "any key", &crate::support::INTERNAL_KEY[1..]] {
        request().header("x-api-key", key).send().await.expect_error(401, "Invalid API key", "UNAUTHORIZED");
    }
}
