//! `GET /auth/sessions` and `DELETE /auth/sessions/{id}`

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::auth::{dump, me_status, refresh, refuses_strangers};
use crate::support::{PASSWORD, Person, TestApp, stable};

async fn sessions(person: &Person) -> Vec<Value> {
    let answer = person.http.get("/auth/sessions").send().await.expect(200);
    answer.body["sessions"].as_array().unwrap().clone()
}

/// The id of the session that the person's client is in.
async fn current(person: &Person) -> String {
    let all = sessions(person).await;
    let mut current = all.iter().filter(|session| session["current"] == true);
    let id = current.next().unwrap()["id"].as_str().unwrap().to_owned();
    assert!(current.next().is_none(), "one session is the current one");
    id
}

#[tokio::test]
async fn list_sessions_success() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    app.clock.advance(SignedDuration::from_secs(60));
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let browser = app.http.post("/auth/login").header("user-agent", "Mozilla/5.0 (X11; Linux x86_64)").json(&login);
    browser.send().await.expect(200);
    app.clock.advance(SignedDuration::from_secs(60));
    let long = app.http.post("/auth/login").header("user-agent", &"x".repeat(600)).json(&login);
    long.send().await.expect(200);
    app.clock.advance(SignedDuration::from_secs(60));
    refresh(&app, &ada.refresh_token).await.expect(200);
    let answer = ada.http.get("/auth/sessions").send().await.expect(200);
    insta::assert_json_snapshot!(stable(&answer.body));
}

#[tokio::test]
async fn list_sessions_success_shows_only_open_ones() {
    let app = TestApp::new().await;
    let (ada, second, third) =
        (app.admin("ada@example.com").await, app.login("ada@example.com").await, app.login("ada@example.com").await);
    let body = json!({ "refresh_token": second.refresh_token });
    app.http.post("/auth/logout").json(&body).send().await.expect(200);
    assert_eq!(sessions(&ada).await.len(), 2);
    app.clock.advance(SignedDuration::from_hours(6 * 24));
    let answer = refresh(&app, &third.refresh_token).await.expect(200);
    app.clock.advance(SignedDuration::from_hours(24));
    let third = app.http.with_bearer(&answer.text("access_token"));
    // The token expires this very second; the next is asked for.
    third.get("/auth/sessions").send().await.expect(401);
    let answer = refresh(&app, &answer.text("refresh_token")).await.expect(200);
    let third = app.http.with_bearer(&answer.text("access_token"));
    let open = third.get("/auth/sessions").send().await.expect(200);
    assert_eq!(open.body["sessions"].as_array().unwrap().len(), 1, "the first expired unused");
}

#[tokio::test]
async fn list_sessions_logged_out() {
    let app = TestApp::new().await;
    refuses_strangers(&app, "Unauthorized", "Unauthorized", || app.http.get("/auth/sessions")).await;
}

#[tokio::test]
async fn list_sessions_other_tenant_and_other_person_are_invisible() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    let member = app.member(&admin, "member@example.com").await;
    let stranger = app.admin("stranger@example.com").await;
    let root = app.super_admin().await;
    for person in [&admin, &member, &stranger, &root] {
        assert_eq!(sessions(person).await.len(), 1, "{}", person.email);
    }
}

#[tokio::test]
async fn revoke_session_success() {
    let app = TestApp::new().await;
    let (ada, elsewhere) = (app.admin("ada@example.com").await, app.login("ada@example.com").await);
    let path = format!("/auth/sessions/{}", current(&elsewhere).await);
    let answer = ada.http.delete(&path).send().await.expect(200);
    assert_eq!(answer.body, json!({ "message": "Session revoked successfully" }));
    assert_eq!((me_status(&ada).await, me_status(&elsewhere).await), (200, 401));
    refresh(&app, &elsewhere.refresh_token).await.expect(401);
    refresh(&app, &ada.refresh_token).await.expect(200);
    assert_eq!(sessions(&ada).await.len(), 1);
    // The own one: as good as logging out.
    let path = format!("/auth/sessions/{}", current(&ada).await);
    ada.http.delete(&path).send().await.expect(200);
    assert_eq!(me_status(&ada).await, 401);
}

#[tokio::test]
async fn revoke_session_repeated() {
    let app = TestApp::new().await;
    let (ada, elsewhere) = (app.admin("ada@example.com").await, app.login("ada@example.com").await);
    let path = format!("/auth/sessions/{}", current(&elsewhere).await);
    ada.http.delete(&path).send().await.expect(200);
    let before = dump(&app).await;
    ada.http.delete(&path).send().await.expect_error(404, "Session not found", "NOT_FOUND");
    assert_eq!(dump(&app).await, before);
}

#[tokio::test]
async fn revoke_session_logged_out() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let path = format!("/auth/sessions/{}", current(&ada).await);
    refuses_strangers(&app, "Unauthorized", "Unauthorized", || app.http.delete(&path)).await;
}

/// Not even an admin ends somebody else's log-in here, and nobody learns that it exists.
#[tokio::test]
async fn revoke_session_other_tenant_and_other_person() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    let member = app.member(&admin, "member@example.com").await;
    let stranger = app.admin("stranger@example.com").await;
    let root = app.super_admin().await;
    let path = format!("/auth/sessions/{}", current(&member).await);
    let before = dump(&app).await;
    for person in [&admin, &stranger, &root] {
        person.http.delete(&path).send().await.expect_error(404, "Session not found", "NOT_FOUND");
    }
    for id in ["no-uuid", "00000000-0000-0000-0000-000000000000", "%00", "1"] {
        let answer = member.http.delete(&format!("/auth/sessions/{id}")).send().await;
        answer.expect_error(404, "Session not found", "NOT_FOUND");
    }
    assert_eq!(dump(&app).await, before);
    assert_eq!(me_status(&member).await, 200);
}
