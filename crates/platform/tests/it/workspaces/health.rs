//! `GET /internal/health/workspaces`

use serde_json::json;
use testkit::Client;

use super::schema::Schema;

#[tokio::test]
async fn health_of_the_slice_alone() {
    for schema in Schema::ALL {
        let app = schema.app().await;
        let internal = Client::new(app.app.internal.clone());
        let answer = internal.get("/internal/health/workspaces").send().await.expect(200);
        assert_eq!(answer.body, json!({ "status": "healthy" }));
        app.http.get("/internal/health/workspaces").send().await.expect(404);
        app.sql("ALTER TABLE airtable_bases RENAME TO gone").await;
        internal.get("/internal/health/workspaces").send().await.expect(500);
        internal.get("/internal/health/users").send().await.expect(200);
    }
}
