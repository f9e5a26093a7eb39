//! What is posted, how often, and what becomes of it.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use kernel::{Clock as _, SystemClock};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

use super::{Receiver, app, everything_to, webhook};

#[tokio::test]
async fn receivers_can_check_what_they_get_with_a_library_of_the_specification() {
    let app = app().await;
    // The library holds the timestamp against the machine's clock.
    app.clock.advance(SystemClock.now().duration_since(app.now()));
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    let made = webhook(&admin, &json!({ "url": receiver.url })).await;
    let old = Webhook::new(made["secret"].as_str().unwrap()).unwrap();
    app.happens(&admin, "workspace.created").await;
    assert_eq!(app.deliver().await, 1);
    let post = receiver.posts().remove(0);
    assert_eq!(post.path, "/hooks?from=platform");
    assert_eq!(post.header("content-type"), "application/json");
    assert_eq!(post.header("host"), receiver.url.split('/').nth(2).unwrap());
    let body: Value = serde_json::from_str(&post.body).unwrap();
    let timestamp = app.now().to_string();
    assert_eq!(
        body,
        json!({
            "event": "workspace.created",
            "data": { "what": "ünicode \"quoted\"" },
            "timestamp": timestamp,
            "tenant_id": admin.tenant,
        })
    );
    old.verify(post.body.as_bytes(), &post.headers).unwrap();
    assert!(old.verify(b"{}", &post.headers).is_err());

    // For a day, both secrets sign; then the new one alone.
    let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
    let rotated = admin.http.post(&format!("{path}/rotate-secret")).send().await.expect(200);
    let new = Webhook::new(&rotated.text("secret")).unwrap();
    app.happens(&admin, "workspace.created").await;
    app.deliver().await;
    let post = receiver.posts().remove(1);
    assert_eq!(post.header("webhook-signature").split(' ').count(), 2);
    for library in [&old, &new] {
        library.verify(post.body.as_bytes(), &post.headers).unwrap();
    }
    app.sql("UPDATE webhook_endpoints SET old_secret_until = old_secret_until - interval '24 hours'").await;
    app.happens(&admin, "workspace.created").await;
    app.deliver().await;
    let post = receiver.posts().remove(2);
    new.verify(post.body.as_bytes(), &post.headers).unwrap();
    assert!(old.verify(post.body.as_bytes(), &post.headers).is_err());
}

#[tokio::test]
async fn an_event_is_posted_to_those_who_want_it_once() {
    let app = app().await;
    let (admin, _, stranger) = app.cast().await;
    let [all, some, none, foreign] = [0; 4].map(|_| Receiver::start());
    let (all, some, none, foreign) = (all.await, some.await, none.await, foreign.await);
    webhook(&admin, &json!({ "url": all.url })).await;
    webhook(&admin, &json!({ "url": some.url, "events": ["user.created", "workspace.*"] })).await;
    webhook(&admin, &json!({ "url": none.url, "disabled": true })).await;
    webhook(&stranger, &json!({ "url": foreign.url })).await;
    for event in ["workspace.created", "user.deleted", "user.created"] {
        app.happens(&admin, event).await;
    }
    app.deliver().await;
    let events = |receiver: &Receiver| {
        let event = |post: super::Post| serde_json::from_str::<Value>(&post.body).unwrap()["event"].clone();
        let mut events: Vec<_> = receiver.posts().into_iter().map(|post| event(post).to_string()).collect();
        events.sort();
        events
    };
    assert_eq!(events(&all), ["\"user.created\"", "\"user.deleted\"", "\"workspace.created\""]);
    assert_eq!(events(&some), ["\"user.created\"", "\"workspace.created\""]);
    assert!(events(&none).is_empty() && events(&foreign).is_empty());
    assert_eq!(app.one("SELECT count(*) FROM webhook_deliveries WHERE state = 'delivered'").await, "5");
    assert_eq!(app.one("SELECT count(*) FROM jobs").await, "0");
    assert_eq!(app.deliver_later().await, 0);
}

#[tokio::test]
async fn what_fails_is_tried_again_with_the_same_id_and_body_until_it_gets_through() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    let path = everything_to(&admin, &receiver).await;
    receiver.answers(503);
    app.happens(&admin, "workspace.created").await;
    assert_eq!(app.deliver().await, 1);
    app.clock.advance(SignedDuration::from_secs(4));
    assert_eq!(app.deliver().await, 0, "5 s are not over");
    app.clock.advance(SignedDuration::from_secs(2));
    assert_eq!(app.deliver().await, 1);
    receiver.answers(301);
    app.clock.advance(SignedDuration::from_secs(32));
    assert_eq!(app.deliver().await, 1);
    receiver.answers(200);
    app.clock.advance(SignedDuration::from_secs(127));
    assert_eq!(app.deliver().await, 1);
    let posts = receiver.posts();
    assert_eq!(posts.len(), 4, "a redirect was followed");
    assert!(posts.iter().all(|post| post.body == posts[0].body));
    assert!(posts.iter().all(|post| post.header("webhook-id") == posts[0].header("webhook-id")));
    let admin = app.login("ada@example.com").await;
    let delivery = format!("{path}/deliveries/{}", posts[0].header("webhook-id"));
    let mut story = admin.http.get(&delivery).send().await.expect(200).body;
    assert_eq!(story["body"].to_string(), serde_json::from_str::<Value>(&posts[0].body).unwrap().to_string());
    for attempt in story["history"].as_array_mut().unwrap() {
        assert!(attempt["duration_ms"].take().as_i64().unwrap() < 5000);
    }
    story["body"]["tenant_id"].take();
    insta::assert_json_snapshot!(crate::support::stable(&story));
    assert_eq!(admin.http.get(&path).send().await.expect(200).body["failing_since"], Value::Null);
}

#[tokio::test]
async fn what_never_gets_through_is_given_up_after_a_day() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    everything_to(&admin, &receiver).await;
    receiver.answers(500);
    app.happens(&admin, "workspace.created").await;
    let began = app.now();
    let mut waits = Vec::new();
    app.deliver().await;
    while app.one("SELECT state FROM webhook_deliveries").await == "pending" {
        let seconds = "SELECT ceil(extract(epoch FROM next_attempt_at - updated_at))::int FROM webhook_deliveries";
        waits.push(app.one(seconds).await.parse::<i64>().unwrap());
        app.clock.advance(SignedDuration::from_secs(*waits.last().unwrap()));
        assert_eq!(app.deliver().await, 1);
    }
    let hours = app.now().duration_since(began).as_secs_f64() / 3600.0;
    assert!(waits.len() == 10 && waits[..9].is_sorted() && (21.0..24.0).contains(&hours), "{hours} {waits:?}");
    assert_eq!(receiver.posts().len(), 11);
    assert_eq!(app.one("SELECT state || attempts || status_code FROM webhook_deliveries").await, "dead11500");
    assert_eq!(app.deliver_later().await, 0);
}

#[tokio::test]
async fn a_webhook_through_which_nothing_gets_for_three_days_is_switched_off_and_its_admins_are_told() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    let path = everything_to(&admin, &receiver).await;
    receiver.answers(500);
    app.happens(&admin, "workspace.created").await;
    app.deliver().await;
    app.clock.advance(SignedDuration::from_hours(71));
    app.happens(&admin, "workspace.created").await;
    app.deliver().await;
    let off = "SELECT disabled::text FROM webhook_endpoints";
    assert_eq!(app.one(off).await, "false");
    app.clock.advance(SignedDuration::from_hours(1));
    app.happens(&admin, "workspace.created").await;
    app.deliver().await;
    assert_eq!(app.one(off).await, "true");
    let admin = app.login("ada@example.com").await;
    assert_eq!(admin.http.get(&path).send().await.expect(200).body["disabled_reason"], "failing");
    let told = admin.http.get("/notifications?type=webhook.disabled").send().await.expect(200);
    assert_eq!(told.body["total"], 1, "{}", told.body);
    assert_eq!(app.one("SELECT count(*) FROM user_notifications").await, "1", "only admins are told");
    assert_eq!(app.one("SELECT count(*) FROM audit_events WHERE action = 'webhook.disabled'").await, "1");
    // What was on its way is given up, and what happens now is not posted.
    let posts = receiver.posts().len();
    app.happens(&admin, "workspace.created").await;
    app.deliver_later().await;
    assert_eq!(receiver.posts().len(), posts);
    assert_eq!(app.one("SELECT count(*) FROM webhook_deliveries WHERE state <> 'dead'").await, "0");
    // Until somebody has repaired it.
    receiver.answers(200);
    let admin = app.login("ada@example.com").await;
    admin.http.post(&format!("{path}/enable")).send().await.expect(200);
    app.happens(&admin, "workspace.created").await;
    app.deliver().await;
    assert_eq!(receiver.posts().len(), posts + 1);
}

#[tokio::test]
async fn one_success_in_three_days_keeps_a_webhook_on() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    everything_to(&admin, &receiver).await;
    for (hours, status) in [(0, 500), (71, 200), (2, 500), (70, 500)] {
        app.clock.advance(SignedDuration::from_hours(hours));
        app.sql("DELETE FROM jobs; DELETE FROM webhook_deliveries").await;
        receiver.answers(status);
        app.happens(&admin, "workspace.created").await;
        app.deliver().await;
    }
    assert_eq!(app.one("SELECT disabled::text FROM webhook_endpoints").await, "false");
}

#[tokio::test]
async fn who_answers_410_is_not_asked_again() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    let path = everything_to(&admin, &receiver).await;
    receiver.answers(410);
    app.happens(&admin, "workspace.created").await;
    app.deliver().await;
    let read = admin.http.get(&path).send().await.expect(200);
    assert_eq!((&read.body["disabled"], &read.body["disabled_reason"]), (&json!(true), &json!("gone")));
    assert_eq!(app.one("SELECT state FROM webhook_deliveries").await, "dead");
    assert_eq!(app.one("SELECT count(*) FROM user_notifications").await, "1");
    assert_eq!(app.deliver_later().await, 0);
}

#[tokio::test]
async fn who_does_not_answer_is_left_after_five_seconds() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    // Takes connections and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    webhook(&admin, &json!({ "url": url })).await;
    app.happens(&admin, "workspace.created").await;
    let began = Instant::now();
    app.deliver().await;
    assert!((4..9).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(app.one("SELECT error FROM webhook_deliveries").await, "no answer within 5 seconds");
    // Nor is the connection kept open behind its back.
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut all = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut all);
    tokio::time::timeout(Duration::from_secs(5), read).await.expect("still open").unwrap();
    assert!(all.starts_with(b"POST / HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_secret_of_another_jwt_secret_signs_nothing() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    everything_to(&admin, &receiver).await;
    app.sql("UPDATE webhook_endpoints SET secret = decode(repeat('00', 60), 'hex')").await;
    app.happens(&admin, "workspace.created").await;
    app.deliver().await;
    assert!(receiver.posts().is_empty());
    assert!(app.one("SELECT error FROM webhook_deliveries").await.contains("rotate"));
}

#[tokio::test]
async fn a_deleted_webhook_gets_nothing_more() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    let path = everything_to(&admin, &receiver).await;
    app.happens(&admin, "workspace.created").await;
    admin.http.delete(&path).send().await.expect(204);
    assert_eq!(app.deliver().await, 1);
    assert!(receiver.posts().is_empty());
    assert_eq!(app.one("SELECT count(*) FROM jobs").await, "0");
}

#[tokio::test]
async fn old_deliveries_are_forgotten() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    everything_to(&admin, &receiver).await;
    app.happens(&admin, "workspace.created").await;
    app.deliver().await;
    let cx = app.cx();
    app.clock.advance(SignedDuration::from_hours(30 * 24));
    assert_eq!(app.app.notifications.delete_old_deliveries(&cx).await.unwrap(), 0);
    app.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(app.app.notifications.delete_old_deliveries(&cx).await.unwrap(), 1);
    assert_eq!(app.one("SELECT count(*) FROM webhook_attempts").await, "0");
}
