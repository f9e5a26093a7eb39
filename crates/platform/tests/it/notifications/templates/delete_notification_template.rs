//! `DELETE /notifications/templates/{kind}/{locale}`

use serde_json::json;

use super::{ADDED, put};
use crate::support::TestApp;

#[tokio::test]
async fn delete_notification_template_goes_back_to_the_built_in_words() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let first = admin.http.get(ADDED).send().await.expect(200);
    put(&admin, ADDED, &json!({ "title": "Own" })).await.expect(200);
    admin.http.delete(ADDED).send().await.expect(204);
    assert_eq!(admin.http.get(ADDED).send().await.expect(200).body, first.body);
    let record = "SELECT action || ' ' || changes::text FROM audit_events
        WHERE resource_type = 'notification_template' ORDER BY seq DESC LIMIT 1";
    assert_eq!(app.one(record).await, r#"notification_template.deleted {"title":{"new":null,"old":"Own"}}"#);
}

#[tokio::test]
async fn delete_notification_template_repeated() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    put(&admin, ADDED, &json!({ "title": "Own" })).await.expect(200);
    admin.http.delete(ADDED).send().await.expect(204);
    let before = app.all_rows().await;
    for path in [ADDED, "/notifications/templates/no.such_kind/en", "/notifications/templates/digest/english"] {
        admin.http.delete(path).send().await.expect_error(404, "Template not found", "NOT_FOUND");
    }
    assert_eq!(app.all_rows().await, before);
}
