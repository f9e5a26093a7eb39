//! Webhooks are their tenant's, and for its admins.

use axum::http::Method;
use serde_json::{Value, json};

use super::webhook;
use crate::fixtures::{NOBODY, send};
use crate::support::TestApp;

/// Every operation on `webhook` and its delivery.
fn all(webhook: &str, delivery: &str) -> Vec<(Method, String, Value)> {
    let url = json!({ "url": "https://example.com/other" });
    let always = json!({ "from": "2020-01-01", "to": "2030-01-01" });
    let path = format!("/webhooks/{webhook}");
    let at = |rest: &str| format!("{path}/{rest}");
    vec![
        (Method::GET, path.clone(), Value::Null),
        (Method::PUT, path.clone(), url),
        (Method::POST, at("enable"), Value::Null),
        (Method::POST, at("rotate-secret"), Value::Null),
        (Method::POST, at("test"), Value::Null),
        (Method::GET, at("deliveries"), Value::Null),
        (Method::GET, at(&format!("deliveries/{delivery}")), Value::Null),
        (Method::POST, at(&format!("deliveries/{delivery}/redrive")), Value::Null),
        (Method::POST, at("redrive"), always),
        (Method::DELETE, path.clone(), Value::Null),
    ]
}

async fn scene(app: &TestApp) -> (String, String) {
    let admin = app.login("ada@example.com").await;
    let id = webhook(&admin, &json!({ "url": "https://example.com/hooks" })).await["id"].as_str().unwrap().to_owned();
    let delivery = admin.http.post(&format!("/webhooks/{id}/test")).send().await.expect(202).text("id");
    app.sql("UPDATE webhook_deliveries SET state = 'dead'").await;
    (id, delivery)
}

#[tokio::test]
async fn get_webhook_and_update_webhook_and_enable_webhook_and_rotate_webhook_secret_and_test_webhook_other_tenant() {
    let app = TestApp::new().await;
    let (_, _, stranger) = app.cast().await;
    let (id, delivery) = scene(&app).await;
    let before = app.all_rows().await;
    for (method, path, body) in all(&id, &delivery) {
        let answer = send(&stranger.http, method.clone(), &path, Some(&body).filter(|body| !body.is_null())).await;
        assert_eq!((answer.status.as_u16(), answer.body["code"].as_str()), (404, Some("NOT_FOUND")), "{method} {path}");
    }
    assert_eq!(app.all_rows().await, before);
    assert_eq!(stranger.http.get("/webhooks").send().await.expect(200).body["total"], 0);
}

#[tokio::test]
async fn delete_webhook_and_list_webhook_deliveries_and_get_webhook_delivery_and_redrive_webhook_delivery_other_tenant()
{
    let app = TestApp::new().await;
    let (_, _, stranger) = app.cast().await;
    let (_, delivery) = scene(&app).await;
    // Not through an own webhook either.
    let own = webhook(&stranger, &json!({ "url": "https://example.com/hooks" })).await;
    let path = format!("/webhooks/{}/deliveries", own["id"].as_str().unwrap());
    assert_eq!(stranger.http.get(&path).send().await.expect(200).body["total"], 0);
    stranger.http.get(&format!("{path}/{delivery}")).send().await.expect(404);
    stranger.http.post(&format!("{path}/{delivery}/redrive")).send().await.expect(404);
    assert_eq!(app.one("SELECT state FROM webhook_deliveries").await, "dead");
}

#[tokio::test]
async fn redrive_webhook_other_tenant() {
    let app = TestApp::new().await;
    let (_, _, stranger) = app.cast().await;
    let (id, _) = scene(&app).await;
    let always = json!({ "from": "2020-01-01", "to": "2030-01-01" });
    let refused = stranger.http.post(&format!("/webhooks/{id}/redrive")).json(&always).send().await;
    refused.expect_error(404, "Webhook not found", "NOT_FOUND");
    assert_eq!(app.one("SELECT state FROM webhook_deliveries").await, "dead");
}

#[tokio::test]
async fn create_webhook_and_list_webhooks_and_get_webhook_and_update_webhook_and_delete_webhook_logged_out() {
    let app = TestApp::new().await;
    app.cast().await;
    let (id, delivery) = scene(&app).await;
    let before = app.all_rows().await;
    for (method, path, body) in all(&id, &delivery) {
        send(&app.http, method, &path, Some(&body).filter(|body| !body.is_null())).await.expect(401);
    }
    app.http.get("/webhooks").send().await.expect(401);
    app.http.post("/webhooks").json(&json!({ "url": "https://example.com/" })).send().await.expect(401);
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn enable_webhook_and_rotate_webhook_secret_and_test_webhook_and_redrive_webhook_logged_out() {
    let app = TestApp::new().await;
    for rest in ["enable", "rotate-secret", "test", "redrive"] {
        app.http.post(&format!("/webhooks/{NOBODY}/{rest}")).json(&json!({})).send().await.expect(401);
    }
}

#[tokio::test]
async fn list_webhook_deliveries_and_get_webhook_delivery_and_redrive_webhook_delivery_logged_out() {
    let app = TestApp::new().await;
    let path = format!("/webhooks/{NOBODY}/deliveries");
    app.http.get(&path).send().await.expect(401);
    app.http.get(&format!("{path}/{NOBODY}")).send().await.expect(401);
    app.http.post(&format!("{path}/{NOBODY}/redrive")).send().await.expect(401);
}

#[tokio::test]
async fn webhooks_are_for_admins_and_services() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let (id, delivery) = scene(&app).await;
    let before = app.all_rows().await;
    for (method, path, body) in all(&id, &delivery) {
        send(&member.http, method, &path, Some(&body).filter(|body| !body.is_null())).await.expect(403);
    }
    member.http.get("/webhooks").send().await.expect(403);
    let url = json!({ "url": "https://example.com/" });
    let refused = member.http.post("/webhooks").json(&url).send().await;
    refused.expect_error(403, "Insufficient permissions", "FORBIDDEN");
    assert_eq!(app.all_rows().await, before);
    let service = |tenant: &str| app.internal(Method::GET, &format!("/webhooks/{id}")).header("x-tenant-id", tenant);
    service(&admin.tenant).send().await.expect(200);
    service(NOBODY).send().await.expect(404);
}
