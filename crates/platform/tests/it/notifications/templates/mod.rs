//! The words people are told things in, and what becomes of a tenant's own.

mod access;
mod delete_notification_template;
mod get_notification_template;
mod list_notification_templates;
mod preview_notification_template;
mod told;
mod update_notification_template;

use serde_json::Value;
use testkit::Answer;

use crate::support::Person;

/// The template of what everybody in these tests is told.
const ADDED: &str = "/notifications/templates/workspace.member.added/en";

/// Sets own words.
async fn put(admin: &Person, path: &str, parts: &Value) -> Answer {
    admin.http.put(path).json(parts).send().await
}

/// Makes a workspace and adds somebody to it, who is then told.
async fn add(admin: &Person, user: &Person) {
    let named = serde_json::json!({ "name": "Marketing" });
    let workspace = admin.http.post("/workspaces").json(&named).send().await.expect(201).text("id");
    let viewer = serde_json::json!({ "user_id": user.id, "role": "viewer" });
    admin.http.post(&format!("/workspaces/{workspace}/members")).json(&viewer).send().await.expect(201);
}
