//! `PUT /notifications/templates/{kind}/{locale}`

use serde_json::{Value, json};

use super::{ADDED, put};
use crate::support::TestApp;

#[tokio::test]
async fn update_notification_template_success() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let parts = json!({ "title": "Welcome to {{ workspace_name }}", "body": "Dear {{ user.first_name }}" });
    let made = put(&admin, ADDED, &parts).await.expect(200);
    insta::assert_json_snapshot!(made.body);
    let read = admin.http.get(ADDED).send().await.expect(200);
    assert_eq!((&read.body, read.headers.get("etag")), (&made.body, made.headers.get("etag")));
    // What is left out is the program's again.
    let next = put(&admin, ADDED, &json!({ "message": "As {{ role }}" })).await.expect(200);
    assert_eq!((&next.body["title"], &next.body["message"]), (&Value::Null, &json!("As {{ role }}")));
    let records = "SELECT string_agg(action || ' ' || resource_id || ' ' || changes::text, E'\\n' ORDER BY seq)
        FROM audit_events WHERE resource_type = 'notification_template'";
    insta::assert_snapshot!(app.one(records).await);
}

#[tokio::test]
async fn update_notification_template_repeated() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let first = put(&admin, ADDED, &json!({ "title": "Own" })).await.expect(200);
    let before = app.all_rows().await;
    let second = put(&admin, ADDED, &json!({ "title": "Own" })).await.expect(200);
    assert_eq!(first.body, second.body);
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn update_notification_template_invalid_body() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let before = app.all_rows().await;
    for (field, parts, message) in [
        ("title", json!({}), "must be given"),
        ("title", json!({ "title": "  " }), "must not be empty"),
        ("title", json!({ "title": "x".repeat(1_001) }), "must be at most 1000"),
        ("message", json!({ "message": "x".repeat(10_001) }), "must be at most 10000"),
        ("body", json!({ "body": "x".repeat(20_001) }), "must be at most 20000"),
        ("message", json!({ "title": "fine", "message": "one\n{{ role" }), "line 2: syntax error"),
        ("body", json!({ "body": "{{ role|nothing }}" }), "line 1: unknown filter"),
        ("body", json!({ "body": "{% for i in range(100000000) %}x{% endfor %}" }), "line 1: functions are not"),
        ("body", json!({ "body": "\n\n{% include 'etc/passwd' %}" }), "line 3: `include` is not available"),
        ("subject", json!({ "subject": "{% if false %}x{% endif %}" }), "it makes an empty text"),
        ("body", json!({ "body": format!("{{{{ a{} }}}}", ".a".repeat(9_000)) }), "line 1: a tag may not have more"),
    ] {
        let refused = put(&admin, ADDED, &parts).await;
        let refused = refused.expect_error(400, "Invalid input", "VALIDATION_ERROR");
        assert_eq!(refused.body["details"][0]["field"], field, "{}", refused.body);
        let told = refused.body["details"][0]["message"].as_str().unwrap();
        assert!(told.starts_with(message), "{told}");
    }
    put(&admin, "/notifications/templates/no.such_kind/en", &json!({ "title": "x" })).await.expect(404);
    put(&admin, "/notifications/templates/digest/english", &json!({ "title": "x" })).await.expect(404);
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn update_notification_template_conflict() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    app.sql(&format!(
        "INSERT INTO notification_templates (id, tenant_id, kind, locale, title, created_at, updated_at)
         SELECT gen_random_uuid(), '{}', 'digest', 'x' || n, 't', now(), now() FROM generate_series(1, 200) n",
        admin.tenant
    ))
    .await;
    put(&admin, ADDED, &json!({ "title": "x" })).await.expect_error(409, "Too many templates", "CONFLICT");
    // One that there is can still be changed.
    app.sql("UPDATE notification_templates SET locale = 'fr' WHERE locale = 'x1'").await;
    put(&admin, "/notifications/templates/digest/fr", &json!({ "title": "x" })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn update_notification_template_at_once_makes_one() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let answers = futures_util::future::join_all((0..8).map(|n| {
        let admin = &admin;
        async move { put(admin, ADDED, &json!({ "title": format!("number {n}") })).await }
    }))
    .await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(app.one("SELECT count(*) FROM notification_templates").await, "1");
    // Who insists on what nobody has written yet is refused once somebody has.
    let unwritten = admin.http.get("/notifications/templates/digest/en").send().await.expect(200);
    let tag = unwritten.headers.get("etag").unwrap().to_str().unwrap().to_owned();
    let write = || admin.http.put("/notifications/templates/digest/en").header("if-match", &tag);
    write().json(&json!({ "subject": "first" })).send().await.expect(200);
    write().json(&json!({ "subject": "second" })).send().await.expect(412);
}
