//! tenant-service, of which nothing is known but routes and shapes (contract 1.4).

use serde_json::{Value, json};

use super::scene::{Scene, has_fields, refuses};

const NOBODY: &str = "00000000-0000-4000-8000-000000000404";
const FIELDS: [&str; 10] =
    ["id", "name", "slug", "domain", "plan", "is_active", "settings", "subscription", "created_at", "updated_at"];

pub(super) async fn all(scene: &Scene) {
    let http = &scene.http.tenants;
    http.get("/health").send().await.expect(200);
    refuses(http.post("/tenants"), 400, "Invalid request body").await;
    refuses(http.get("/tenants/x"), 400, "Invalid tenant ID").await;
    refuses(http.get(&format!("/tenants/{NOBODY}")), 404, "Tenant not found").await;
    refuses(http.put(&format!("/tenants/{NOBODY}")).json(&json!({})), 404, "Tenant not found").await;
    refuses(http.delete(&format!("/tenants/{NOBODY}")), 404, "Tenant not found").await;
    let body = json!({ "name": "Acme_Two Inc", "settings": { "a": 1 } });
    if !scene.layout.has_tenants() {
        // Without a table; once expanded there is one, which the old service may or may not have rights on.
        let exists = scene.value(&scene.places.tenants, "SELECT to_regclass('tenants')::text").await.is_some();
        if !exists {
            refuses(http.get("/tenants"), 500, "Failed to list tenants").await;
            refuses(http.post("/tenants").json(&body), 500, "Failed to create tenant").await;
        }
        return;
    }
    let tenant = http.post("/tenants").json(&body).send().await.expect(201);
    has_fields(&tenant.body, &FIELDS);
    assert_eq!((&tenant.body["slug"], &tenant.body["plan"]), (&json!("acme-two-inc"), &json!("free")));
    refuses(http.post("/tenants").json(&body), 500, "Failed to create tenant").await;
    let path = format!("/tenants/{}", tenant.text("id"));
    assert_eq!(http.get(&path).send().await.expect(200).body, tenant.body);
    refuses(http.put(&path), 400, "Invalid request body").await;
    // The whole body over the whole row.
    let changed = json!({ "is_active": false, "slug": "two", "created_at": "2020-01-01T00:00:00Z" });
    let changed = http.put(&path).json(&changed).send().await.expect(200).body;
    assert_eq!((&changed["slug"], &changed["is_active"]), (&json!("two"), &json!(false)));
    assert_eq!(changed["created_at"], "2020-01-01T00:00:00Z");
    refuses(http.put(&path).json(&json!({ "slug": "x".repeat(300) })), 500, "Failed to update tenant").await;
    let list = http.get("/tenants").send().await.expect(200).body;
    assert_eq!((&list["limit"], &list["offset"]), (&json!(10), &json!(0)));
    assert_eq!(list["tenants"].as_array().map(Vec::len), Some(1));
    let id = tenant.text("id");
    let holds = format!("CREATE TABLE holds (id uuid REFERENCES tenants); INSERT INTO holds VALUES ('{id}')");
    scene.sql(&scene.places.tenants, &holds).await;
    refuses(http.delete(&path), 500, "Failed to delete tenant").await;
    scene.sql(&scene.places.tenants, "DROP TABLE holds").await;
    assert_eq!(http.delete(&path).send().await.expect(204).body, Value::Null);
    refuses(http.get(&path), 404, "Tenant not found").await;
}
