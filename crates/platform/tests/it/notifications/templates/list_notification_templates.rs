//! `GET /notifications/templates`

use serde_json::{Value, json};

use super::{ADDED, put};
use crate::support::TestApp;

#[tokio::test]
async fn list_notification_templates_shows_every_kind_in_every_language() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    put(&admin, ADDED, &json!({ "title": "Own" })).await.expect(200);
    put(&admin, "/notifications/templates/digest/fr-CA", &json!({ "subject": "Résumé" })).await.expect(200);
    let list = admin.http.get("/api/v1/notifications/templates").send().await.expect(200);
    let templates = list.body["templates"].as_array().unwrap();
    let name = |one: &Value| {
        let mark = if one["overridden"] == true { " own" } else { "" };
        format!("{} {}{mark}", one["kind"].as_str().unwrap(), one["locale"].as_str().unwrap())
    };
    let names: Vec<String> = templates.iter().map(name).collect();
    assert_eq!(list.body["total"], names.len());
    insta::assert_snapshot!(names.join("\n"));
    let read = admin.http.get(ADDED).send().await.expect(200);
    assert!(templates.contains(&read.body));
}
