//! `POST /auth/validate`

use jiff::SignedDuration;
use serde_json::json;

use super::auth::{mark_deleted, switch_off};
use crate::support::{TestApp, stable};

#[tokio::test]
async fn validate_success_by_header() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    for path in ["/auth/validate", "/auth/verify"] {
        let answer = ada.http.post(path).send().await.expect(200);
        insta::assert_json_snapshot!("validate_success", stable(&answer.body));
    }
    // The body counts for nothing beside the header.
    let ignored = ada.http.post("/auth/validate").json(&json!({ "token": "x" })).send().await.expect(200);
    assert_eq!(ignored.body["valid"], true);
    let unreadable = ada.http.post("/auth/validate").body("application/json", "{").send().await.expect(200);
    assert_eq!(unreadable.body["valid"], true);
}

#[tokio::test]
async fn validate_success_by_body() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let body = json!({ "token": ada.access_token });
    let answer = app.http.post("/auth/validate").json(&body).send().await.expect(200);
    insta::assert_json_snapshot!("validate_success", stable(&answer.body));
}

/// T-25: header problems are 400 here, and a bad token 401.
#[tokio::test]
async fn validate_logged_out() {
    let app = TestApp::new().await;
    let nothing = app.http.post("/auth/validate").send().await;
    nothing.expect_error(400, "Missing Authorization header", "VALIDATION_ERROR");
    for header in ["", "Bearer", "Bearer ", "Basic YTpi", "a.b.c", "Bearer a b", "Token a.b.c"] {
        let answer = app.http.post("/auth/validate").header("authorization", header).send().await;
        answer.expect_error(400, "Invalid Authorization header format", "VALIDATION_ERROR");
    }
    let bad = app.http.with_bearer("a.b.c").post("/auth/validate").send().await;
    bad.expect_error(401, "Invalid token", "UNAUTHORIZED");
}

#[tokio::test]
async fn validate_invalid_body() {
    let app = TestApp::new().await;
    for body in ["{", "[]", "{}", r#"{"token": 7}"#, r#"{"token": null}"#] {
        let answer = app.http.post("/auth/validate").body("application/json", body).send().await;
        answer.expect_error(400, "Missing Authorization header", "VALIDATION_ERROR");
    }
    for token in ["", "x", "a.b.c"] {
        let answer = app.http.post("/auth/validate").json(&json!({ "token": token })).send().await.expect(200);
        assert_eq!(answer.body, json!({ "valid": false }));
    }
}

/// Once the person or the log-in is gone, neither way says that the token is good.
#[tokio::test]
async fn validate_refused_when_nothing_stands_behind_the_token() {
    let app = TestApp::new().await;
    let people = [
        app.admin("off@example.com").await,
        app.admin("gone@example.com").await,
        app.admin("out@example.com").await,
        app.admin("old@example.com").await,
    ];
    switch_off(&app, "off@example.com").await;
    mark_deleted(&app, "gone@example.com").await;
    people[2].http.post("/auth/logout").send().await.expect(200);
    for (number, person) in people.iter().enumerate() {
        if number == 3 {
            person.http.post("/auth/validate").send().await.expect(200);
            app.clock.advance(SignedDuration::from_hours(24));
        }
        person.http.post("/auth/validate").send().await.expect_error(401, "Invalid token", "UNAUTHORIZED");
        let body = json!({ "token": person.access_token });
        let answer = app.http.post("/auth/validate").json(&body).send().await.expect(200);
        assert_eq!(answer.body, json!({ "valid": false }));
    }
}
