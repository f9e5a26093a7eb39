//! `POST /notifications/templates/preview`

use serde_json::{Value, json};

use super::{ADDED, put};
use crate::support::TestApp;

const PREVIEW: &str = "/notifications/templates/preview";

fn of_added(parts: &Value, variables: &Value) -> Value {
    json!({ "kind": "workspace.member.added", "locale": "en", "parts": parts, "variables": variables })
}

#[tokio::test]
async fn preview_notification_template_fills_in_a_sample_and_saves_nothing() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    put(&admin, ADDED, &json!({ "message": "Saved: {{ role }}" })).await.expect(200);
    let before = app.all_rows().await;
    let parts = json!({ "title": "{{ user.display_name }} in {{ workspace_name }}" });
    let variables = json!({ "workspace_name": "<b>Sales</b>" });
    let preview = admin.http.post(PREVIEW).json(&of_added(&parts, &variables)).send().await.expect(200);
    let told = |field: &str| preview.text(field);
    assert_eq!(told("title"), "Ada Lovelace in <b>Sales</b>");
    assert_eq!(told("message"), "Saved: viewer");
    assert_eq!(told("subject"), told("title"));
    assert!(told("text").contains("added to the workspace <b>Sales</b>."));
    assert!(told("html").contains("&lt;b&gt;Sales") && !told("html").contains("<b>"));
    assert_eq!(app.all_rows().await, before);
    // With a key too it is filled in anew: meanwhile the saved part may be another.
    let keyed = || admin.http.post(PREVIEW).header("idempotency-key", "k").json(&of_added(&parts, &json!({})));
    keyed().send().await.expect(200);
    put(&admin, ADDED, &json!({ "message": "Changed" })).await.expect(200);
    assert_eq!(keyed().send().await.expect(200).text("message"), "Changed");
    // Every kind can be looked at as it is.
    let list = admin.http.get("/notifications/templates").send().await.expect(200);
    for one in list.body["templates"].as_array().unwrap() {
        let body = json!({ "kind": one["kind"], "locale": one["locale"] });
        let preview = admin.http.post(PREVIEW).json(&body).send().await.expect(200);
        assert!(!preview.text("subject").is_empty() && !preview.text("text").is_empty(), "{body}");
    }
}

#[tokio::test]
async fn preview_notification_template_invalid_body() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let broken = of_added(&json!({ "body": "\n{{ role" }), &json!({}));
    let refused = admin.http.post(PREVIEW).json(&broken).send().await;
    let refused = refused.expect_error(400, "Invalid input", "VALIDATION_ERROR");
    assert_eq!(refused.body["details"][0]["field"], "body");
    assert!(refused.text("message").starts_with("body line 2: syntax error"), "{}", refused.body);
    let long = of_added(&json!({ "title": "x".repeat(1_001) }), &json!({}));
    admin.http.post(PREVIEW).json(&long).send().await.expect(400);
    let much = of_added(&json!({}), &json!({ "workspace_name": "x".repeat(9_000) }));
    let refused = admin.http.post(PREVIEW).json(&much).send().await.expect(400);
    assert_eq!(refused.body["details"][0]["field"], "variables");
    for body in [json!({}), json!({ "kind": "digest", "locale": "?" }), json!({ "kind": "x", "locale": "en" })] {
        admin.http.post(PREVIEW).json(&body).send().await.expect_error(404, "Template not found", "NOT_FOUND");
    }
}

#[tokio::test]
async fn preview_notification_template_stops_what_would_run_long() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let all: Vec<u32> = (0..1_000).collect();
    let each = |inner: &str| format!("{{% for a in all %}}{inner}{{% endfor %}}");
    for body in [each(&each(&each("x"))), each("{{ all }}")] {
        let body = of_added(&json!({ "body": body }), &json!({ "all": all }));
        let began = std::time::Instant::now();
        let refused = admin.http.post(PREVIEW).json(&body).send().await.expect(400);
        let told = refused.text("message");
        assert!(told.contains("too many steps") || told.contains("longer than 65536 bytes"), "{told}");
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    }
}
