//! `notification.created`, for those who ask for it by name, whatever put a notification into a feed.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Receiver, app, webhook};
use crate::support::{Person, TestApp};

/// What a receiver was told of.
fn events(receiver: &Receiver) -> Vec<String> {
    let event = |post: super::Post| serde_json::from_str::<Value>(&post.body).unwrap()["event"].clone();
    receiver.posts().into_iter().map(|post| event(post).as_str().unwrap().to_owned()).collect()
}

fn bodies(receiver: &Receiver) -> Vec<Value> {
    receiver.posts().iter().map(|post| serde_json::from_str(&post.body).unwrap()).collect()
}

async fn told(app: &TestApp) {
    app.tell_of_events().await;
    app.deliver().await;
}

async fn asks_for(admin: &Person, events: &[&str]) -> Receiver {
    let receiver = Receiver::start().await;
    webhook(admin, &json!({ "url": receiver.url, "events": events })).await;
    receiver
}

#[tokio::test]
async fn every_notification_is_an_event_for_those_who_name_it() {
    let app = app().await;
    let (admin, member, stranger) = app.cast().await;
    app.tell_of_events().await;
    let (by_name, by_beginning) =
        (asks_for(&admin, &["notification.created"]).await, asks_for(&admin, &["notification.*"]).await);
    let (all, other) = (asks_for(&admin, &[]).await, asks_for(&admin, &["announcement.*"]).await);
    let foreign = asks_for(&stranger, &["notification.created"]).await;

    // One person told by hand.
    let text = json!({ "type": "t", "title": "Hello", "message": "m", "user_id": member.id });
    let made = admin.http.post("/notifications").json(&text).send().await.expect(201);
    told(&app).await;
    let expected = json!({
        "event": "notification.created",
        "data": { "id": made.body["id"], "user_id": member.id, "type": "t", "level": "info", "title": "Hello" },
        "timestamp": app.now().to_string(),
        "tenant_id": admin.tenant,
    });
    assert_eq!((bodies(&by_name), bodies(&by_beginning)), (vec![expected.clone()], vec![expected]));

    // Everybody, by an announcement.
    let text = json!({ "type": "t", "title": "To all", "message": "m" });
    admin.http.post("/notifications/bulk").json(&text).send().await.expect(202);
    told(&app).await;
    let told_of = bodies(&by_name);
    let people: BTreeSet<_> =
        told_of[1..].iter().map(|body| body["data"]["user_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(people, BTreeSet::from([admin.id.clone(), member.id.clone()]));
    assert_eq!(events(&by_name).len(), 3);

    // One person by what happened to them.
    admin.http.put(&format!("/users/{}/role", member.id)).json(&json!({ "role": "admin" })).send().await.expect(200);
    told(&app).await;
    let last = bodies(&by_name).pop().unwrap();
    assert_eq!((&last["data"]["type"], &last["data"]["user_id"]), (&json!("user.role_changed"), &json!(member.id)));

    // Those who ask for everything are told of what happened, and not of everybody who was told.
    let all = events(&all);
    assert!(!all.contains(&"notification.created".to_owned()), "{all:?}");
    assert_eq!(all.iter().filter(|event| *event == "announcement.published").count(), 1);
    assert_eq!(events(&other), ["announcement.published"]);
    assert!(events(&foreign).is_empty());
    assert!(events(&by_beginning).iter().all(|event| event == "notification.created"));
    assert_eq!(events(&by_beginning).len(), events(&by_name).len());
    let feeds = "SELECT count(*) FROM user_notifications WHERE tenant_id::text = ";
    assert_eq!(app.one(&format!("{feeds}'{}'", admin.tenant)).await, events(&by_name).len().to_string());
    // None of it made more of itself.
    assert_eq!(app.deliver_later().await, 0);
    assert_eq!(app.one("SELECT count(*) FROM jobs").await, "0");
}

#[tokio::test]
async fn a_thousand_notifications_are_a_thousand_events_once() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    app.sql("UPDATE tenants SET plan = 'custom'").await;
    app.old_people(&admin.tenant, 1, 1200).await;
    app.tell_of_events().await;
    let receiver = asks_for(&admin, &["notification.created"]).await;
    let text = json!({ "type": "t", "title": "To all", "message": "m" });
    admin.http.post("/notifications/bulk").json(&text).send().await.expect(202);
    app.sql("CREATE TABLE kept AS SELECT * FROM jobs").await;
    app.tell_of_events().await;
    // Told of again, as if a worker had died.
    app.sql("INSERT INTO jobs SELECT * FROM kept").await;
    app.tell_of_events().await;
    assert_eq!(app.one("SELECT count(*) FROM webhook_deliveries").await, "1202");
    assert_eq!(app.one("SELECT count(*) FROM jobs WHERE kind = 'webhook'").await, "1202");
    app.deliver().await;
    let told = "SELECT id::text FROM user_notifications WHERE type = 't' ORDER BY 1";
    let rows = app.db.superuser().await.query(told, &[]).await.unwrap();
    let told: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut posted: Vec<_> =
        bodies(&receiver).iter().map(|body| body["data"]["id"].as_str().unwrap().to_owned()).collect();
    posted.sort();
    assert_eq!(posted, told);
}

#[tokio::test]
async fn a_webhook_that_is_switched_off_is_news_for_the_others() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    app.tell_of_events().await;
    let (gone, other) = (
        asks_for(&admin, &["workspace.*", "notification.created"]).await,
        asks_for(&admin, &["notification.created"]).await,
    );
    gone.answers(410);
    app.happens(&admin, "workspace.created").await;
    app.deliver().await;
    app.clock.advance(SignedDuration::from_mins(1));
    app.deliver().await;
    assert_eq!(events(&gone), ["workspace.created"]);
    assert_eq!(bodies(&other).iter().map(|body| &body["data"]["type"]).collect::<Vec<_>>(), ["webhook.disabled"]);
}
