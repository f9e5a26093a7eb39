//! `GET /notifications/{id}`, `GET /notifications/unread-count`, reading and deleting, in both dialects (T-63).

use axum::http::Method;
use serde_json::json;

use super::{MISSING, refusals};
use crate::fixtures::NOBODY;
use crate::support::{Person, TestApp};

/// Ada with a notification, and somebody of another tenant.
async fn scene() -> (TestApp, Person, String, Person) {
    let app = TestApp::new().await;
    let (ada, eve) = (app.admin("ada@example.com").await, app.admin("eve@elsewhere.example").await);
    let id = ada.note("Maintenance").await;
    (app, ada, id, eve)
}

async fn logged_out(method: Method, path: &str) {
    let (app, _, id, _) = scene().await;
    refusals(&app, method, path.replace("ID", &id), None).logged_out(MISSING).await;
}

/// Neither an admin of another tenant nor one of the same can reach it.
async fn not_theirs(method: Method, path: &str) {
    let (app, ada, id, eve) = scene().await;
    let grace = app.member(&ada, "grace@example.com").await;
    for other in [&eve, &grace] {
        let refusals = refusals(&app, method.clone(), path.replace("ID", &id), None);
        refusals.expect(&other.http, 404, "Notification not found", "NOT_FOUND").await;
    }
    for missing in [NOBODY, "7"] {
        let answer = ada.http.request(method.clone(), &path.replace("ID", missing)).send().await;
        answer.expect_error(404, "Notification not found", "NOT_FOUND");
    }
}

#[tokio::test]
async fn get_notification_logged_out() {
    logged_out(Method::GET, "/notifications/ID").await;
}

#[tokio::test]
async fn get_notification_other_tenant() {
    not_theirs(Method::GET, "/notifications/ID").await;
}

#[tokio::test]
async fn get_notification_success() {
    let (_, ada, id, _) = scene().await;
    let answer = ada.http.get(&format!("/api/v1/notifications/{id}")).send().await.expect(200);
    insta::assert_json_snapshot!(crate::support::stable(&answer.body));
    assert_eq!(ada.unread().await, 1, "looking is not reading");
}

#[tokio::test]
async fn get_unread_count_logged_out() {
    logged_out(Method::GET, "/notifications/unread-count").await;
}

#[tokio::test]
async fn get_unread_count_other_tenant() {
    let (_, ada, _, eve) = scene().await;
    assert_eq!((ada.unread().await, eve.unread().await), (1, 0));
    let alias = ada.http.get("/api/user/notifications/unread-count").send().await.expect(200);
    assert_eq!(alias.body["unread_count"], 1);
}

#[tokio::test]
async fn read_notification_logged_out() {
    logged_out(Method::PUT, "/notifications/ID/read").await;
}

#[tokio::test]
async fn read_notification_other_tenant() {
    not_theirs(Method::PUT, "/notifications/ID/read").await;
}

#[tokio::test]
async fn read_notification_success_and_repeated() {
    let (app, ada, id, _) = scene().await;
    let path = format!("/notifications/{id}/read");
    ada.http.put(&path).send().await.expect(204);
    let read = ada.feed().await[0].clone();
    assert_eq!((&read["is_read"], &read["read"], ada.unread().await), (&json!(true), &json!(true), 0));
    app.clock.advance(jiff::SignedDuration::from_secs(60));
    ada.http.put(&path).send().await.expect(204);
    assert_eq!(ada.feed().await[0], read, "when it was read first stays");
}

#[tokio::test]
async fn user_read_notification_logged_out() {
    logged_out(Method::PUT, "/user/notifications/ID/read").await;
}

#[tokio::test]
async fn user_read_notification_other_tenant() {
    not_theirs(Method::PUT, "/user/notifications/ID/read").await;
}

#[tokio::test]
async fn user_read_notification_success() {
    let (_, ada, id, _) = scene().await;
    let answer = ada.http.put(&format!("/api/v1/user/notifications/{id}/read")).send().await.expect(200);
    assert_eq!(answer.text("message"), "Notification marked as read");
    assert_eq!(ada.unread().await, 0);
}

#[tokio::test]
async fn read_all_notifications_logged_out() {
    logged_out(Method::PUT, "/notifications/read-all").await;
}

#[tokio::test]
async fn read_all_notifications_other_tenant() {
    let (_, ada, _, eve) = scene().await;
    eve.http.put("/notifications/read-all").send().await.expect(204);
    assert_eq!(ada.unread().await, 1);
    ada.note("Another").await;
    ada.http.put("/notifications/read-all").send().await.expect(204);
    assert_eq!(ada.unread().await, 0);
}

#[tokio::test]
async fn user_read_all_notifications_logged_out() {
    logged_out(Method::PUT, "/user/notifications/read-all").await;
}

#[tokio::test]
async fn user_read_all_notifications_other_tenant() {
    let (_, ada, _, eve) = scene().await;
    let answer = eve.http.put("/user/notifications/read-all").send().await.expect(200);
    assert_eq!((answer.text("message").as_str(), ada.unread().await), ("All notifications marked as read", 1));
}

#[tokio::test]
async fn delete_notification_logged_out() {
    logged_out(Method::DELETE, "/notifications/ID").await;
}

#[tokio::test]
async fn delete_notification_other_tenant() {
    not_theirs(Method::DELETE, "/notifications/ID").await;
}

#[tokio::test]
async fn delete_notification_success_and_repeated() {
    let (_, ada, id, _) = scene().await;
    let path = format!("/notifications/{id}");
    ada.http.delete(&path).send().await.expect(204);
    ada.http.delete(&path).send().await.expect(404);
    assert_eq!((ada.feed().await.len(), ada.unread().await), (0, 0));
}

#[tokio::test]
async fn user_delete_notification_logged_out() {
    logged_out(Method::DELETE, "/user/notifications/ID").await;
}

#[tokio::test]
async fn user_delete_notification_other_tenant() {
    not_theirs(Method::DELETE, "/user/notifications/ID").await;
}

#[tokio::test]
async fn user_delete_notification_success() {
    let (_, ada, id, _) = scene().await;
    let answer = ada.http.delete(&format!("/user/notifications/{id}")).send().await.expect(200);
    assert_eq!(answer.text("message"), "Notification deleted");
    assert_eq!(ada.feed().await.len(), 0);
}
