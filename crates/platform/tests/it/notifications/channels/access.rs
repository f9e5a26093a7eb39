//! Addresses are their person's.

use axum::http::Method;
use serde_json::{Value, json};

use super::CHANNELS;
use crate::fixtures::{NOBODY, send};
use crate::support::TestApp;

fn all(id: &str) -> Vec<(Method, String, Value)> {
    let path = format!("{CHANNELS}/{id}");
    vec![
        (Method::GET, path.clone(), Value::Null),
        (Method::PUT, path.clone(), json!({ "is_active": false })),
        (Method::POST, format!("{path}/verify"), json!({ "code": "12345678" })),
        (Method::POST, format!("{path}/resend"), Value::Null),
        (Method::DELETE, path, Value::Null),
    ]
}

#[tokio::test]
async fn get_notification_channel_and_update_notification_channel_and_delete_notification_channel_other_tenant() {
    let app = TestApp::new().await;
    let (admin, member, stranger) = app.cast().await;
    let body = json!({ "type": "email", "address": "grace@example.org" });
    let id = member.http.post(CHANNELS).json(&body).send().await.expect(201).text("id");
    let before = app.all_rows().await;
    // Admins neither.
    for client in [&stranger.http, &admin.http] {
        for (method, path, body) in all(&id) {
            let answer = send(client, method, &path, Some(&body).filter(|body| !body.is_null())).await;
            answer.expect_error(404, "Channel not found", "NOT_FOUND");
        }
        assert_eq!(client.get(CHANNELS).send().await.expect(200).body["total"], 0);
    }
    assert_eq!(app.all_rows().await, before);
    member.http.get(&format!("{CHANNELS}/{id}")).send().await.expect(200);
}

#[tokio::test]
async fn verify_notification_channel_and_resend_notification_channel_code_other_tenant() {
    let app = TestApp::new().await;
    let (_, _, stranger) = app.cast().await;
    for (method, path, body) in all(NOBODY).into_iter().chain(all("no-uuid")) {
        let answer = send(&stranger.http, method, &path, Some(&body).filter(|body| !body.is_null())).await;
        answer.expect_error(404, "Channel not found", "NOT_FOUND");
    }
}

#[tokio::test]
async fn list_notification_channels_and_create_notification_channel_other_tenant() {
    let app = TestApp::new().await;
    let (_, member, stranger) = app.cast().await;
    let body = json!({ "type": "email", "address": "shared@example.org" });
    member.http.post(CHANNELS).json(&body).send().await.expect(201);
    // That somebody else has the address shows nowhere.
    stranger.http.post(CHANNELS).json(&body).send().await.expect(201);
    assert_eq!(stranger.http.get(CHANNELS).send().await.expect(200).body["total"], 1);
}

#[tokio::test]
async fn list_notification_channels_and_create_notification_channel_logged_out() {
    let app = TestApp::new().await;
    app.http.get(CHANNELS).send().await.expect(401);
    app.http.post(CHANNELS).json(&json!({ "type": "email", "address": "a@example.org" })).send().await.expect(401);
    // A service is nobody whom mails could be sent to.
    let service = app.internal(Method::POST, CHANNELS).json(&json!({ "type": "email", "address": "a@example.org" }));
    service.send().await.expect(401);
    assert_eq!(app.one("SELECT count(*) FROM notification_channels").await, "0");
}

#[tokio::test]
async fn get_notification_channel_and_update_notification_channel_and_delete_notification_channel_logged_out() {
    let app = TestApp::new().await;
    for (method, path, body) in all(NOBODY) {
        send(&app.http, method, &path, Some(&body).filter(|body| !body.is_null())).await.expect(401);
    }
}

#[tokio::test]
async fn verify_notification_channel_and_resend_notification_channel_code_logged_out() {
    let app = TestApp::new().await;
    for rest in ["verify", "resend"] {
        let path = format!("{CHANNELS}/{NOBODY}/{rest}");
        app.http.post(&path).json(&json!({ "code": "12345678" })).send().await.expect(401);
    }
}

#[tokio::test]
async fn create_notification_channel_invalid_body() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let before = app.all_rows().await;
    for (body, field) in [
        (json!({}), "type"),
        (json!({ "type": "sms", "address": "+49 30 1234" }), "type"),
        (json!({ "type": "email", "address": "nobody" }), "address"),
        (json!({ "type": "email", "address": "a@example.org\r\nBcc: b@example.org" }), "address"),
        (json!({ "type": "webhook" }), "address"),
        (json!({ "type": "webhook", "address": "ftp://example.org/" }), "address"),
        (json!({ "type": "webhook", "address": "https://127.0.0.1/" }), "address"),
    ] {
        let answer = admin.http.post(CHANNELS).json(&body).send().await.expect(400);
        assert_eq!(answer.body["details"][0]["field"], field, "{}", answer.body);
    }
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn create_notification_channel_conflict() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let create = async |address: &str| {
        admin.http.post(CHANNELS).json(&json!({ "type": "email", "address": address })).send().await
    };
    create("one@example.org").await.expect(201);
    create("ONE@example.org").await.expect_error(409, "Channel exists", "CONFLICT");
    let off = TestApp::on(app.db, |parts| {
        parts.mail = None;
        parts.webhooks_deliver = false;
    });
    let admin = off.login("ada@example.com").await;
    let body = json!({ "type": "email", "address": "two@example.org" });
    let answer = admin.http.post(CHANNELS).json(&body).send().await;
    answer.expect_error(409, "E-mail is not set up", "CONFLICT");
    let body = json!({ "type": "webhook", "address": "https://example.com/" });
    let answer = admin.http.post(CHANNELS).json(&body).send().await;
    answer.expect_error(409, "Deliveries are switched off", "CONFLICT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn create_notification_channel_makes_one_of_an_address_and_ten_in_all_even_at_once() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let at_once = async |http: &testkit::Client, address: fn(usize) -> String| {
        let send = |number| {
            let request = http.post(CHANNELS).json(&json!({ "type": "webhook", "address": address(number) }));
            tokio::spawn(async move { request.send().await.status.as_u16() })
        };
        let tasks: Vec<_> = (0..20).map(send).collect();
        let mut made = 0;
        for task in tasks {
            match task.await.unwrap() {
                201 => made += 1,
                409 | 429 => {}
                other => panic!("{other}"),
            }
        }
        made
    };
    assert_eq!(at_once(&admin.http, |_| "https://example.com/same".to_owned()).await, 1);
    assert_eq!(at_once(&member.http, |number| format!("https://example.com/{number}")).await, 10);
    assert_eq!(app.one("SELECT count(*) FROM notification_channels").await, "11");
}
