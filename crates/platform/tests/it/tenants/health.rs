//! `GET /internal/health/tenants`

use serde_json::json;
use testkit::Client;

use crate::support::TestApp;

#[tokio::test]
async fn health_of_tenants_is_told_on_the_internal_port_only() {
    let app = TestApp::new().await;
    let internal = Client::new(app.app.internal.clone());
    let answer = internal.get("/internal/health/tenants").send().await.expect(200);
    assert_eq!(answer.body, json!({ "status": "healthy" }));
    app.http.get("/internal/health/tenants").send().await.expect(404);
    app.sql("ALTER TABLE tenants RENAME TO elsewhere").await;
    internal.get("/internal/health/tenants").send().await.expect(500);
}
