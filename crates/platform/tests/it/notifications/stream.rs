//! `GET /notifications/stream`: what a client sees.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::timeout;

use super::reader::{Reader, open, serve, tell};
use crate::support::{INTERNAL_KEY, Person, TestApp, stable};

#[tokio::test]
async fn stream_notifications_logged_out() {
    let app = TestApp::new().await;
    for path in ["/notifications/stream", "/api/v1/notifications/stream", "/user/notifications/stream"] {
        let answer = app.http.get(path).send().await;
        answer.expect_error(401, "Missing Authorization header", "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn stream_notifications_of_a_service_that_names_nobody_is_refused() {
    let app = TestApp::new().await;
    let request = app.http.get("/notifications/stream").header("x-api-key", INTERNAL_KEY);
    request.send().await.expect_error(401, "Missing authentication context", "UNAUTHORIZED");
}

#[tokio::test]
async fn stream_notifications_other_tenant() {
    let app = TestApp::new().await;
    let (admin, member, stranger) = app.cast().await;
    let _serving = serve(&app).await;
    let (mut member_stream, mut stranger_stream) = (open(&member, Some(0)).await, open(&stranger, Some(0)).await);
    tell(&admin, "for the admin").await;
    tell(&stranger, "for the stranger").await;
    tell(&member, "for the member").await;
    for (stream, person, title) in
        [(&mut member_stream, &member, "for the member"), (&mut stranger_stream, &stranger, "for the stranger")]
    {
        let event = stream.notification().await;
        assert_eq!((&event.data["title"], &event.data["user_id"]), (&json!(title), &json!(person.id)));
        assert!(stream.rest().await.unwrap().iter().all(|event| event.name == "unread"), "nothing else");
    }
}

#[tokio::test]
async fn stream_notifications_success() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let _serving = serve(&app).await;
    tell(&admin, "history").await;
    let response = admin.http.get("/api/v1/user/notifications/stream").open().await;
    for (name, value) in
        [("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no")]
    {
        assert_eq!(response.headers()[name], value);
    }
    let mut stream = Reader::of(response);
    assert_eq!(stream.unread().await, 1);
    assert_eq!(stream.rest().await, Some(Vec::new()), "no history");

    let id = tell(&admin, "news").await;
    let event = stream.soon().await;
    assert_eq!((event.name.as_str(), event.id, &event.data["id"]), ("notification", Some(2), &json!(id)));
    let stored = admin.http.get(&format!("/notifications/{id}")).send().await.expect(200);
    assert_eq!(event.data, stored.body);
    insta::assert_json_snapshot!(stable(&event.data));
    assert_eq!(stream.unread().await, 2);

    admin.http.put(&format!("/notifications/{id}/read")).send().await.expect(204);
    assert_eq!(stream.unread().await, 1);
    admin.http.put("/notifications/read-all").send().await.expect(204);
    assert_eq!(stream.unread().await, 0);
    assert_eq!(stream.rest().await, Some(Vec::new()));
}

#[tokio::test]
async fn stream_notifications_resumes_after_the_last_event() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let _serving = serve(&app).await;
    for number in 1..=120 {
        tell(&admin, &format!("{number}")).await;
    }
    // More than one page, in order and each once.
    let mut stream = open(&admin, Some(7)).await;
    for number in 8..=120 {
        let event = stream.notification().await;
        assert_eq!((event.id, &event.data["title"]), (Some(number), &json!(number.to_string())));
    }
    // Where headers cannot be set; the header counts when both are there, since it is newer.
    let request = admin.http.get("/notifications/stream?last_event_id=118");
    assert_eq!(Reader::of(request.open().await).notification().await.id, Some(119));
    let request = admin.http.get("/notifications/stream?last_event_id=1").header("last-event-id", "119");
    assert_eq!(Reader::of(request.open().await).notification().await.id, Some(120));
    // A number from elsewhere does not hide what comes.
    let mut stream = open(&admin, Some(i64::MAX)).await;
    tell(&admin, "next").await;
    assert_eq!(stream.notification().await.id, Some(121));
}

#[tokio::test]
async fn stream_notifications_after_no_number_is_refused() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    for value in ["x", "-1", "1.5", "9223372036854775808", "1 "] {
        let path = format!("/notifications/stream?last_event_id={}", value.replace(' ', "%20"));
        let answer = admin.http.get(&path).send().await;
        answer.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
    }
    let request = admin.http.get("/notifications/stream").header("last-event-id", "x");
    request.send().await.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
}

#[tokio::test]
async fn stream_notifications_of_expired_ones_are_left_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let _serving = serve(&app).await;
    let body = json!({ "type": "t", "title": "short", "message": "m", "expires_at": "2026-03-01T12:30:00Z" });
    admin.http.post("/notifications").json(&body).send().await.expect(201);
    tell(&admin, "lasting").await;
    app.clock.advance(jiff::SignedDuration::from_hours(1));
    let mut stream = open(&admin, Some(0)).await;
    assert_eq!(stream.unread().await, 1);
    assert_eq!(stream.notification().await.data["title"], "lasting");
}

/// Opens a stream, does something, and wants the stream's end within a second, and one more for a busy machine.
async fn ends_after<F: Future<Output = ()>>(what: &str, person: &Person, act: impl FnOnce() -> F) {
    let mut stream = open(person, None).await;
    stream.unread().await;
    assert_eq!(stream.rest().await, Some(Vec::new()), "{what}: open before");
    act().await;
    let began = Instant::now();
    let end = timeout(Duration::from_secs(5), stream.next()).await;
    assert_eq!(end, Ok(None), "{what}");
    assert!(began.elapsed() < Duration::from_secs(2), "{what}: {:?}", began.elapsed());
}

#[tokio::test]
async fn stream_notifications_ends_within_a_second_when_the_request_would_be_refused() {
    let app = TestApp::new().await;
    let _serving = serve(&app).await;
    let admin = app.admin("ada@example.com").await;
    let other_log_in = app.login("ada@example.com").await;
    let mut kept = open(&other_log_in, None).await;
    kept.unread().await;
    ends_after("logged out", &admin, || async {
        let body = json!({ "refresh_token": admin.refresh_token });
        admin.http.post("/auth/logout").json(&body).send().await;
        admin.http.get("/users/me").send().await.expect(401);
    })
    .await;
    assert_eq!(kept.rest().await, Some(Vec::new()), "another log-in of the same person stays");

    let admin = other_log_in;
    // Whoever writes it, an old service too.
    for (what, statement) in [
        ("switched off", "UPDATE users SET is_active = false WHERE id = '{}'"),
        ("deleted", "UPDATE user_profiles SET deleted_at = now() WHERE user_id = '{}'"),
        ("gone", "DELETE FROM user_profiles WHERE user_id = '{}'; DELETE FROM users WHERE id = '{}'"),
        ("elsewhere", "UPDATE users SET tenant_id = gen_random_uuid() WHERE id = '{}'"),
    ] {
        let member = app.member(&admin, &format!("{}@example.com", what.replace(' ', "-"))).await;
        ends_after(what, &member, || app.sql_owned(statement.replace("{}", &member.id))).await;
    }
    let founder = app.admin("founder@example.com").await;
    let close = format!("UPDATE tenants SET status = 'suspended' WHERE id = '{}'", founder.tenant);
    ends_after("tenant closed", &founder, || app.sql_owned(close)).await;
    ends_after("expired", &admin, || async { app.clock.advance(jiff::SignedDuration::from_hours(24)) }).await;
}

impl TestApp {
    async fn sql_owned(&self, statement: String) {
        self.sql(&statement).await;
    }
}

#[tokio::test]
async fn stream_notifications_end_when_the_program_stops() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let mut serving = serve(&app).await;
    let (mut one, mut other) = (open(&admin, None).await, open(&member, None).await);
    one.unread().await;
    other.unread().await;
    serving.stop.send(true).unwrap();
    for stream in [&mut one, &mut other] {
        assert_eq!(timeout(Duration::from_secs(5), stream.next()).await, Ok(None));
    }
    (&mut serving.task).await.unwrap();
    // Who comes later is told to come again.
    let mut late = open(&admin, None).await;
    late.unread().await;
    assert_eq!(timeout(Duration::from_secs(5), late.next()).await, Ok(None));
}
