//! `GET /notifications/templates/{kind}/{locale}`

use serde_json::Value;

use super::ADDED;
use crate::support::TestApp;

#[tokio::test]
async fn get_notification_template_shows_the_built_in_words() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let read = admin.http.get(ADDED).send().await.expect(200);
    insta::assert_json_snapshot!(read.body);
    assert!(read.headers.get("etag").is_some());
    // A language that nobody has written in.
    let french = admin.http.get("/notifications/templates/workspace.member.added/FR").send().await.expect(200);
    assert_eq!((french.text("locale").as_str(), &french.body["built_in"]["title"]), ("fr", &Value::Null));
}

#[tokio::test]
async fn get_notification_template_unknown() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    for path in ["no.such_kind/en", "digest/english", "digest/d", "digest/de-Austria", "digest/1e", "digest/..%2f"] {
        let unknown = admin.http.get(&format!("/notifications/templates/{path}")).send().await;
        unknown.expect_error(404, "Template not found", "NOT_FOUND");
    }
}
