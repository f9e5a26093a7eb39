//! Members (contract 1.3.7), with triggers and without (T-45, T-46).

use serde_json::{Value, json};

use super::scene::{Scene, has_fields, refuses};
use super::workspaces::{INTERNAL, create};
use crate::Client;

pub(super) async fn all(scene: &Scene) {
    let owner = scene.workspaces_as("owner", "people");
    let workspace = create(&owner, "People").await;
    let path = format!("/workspaces/{workspace}/members");
    adding(scene, &owner, &path).await;
    roles(scene, &owner, &path).await;
    removing(scene, &owner, &path).await;
}

async fn add(http: &Client, path: &str, user: &str, role: &str) -> Value {
    http.post(path).json(&json!({ "user_id": user, "role": role })).send().await.expect(201).body
}

async fn adding(scene: &Scene, owner: &Client, path: &str) {
    refuses(owner.post(path), 400, "Invalid request body").await;
    let member = add(owner, path, "admin", "admin").await;
    has_fields(&member, &["workspace_id", "user_id", "role", "joined_at"]);
    // The person need not exist, nor an id be one.
    add(owner, path, "any text", "viewer").await;
    let again = json!({ "user_id": "admin", "role": "viewer" });
    refuses(owner.post(path).json(&again), 500, INTERNAL).await;
    let admin = scene.workspaces_as("admin", "people");
    refuses(admin.post(path).json(&json!({ "user_id": "x", "role": "owner" })), 403, "Unauthorized").await;
    let stranger = scene.workspaces_as("stranger", "people");
    refuses(stranger.post(path).json(&json!({ "user_id": "x", "role": "viewer" })), 403, "Unauthorized").await;
    // Whether a role must be a word is the table's business (T-19).
    let odd = owner.post(path).json(&json!({ "user_id": "odd", "role": "editor" })).send().await;
    assert_eq!(odd.status.as_u16(), if scene.layout.has_triggers() { 500 } else { 201 });

    let list = owner.get(path).send().await.expect(200).body;
    has_fields(&list, &["members", "total", "page", "page_size", "total_pages"]);
    assert_eq!(list["total"], if scene.layout.has_triggers() { 3 } else { 4 });
    let none = stranger.get(path).send().await.expect(200).body;
    assert_eq!(none, json!({ "members": [], "total": 0, "page": 1, "page_size": 20, "total_pages": 0 }));
    refuses(owner.get(&format!("{path}?page=x")), 400, "Invalid query parameters").await;
}

async fn roles(scene: &Scene, owner: &Client, path: &str) {
    let admin = scene.workspaces_as("admin", "people");
    let put =
        |http: &Client, user: &str, role: &str| http.put(&format!("{path}/{user}")).json(&json!({ "role": role }));
    refuses(owner.put(&format!("{path}/admin")), 400, "Invalid request body").await;
    refuses(put(owner, "nobody", "viewer"), 500, INTERNAL).await;
    refuses(put(&admin, "owner", "viewer"), 403, "Unauthorized").await;
    refuses(put(&admin, "admin", "owner"), 403, "Unauthorized").await;
    refuses(put(&scene.workspaces_as("any%20text", "people"), "admin", "viewer"), 403, "Unauthorized").await;
    refuses(put(owner, "owner", "viewer"), 500, INTERNAL).await;
    let answer = put(owner, "any%20text", "member").send().await.expect(200);
    assert_eq!(answer.body, json!({ "message": "Member role updated successfully" }));
    // The trigger gives the old row back, and nobody looks.
    let list = owner.get(&format!("{path}?sort_by=user_id&sort_order=asc")).send().await.expect(200).body;
    let role = if scene.layout.has_triggers() { "viewer" } else { "member" };
    assert_eq!((&list["members"][1]["user_id"], &list["members"][1]["role"]), (&json!("any text"), &json!(role)));
}

async fn removing(scene: &Scene, owner: &Client, path: &str) {
    let admin = scene.workspaces_as("admin", "people");
    refuses(owner.delete(&format!("{path}/owner")), 500, INTERNAL).await;
    refuses(owner.delete(&format!("{path}/nobody")), 500, INTERNAL).await;
    refuses(admin.delete(&format!("{path}/owner")), 403, "Unauthorized").await;
    let visitor = scene.workspaces_as("any text", "people");
    refuses(visitor.delete(&format!("{path}/admin")), 403, "Unauthorized").await;
    // Oneself, and others by an admin.
    assert!(visitor.delete(&format!("{path}/any%20text")).send().await.expect(204).bytes.is_empty());
    add(owner, path, "second", "owner").await;
    refuses(admin.delete(&format!("{path}/second")), 403, "Unauthorized").await;
    owner.delete(&format!("{path}/owner")).send().await.expect(204);
    let second = scene.workspaces_as("second", "people");
    second.delete(&format!("{path}/admin")).send().await.expect(204);
}
