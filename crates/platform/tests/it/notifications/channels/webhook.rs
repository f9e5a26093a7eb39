//! A person's own webhook.

use kernel::{Clock as _, SystemClock};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::CHANNELS;
use crate::notifications::text;
use crate::notifications::webhooks::Receiver;
use crate::support::TestApp;

async fn app() -> TestApp {
    let app = TestApp::with(|parts| parts.webhooks_allow_private = true).await;
    // The library holds the timestamp against the machine's clock.
    app.clock.advance(SystemClock.now().duration_since(app.now()));
    app
}

#[tokio::test]
async fn a_persons_own_webhook_gets_their_notifications_once_it_is_verified_and_nobody_elses() {
    let app = app().await;
    let (admin, member, _) = app.cast().await;
    let receiver = Receiver::start().await;
    let body = json!({ "type": "webhook", "address": receiver.url });
    let made = member.http.post(CHANNELS).json(&body).send().await.expect(201);
    let library = Webhook::new(&made.text("secret")).unwrap();
    let path = format!("{CHANNELS}/{}", made.text("id"));
    member.note("Too early").await;
    app.deliver().await;
    let post = receiver.posts().remove(0);
    library.verify(post.body.as_bytes(), &post.headers).unwrap();
    let told: Value = serde_json::from_str(&post.body).unwrap();
    assert_eq!((receiver.posts().len(), told["event"].as_str()), (1, Some("channel.verification")));
    let code = told["data"]["code"].clone();
    member.http.post(&format!("{path}/verify")).json(&json!({ "code": code })).send().await.expect(200);
    assert!(member.http.get(&path).send().await.expect(200).body.get("secret").is_none());

    admin.note("Not for Grace").await;
    admin.http.post("/notifications/bulk").json(&text("For all")).send().await.expect(202);
    app.tell_of_events().await;
    app.deliver().await;
    let posts = receiver.posts();
    assert_eq!(posts.len(), 2);
    library.verify(posts[1].body.as_bytes(), &posts[1].headers).unwrap();
    let told: Value = serde_json::from_str(&posts[1].body).unwrap();
    assert_eq!(told["event"], "notification.created");
    assert_eq!((&told["data"]["title"], &told["data"]["user_id"]), (&json!("For all"), &json!(member.id)));

    // It is hers: admins neither see nor change it, and it takes none of the tenant's places.
    assert_eq!(admin.http.get("/webhooks").send().await.expect(200).body["total"], 0);
    let id = app.one("SELECT id FROM webhook_endpoints").await;
    admin.http.get(&format!("/webhooks/{id}")).send().await.expect(404);
    admin.http.delete(&format!("/webhooks/{id}")).send().await.expect(404);
    admin.http.get(&format!("/webhooks/{id}/deliveries")).send().await.expect(404);

    let off = json!({ "is_active": false });
    assert_eq!(member.http.put(&path).json(&off).send().await.expect(200).body["is_active"], false);
    member.note("Unheard").await;
    assert_eq!(app.deliver().await, 0);
    member.http.delete(&path).send().await.expect(204);
    assert_eq!(app.one("SELECT count(*) FROM webhook_endpoints").await, "0");
}

#[tokio::test]
async fn a_persons_webhook_that_is_gone_is_switched_off_and_they_are_told() {
    let app = app().await;
    let (admin, member, _) = app.cast().await;
    let receiver = Receiver::start().await;
    let body = json!({ "type": "webhook", "address": receiver.url });
    let made = member.http.post(CHANNELS).json(&body).send().await.expect(201);
    receiver.answers(410);
    app.deliver().await;
    let path = format!("{CHANNELS}/{}", made.text("id"));
    assert_eq!(member.http.get(&path).send().await.expect(200).body["is_active"], false);
    assert_eq!((member.titles().await.len(), admin.titles().await.len()), (1, 0));
    let on = json!({ "is_active": true });
    assert_eq!(member.http.put(&path).json(&on).send().await.expect(200).body["is_active"], true);
    receiver.answers(204);
    member.http.post(&format!("{path}/resend")).send().await.expect(202);
    assert_eq!(app.deliver().await, 1);
}
