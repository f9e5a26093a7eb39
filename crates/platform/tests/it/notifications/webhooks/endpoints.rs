//! Setting webhooks up.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::webhook;
use crate::support::TestApp;

#[tokio::test]
async fn create_webhook_shows_its_secret_once() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let body = json!({ "url": " https://example.com/hooks ", "description": "Sales", "events": ["workspace.*"] });
    let made = admin.http.post("/webhooks").json(&body).send().await.expect(201);
    let mut shown = made.body.clone();
    let secret = shown["secret"].take().as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    insta::assert_json_snapshot!(crate::support::stable(&shown));
    let path = format!("/webhooks/{}", made.text("id"));
    let read = admin.http.get(&path).send().await.expect(200);
    assert_eq!(read.headers.get("etag"), made.headers.get("etag"));
    assert!(read.body.get("secret").is_none());
    let list = admin.http.get("/webhooks").send().await.expect(200);
    assert_eq!(list.body["webhooks"], json!([read.body]));
    // Nor in the database, nor in the trail.
    let raw = secret.trim_start_matches("whsec_");
    let rows = app.one("SELECT string_agg(w::text, '') || (SELECT string_agg(a::text, '') FROM audit_events a) FROM webhook_endpoints w").await;
    assert!(!rows.contains(raw));
    let record = app.one("SELECT action || ' ' || resource_id FROM audit_events WHERE resource_type = 'webhook'").await;
    assert_eq!(record, format!("webhook.created {}", made.text("id")));
}

#[tokio::test]
async fn create_webhook_refuses_what_it_could_not_post_to() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    for (field, body) in [
        ("url", json!({})),
        ("url", json!({ "url": "example.com" })),
        ("url", json!({ "url": "http://example.com/" })),
        ("url", json!({ "url": "https://user:word@example.com/" })),
        ("url", json!({ "url": "https://127.0.0.1/" })),
        ("url", json!({ "url": "https://localhost/" })),
        ("url", json!({ "url": "https://example.com:0/" })),
        ("url", json!({ "url": format!("https://example.com/{}", "x".repeat(2000)) })),
        ("events", json!({ "url": "https://example.com/", "events": ["*"] })),
        ("events", json!({ "url": "https://example.com/", "events": vec!["a"; 51] })),
        ("description", json!({ "url": "https://example.com/", "description": "x".repeat(501) })),
    ] {
        let refused = admin.http.post("/webhooks").json(&body).send().await;
        let refused = refused.expect_error(400, "Invalid input", "VALIDATION_ERROR");
        assert_eq!(refused.body["details"][0]["field"], field, "{body}");
    }
    assert_eq!(app.one("SELECT count(*) FROM webhook_endpoints").await, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn create_webhook_makes_twenty_and_no_more_even_at_once() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let body = json!({ "url": "https://example.com/" });
    let tasks: Vec<_> = (0..30).map(|_| tokio::spawn(admin.http.post("/webhooks").json(&body).send())).collect();
    let mut made = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == 201 {
            made += 1;
        } else {
            answer.expect_error(409, "Too many webhooks", "CONFLICT");
        }
    }
    assert_eq!(made, 20);
    assert_eq!(app.one("SELECT count(*) FROM webhook_endpoints").await, "20");
}

#[tokio::test]
async fn update_webhook_changes_what_is_given() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let made = webhook(&admin, &json!({ "url": "https://example.com/", "events": ["a.b"] })).await;
    let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
    app.clock.advance(SignedDuration::from_secs(1));
    let put = async |body: Value| admin.http.put(&path).json(&body).send().await;
    let after = put(json!({ "description": "new", "disabled": true })).await.expect(200);
    assert_eq!(after.body["events"], json!(["a.b"]));
    assert_eq!((&after.body["disabled"], &after.body["disabled_reason"]), (&json!(true), &json!("by_hand")));
    assert_ne!(after.body["updated_at"], made["updated_at"]);
    let trail = "SELECT count(*) FROM audit_events";
    let before = app.one(trail).await;
    assert_eq!(put(json!({ "description": "new" })).await.expect(200).body, after.body);
    assert_eq!(app.one(trail).await, before, "nothing changed, and yet it is on record");
    put(json!({ "url": "https://10.0.0.1/" })).await.expect(400);
    let enabled = admin.http.post(&format!("{path}/enable")).send().await.expect(200);
    assert_eq!((&enabled.body["disabled"], &enabled.body["disabled_reason"]), (&json!(false), &Value::Null));
    admin.http.delete(&path).send().await.expect(204);
    admin.http.get(&path).send().await.expect(404);
    admin.http.delete(&path).send().await.expect(404);
}

#[tokio::test]
async fn test_webhook_refuses_what_would_not_be_sent() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let made = webhook(&admin, &json!({ "url": "https://example.com/", "disabled": true })).await;
    let path = format!("/webhooks/{}/test", made["id"].as_str().unwrap());
    admin.http.post(&path).send().await.expect_error(409, "Webhook disabled", "CONFLICT");
    let off = TestApp::with(|parts| parts.webhooks_deliver = false).await;
    let (admin, ..) = off.cast().await;
    let made = webhook(&admin, &json!({ "url": "https://example.com/" })).await;
    let path = format!("/webhooks/{}/test", made["id"].as_str().unwrap());
    admin.http.post(&path).send().await.expect_error(409, "Deliveries are switched off", "CONFLICT");
    off.happens(&admin, "workspace.created").await;
    assert_eq!(off.one("SELECT count(*) FROM webhook_deliveries").await, "0");
}
