//! notification-service: two pings (contract 1.5).

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::scene::{Scene, signed};

pub(super) async fn all(scene: &Scene) {
    let http = &scene.http.notifications;
    http.get("/health").send().await.expect(200);
    assert_eq!(http.get("/ping").send().await.expect(200).body, json!({ "message": "pong" }));
    let refused = http.get("/protected/ping").send().await.expect(401).body;
    assert_eq!(refused, json!({ "error": true, "message": "Missing authorization header" }));
    let token = signed(Algorithm::HS256, &json!({ "user_id": "x" }));
    http.with_bearer(&token).get("/protected/ping").send().await.expect(200);
    // The scaffold's example has a table, and nothing else does.
    let table = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = to_regclass('examples') AND attname = 'id'";
    assert_eq!(scene.value(&scene.places.notifications, table).await.as_deref(), Some("bigint"));
}
