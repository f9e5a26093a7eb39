//! `GET /notifications`

use axum::http::Method;
use jiff::SignedDuration;
use serde_json::json;

use super::{MISSING, refusals, text};
use crate::support::TestApp;

#[tokio::test]
async fn list_notifications_logged_out() {
    let app = TestApp::new().await;
    refusals(&app, Method::GET, "/notifications", None).logged_out(MISSING).await;
}

#[tokio::test]
async fn list_notifications_other_tenant() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.admin("ada@example.com").await, app.admin("eve@elsewhere.example").await);
    let grace = app.member(&ada, "grace@example.com").await;
    app.tell_of_events().await;
    ada.note("Ada's").await;
    assert_eq!(ada.titles().await, ["Ada's"]);
    assert!(eve.titles().await.is_empty() && grace.titles().await.is_empty(), "also not those of the same tenant");
}

#[tokio::test]
async fn list_notifications_success_in_every_dialect() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    for number in 0..25 {
        ada.note(&format!("n{number:02}")).await;
        app.clock.advance(SignedDuration::from_secs(1));
    }
    let titles = |body: &serde_json::Value| -> Vec<String> {
        let rows = body["notifications"].as_array().unwrap();
        rows.iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
    };
    let first = ada.http.get("/api/v1/notifications?page=1&page_size=10").send().await.expect(200);
    assert_eq!((first.body["total"].as_i64(), titles(&first.body)[0].as_str()), (Some(25), "n24"));
    assert_eq!(first.body["notifications"], first.body["data"]);
    let offset = ada.http.get("/notifications?limit=10&offset=20").send().await.expect(200);
    assert_eq!(titles(&offset.body), ["n04", "n03", "n02", "n01", "n00"]);
    let alias = ada.http.get("/user/notifications?page=3&page_size=10").send().await.expect(200);
    assert_eq!(titles(&alias.body), titles(&offset.body));

    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ada.http.get(&format!("/notifications?limit=10&cursor={cursor}")).send().await.expect(200);
        all.extend(titles(&page.body));
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let newest_first: Vec<_> = (0..25).rev().map(|number| format!("n{number:02}")).collect();
    assert_eq!(all, newest_first);
}

#[tokio::test]
async fn list_notifications_success_with_filters() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let id = ada.note("read").await;
    ada.http.put(&format!("/notifications/{id}/read")).send().await.expect(204);
    app.clock.advance(SignedDuration::from_hours(24));
    let ada = app.login("ada@example.com").await;
    let mut other = text("other");
    other["type"] = json!("workspace_invitation");
    ada.http.post("/notifications").json(&other).send().await.expect(201);
    for (query, expected) in [
        ("is_read=true", vec!["read"]),
        ("read=false", vec!["other"]),
        ("unread=true", vec!["other"]),
        ("type=workspace_invitation", vec!["other"]),
        ("type=nothing", vec![]),
        ("created_after=2026-03-02", vec!["other"]),
        ("created_before=2026-03-02T00:00:00Z", vec!["read"]),
        ("is_read=&type=", vec!["other", "read"]),
    ] {
        let answer = ada.http.get(&format!("/notifications?{query}")).send().await.expect(200);
        let rows = answer.body["notifications"].as_array().unwrap();
        let titles: Vec<_> = rows.iter().map(|one| one["title"].as_str().unwrap()).collect();
        assert_eq!(titles, expected, "{query}");
    }
    for query in ["is_read=perhaps", "created_after=yesterday", "cursor=x", "limit=many"] {
        let answer = ada.http.get(&format!("/notifications?{query}")).send().await;
        answer.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn list_notifications_leaves_out_what_has_expired() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let mut body = text("short-lived");
    body["expires_at"] = json!("2026-03-01T13:00:00Z");
    let id = ada.http.post("/notifications").json(&body).send().await.expect(201).text("id");
    ada.note("lasting").await;
    assert_eq!((ada.titles().await.len(), ada.unread().await), (2, 2));
    app.clock.advance(SignedDuration::from_hours(1));
    assert_eq!((ada.titles().await, ada.unread().await), (vec!["lasting".to_owned()], 1));
    for (method, path) in [(Method::GET, ""), (Method::PUT, "/read"), (Method::DELETE, "")] {
        ada.http.request(method, &format!("/notifications/{id}{path}")).send().await.expect(404);
    }
    assert_eq!(app.app.notifications.delete_expired(&app.cx()).await.unwrap(), 1);
    assert_eq!(app.one("SELECT count(*) FROM user_notifications").await, "1");
}
