//! Posting again.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Receiver, app, everything_to};
use crate::fixtures::NOBODY;

#[tokio::test]
async fn redrive_webhook_delivery_posts_it_again_under_its_id() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    let path = everything_to(&admin, &receiver).await;
    let sent = admin.http.post(&format!("{path}/test")).send().await.expect(202);
    assert_eq!((&sent.body["state"], &sent.body["event"]), (&json!("pending"), &json!("webhook.test")));
    let delivery = format!("{path}/deliveries/{}", sent.text("id"));
    let redrive = async || admin.http.post(&format!("{delivery}/redrive")).send().await;
    redrive().await.expect_error(409, "Delivery pending", "CONFLICT");
    app.deliver().await;
    for state in ["delivered", "delivered"] {
        assert_eq!(admin.http.get(&delivery).send().await.expect(200).body["state"], state);
        assert_eq!(redrive().await.expect(202).body["state"], "pending");
        assert_eq!(app.deliver().await, 1);
    }
    let posts = receiver.posts();
    assert_eq!(posts.len(), 3);
    assert!(posts.iter().all(|post| post.header("webhook-id") == sent.text("id") && post.body == posts[0].body));
    let story = admin.http.get(&delivery).send().await.expect(200);
    let numbers: Vec<_> = story.body["history"].as_array().unwrap().iter().map(|one| one["number"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    admin.http.post(&format!("{path}/deliveries/{NOBODY}/redrive")).send().await.expect(404);
}

#[tokio::test]
async fn redrive_webhook_posts_again_what_was_given_up_in_a_stretch_of_time() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    let path = everything_to(&admin, &receiver).await;
    for _ in 0..5 {
        app.happens(&admin, "workspace.created").await;
        app.clock.advance(SignedDuration::from_mins(1));
    }
    app.deliver().await;
    // All but the second are given up.
    app.sql(
        "UPDATE webhook_deliveries SET state = 'dead'
         WHERE id <> (SELECT id FROM webhook_deliveries ORDER BY created_at LIMIT 1 OFFSET 1)",
    )
    .await;
    let redrive = async |body: Value| admin.http.post(&format!("{path}/redrive")).json(&body).send().await;
    let stretch = json!({ "from": "2026-03-01T12:01:00Z", "to": "2026-03-01T12:04:00Z" });
    assert_eq!(redrive(stretch.clone()).await.expect(202).body, json!({ "deliveries": 2 }));
    assert_eq!(redrive(stretch).await.expect(202).body, json!({ "deliveries": 0 }));
    assert_eq!(app.deliver().await, 2);
    assert_eq!(receiver.posts().len(), 7);
    redrive(json!({ "from": "yesterday", "to": "2026-03-01" })).await.expect(400);
    redrive(json!({ "from": "2026-03-01" })).await.expect(400);
    admin.http.put(&path).json(&json!({ "disabled": true })).send().await.expect(200);
    redrive(json!({ "from": "2026-03-01", "to": "2026-03-02" })).await.expect(409);
}

#[tokio::test]
async fn list_webhook_deliveries_filters_by_state() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    let path = everything_to(&admin, &receiver).await;
    app.happens(&admin, "workspace.created").await;
    app.deliver().await;
    app.happens(&admin, "user.created").await;
    let list = async |query: &str| {
        let list = admin.http.get(&format!("{path}/deliveries{query}")).send().await.expect(200);
        let events = list.body["deliveries"].as_array().unwrap().iter().map(|one| one["event"].to_string());
        events.collect::<Vec<_>>()
    };
    assert_eq!(list("").await, ["\"user.created\"", "\"workspace.created\""]);
    assert_eq!(list("?state=delivered").await, ["\"workspace.created\""]);
    assert_eq!(list("?state=pending").await, ["\"user.created\""]);
    assert!(list("?state=dead").await.is_empty());
    admin.http.get(&format!("{path}/deliveries?state=lost")).send().await.expect(400);
}
