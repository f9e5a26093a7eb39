//! `GET /public/tenants/validate-slug`

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn validate_tenant_slug_success_logged_out() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    app.empty_tenant(&root, "taken").await;
    for (slug, available) in [("free-one", true), ("taken", false), ("no", false), ("-no-", false), ("No-No", false)] {
        let answer =
            app.http.get(&format!("/api/v1/public/tenants/validate-slug?slug={slug}")).send().await.expect(200);
        assert_eq!(answer.body, json!({ "slug": slug, "available": available }));
    }
}

#[tokio::test]
async fn validate_tenant_slug_invalid_query() {
    let app = TestApp::new().await;
    for query in ["", "?slug=", "?other=x"] {
        let answer = app.http.get(&format!("/public/tenants/validate-slug{query}")).send().await;
        answer.expect_error(400, "Slug parameter required", "VALIDATION_ERROR");
    }
}
