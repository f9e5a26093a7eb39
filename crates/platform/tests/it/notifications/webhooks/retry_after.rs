//! Receivers that say when they want to be tried again.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Receiver, app, everything_to};
use crate::support::TestApp;

/// How many seconds from now the only delivery is tried again.
const SECONDS: &str = "SELECT extract(epoch FROM next_attempt_at - updated_at)::int FROM webhook_deliveries";

async fn seconds(app: &TestApp) -> i64 {
    app.one(SECONDS).await.parse().unwrap()
}

#[tokio::test]
async fn who_asks_for_time_gets_it() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    let path = everything_to(&admin, &receiver).await;
    app.happens(&admin, "workspace.created").await;
    // In seconds.
    receiver.answers(429);
    receiver.asks_to_retry_after("90");
    app.deliver().await;
    assert_eq!(seconds(&app).await, 90);
    app.clock.advance(SignedDuration::from_secs(89));
    assert_eq!(app.deliver().await, 0);
    app.clock.advance(SignedDuration::from_secs(1));
    // As a time. The clock stands at half past noon, two minutes and a bit.
    receiver.answers(503);
    receiver.asks_to_retry_after("Sun, 01 Mar 2026 14:00:00 GMT");
    assert_eq!(app.deliver().await, 1);
    assert_eq!(app.one("SELECT next_attempt_at = '2026-03-01 14:00:00Z' FROM webhook_deliveries").await, "true");
    app.clock.advance(SignedDuration::from_hours(2));
    // Less than the schedule has in mind, or nonsense, changes nothing.
    for (nonsense, planned) in [("1", 114..=126), ("soon", 570..=630)] {
        receiver.asks_to_retry_after(nonsense);
        assert_eq!(app.deliver().await, 1);
        let seconds = seconds(&app).await;
        assert!(planned.contains(&seconds), "{nonsense}: {seconds}");
        app.clock.advance(SignedDuration::from_secs(seconds + 1));
    }
    receiver.answers(200);
    receiver.asks_to_retry_after("3600");
    assert_eq!(app.deliver().await, 1);
    assert_eq!(app.one("SELECT state FROM webhook_deliveries").await, "delivered");
    assert_eq!(receiver.posts().len(), 5);
    assert_eq!(app.login("ada@example.com").await.http.get(&path).send().await.expect(200).body["disabled"], false);
}

#[tokio::test]
async fn who_asks_for_more_than_a_day_is_tried_once_at_its_end() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    let path = everything_to(&admin, &receiver).await;
    receiver.answers(503);
    receiver.asks_to_retry_after("60");
    app.happens(&admin, "workspace.created").await;
    app.deliver().await;
    app.clock.advance(SignedDuration::from_secs(60));
    receiver.asks_to_retry_after("99999999999999999999");
    app.deliver().await;
    assert_eq!(seconds(&app).await, 24 * 3600 - 60, "until a day after the first attempt");
    app.clock.advance(SignedDuration::from_secs(24 * 3600 - 61));
    assert_eq!(app.deliver().await, 0);
    app.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(app.deliver().await, 1);
    assert_eq!(app.one("SELECT state || attempts FROM webhook_deliveries").await, "dead3");
    // Sent off by hand, it has a day again.
    let admin = app.login("ada@example.com").await;
    let delivery = format!("{path}/deliveries/{}", receiver.posts()[0].header("webhook-id"));
    admin.http.post(&format!("{delivery}/redrive")).send().await.expect(202);
    app.deliver().await;
    assert_eq!(seconds(&app).await, 24 * 3600);
    let story = admin.http.get(&delivery).send().await.expect(200).body;
    let next = app.now() + SignedDuration::from_hours(24);
    assert_eq!((&story["state"], &story["next_attempt_at"]), (&json!("pending"), &json!(next)));
    assert_eq!(story["error"], Value::from("answered 503"));
}
