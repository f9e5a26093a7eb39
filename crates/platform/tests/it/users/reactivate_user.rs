//! `POST /users/{id}/reactivate`

use axum::http::Method;
use serde_json::json;

use crate::fixtures::{NOBODY, Refusals};
use crate::support::{Person, TestApp};

fn refusals<'a>(app: &'a TestApp, target: &Person) -> Refusals<'a> {
    Refusals { app, method: Method::POST, path: format!("/users/{}/reactivate", target.id), body: None }
}

async fn with_member_off(app: &TestApp) -> (Person, Person, Person) {
    let (admin, member, stranger) = app.cast().await;
    admin.http.post(&format!("/users/{}/deactivate", member.id)).send().await.expect(200);
    (admin, member, stranger)
}

#[tokio::test]
async fn reactivate_user_logged_out() {
    let app = TestApp::new().await;
    let (_, member, _) = with_member_off(&app).await;
    refusals(&app, &member).logged_out("User ID not found in request").await;
    refusals(&app, &member).expect(&member.http, 401, "Invalid or expired token", "UNAUTHORIZED").await;
}

#[tokio::test]
async fn reactivate_user_other_tenant() {
    let app = TestApp::new().await;
    let (_, member, stranger) = with_member_off(&app).await;
    refusals(&app, &member).expect(&stranger.http, 403, "Access denied", "FORBIDDEN").await;
}

#[tokio::test]
async fn reactivate_user_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = with_member_off(&app).await;
    let other = app.member(&admin, "joan@example.com").await;
    refusals(&app, &member).expect(&other.http, 403, "Access denied", "FORBIDDEN").await;
}

#[tokio::test]
async fn reactivate_user_success_lets_the_person_log_in_again() {
    let app = TestApp::new().await;
    let (admin, member, _) = with_member_off(&app).await;
    let answer = admin.http.post(&format!("/api/v1/users/{}/reactivate", member.id)).send().await.expect(200);
    assert_eq!((answer.text("id"), &answer.body["is_active"]), (member.id.clone(), &json!(true)));
    // The log-ins of before were ended, not suspended.
    member.http.get("/users/me").send().await.expect(401);
    let body = json!({ "refresh_token": member.refresh_token });
    app.http.post("/auth/refresh").json(&body).send().await.expect(401);
    app.login(&member.email).await.http.get("/users/me").send().await.expect(200);
}

#[tokio::test]
async fn reactivate_user_repeated() {
    let app = TestApp::new().await;
    let (admin, member, _) = with_member_off(&app).await;
    let path = format!("/users/{}/reactivate", member.id);
    let first = admin.http.post(&path).send().await.expect(200);
    assert_eq!(admin.http.post(&path).send().await.expect(200).body, first.body);
}

#[tokio::test]
async fn reactivate_user_not_found() {
    let app = TestApp::new().await;
    let (admin, member, _) = with_member_off(&app).await;
    admin.http.delete(&format!("/users/{}", member.id)).send().await.expect(200);
    // Switching on is not a way around restoring.
    for id in [NOBODY, "x", &member.id] {
        let refusals = Refusals { path: format!("/users/{id}/reactivate"), ..refusals(&app, &member) };
        refusals.expect(&admin.http, 404, "User not found", "NOT_FOUND").await;
    }
}
