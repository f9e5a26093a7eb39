//! A tenant with a workspace in it, and people who stand to it in every way there is.

use axum::http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client};

use super::schema::Schema;
use crate::fixtures::Refusals;
use crate::support::{Person, TestApp};

/// The tenant's admin is no member of the workspace; the owner made it.
pub(crate) struct Scene {
    pub(crate) app: TestApp,
    pub(crate) admin: Person,
    pub(crate) owner: Person,
    pub(crate) workspace: String,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::in_app(TestApp::new().await).await
    }

    pub(crate) async fn on(schema: Schema) -> Self {
        Self::in_app(schema.app().await).await
    }

    pub(crate) async fn in_app(app: TestApp) -> Self {
        let admin = app.admin("admin@example.com").await;
        let owner = app.member(&admin, "owner@example.com").await;
        let workspace = create(&owner.http, "Marketing").await;
        Self { app, admin, owner, workspace }
    }

    /// A person of the tenant who is no member of the workspace.
    pub(crate) async fn stranger(&self) -> Person {
        self.app.member(&self.admin, "stranger@example.com").await
    }

    /// The admin of another tenant.
    pub(crate) async fn foreigner(&self) -> Person {
        self.app.admin("foreigner@elsewhere.example").await
    }

    /// A member of the workspace with `role`.
    pub(crate) async fn with_role(&self, role: &str) -> Person {
        let person = self.app.member(&self.admin, &format!("a.{role}@example.com")).await;
        self.add(&person, role).await;
        person
    }

    pub(crate) async fn add(&self, person: &Person, role: &str) {
        let body = json!({ "user_id": person.id, "role": role });
        self.owner.http.post(&self.path("/members")).json(&body).send().await.expect(201);
    }

    /// A path below the workspace.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/v1/workspaces/{}{rest}", self.workspace)
    }

    pub(crate) fn member_path(&self, person: &Person) -> String {
        self.path(&format!("/members/{}", person.id))
    }

    pub(crate) async fn project(&self, name: &str) -> String {
        let answer = self.owner.http.post(&self.path("/projects")).json(&json!({ "name": name })).send().await;
        answer.expect(201).text("id")
    }

    pub(crate) async fn base(&self, project: &str, base_id: &str) -> String {
        let body = json!({ "base_id": base_id, "name": "Leads" });
        let path = format!("/projects/{project}/airtable-bases");
        self.owner.http.post(&path).json(&body).send().await.expect(201).text("id")
    }

    pub(crate) fn refusals(&self, method: Method, path: &str, body: Option<Value>) -> Refusals<'_> {
        Refusals { app: &self.app, method, path: path.to_owned(), body }
    }

    /// Who is what, as the database has it.
    pub(crate) async fn members(&self) -> Vec<(String, String)> {
        let rows = self
            .app
            .db
            .superuser()
            .await
            .query(
                "SELECT user_id, role FROM workspace_members WHERE workspace_id::text = $1 ORDER BY joined_at, user_id",
                &[&self.workspace],
            )
            .await
            .unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// The audit trail of the workspace in the order it was written: the clock stands still, and nothing is ever removed.
    pub(crate) async fn trail(&self) -> Vec<Value> {
        let rows = self
            .app
            .db
            .superuser()
            .await
            .query(
                "SELECT user_id, action, resource_type, resource_id, changes::text FROM workspace_audit_logs
                 WHERE workspace_id::text = $1 ORDER BY ctid",
                &[&self.workspace],
            )
            .await
            .unwrap();
        let changes = |text: Option<String>| text.map(|text| serde_json::from_str::<Value>(&text).unwrap());
        rows.iter()
            .map(|row| {
                json!({
                    "user_id": row.get::<_, String>(0), "action": row.get::<_, String>(1),
                    "resource_type": row.get::<_, String>(2), "resource_id": row.get::<_, String>(3),
                    "changes": changes(row.get(4)),
                })
            })
            .collect()
    }

    /// What the trail's last record says was done; there must be `length` in all.
    #[track_caller]
    pub(crate) fn expect_last(trail: &[Value], length: usize, action: &str) -> Value {
        assert_eq!(trail.len(), length, "{trail:#?}");
        let last = trail.last().unwrap();
        assert_eq!(last["action"], action, "{trail:#?}");
        last.clone()
    }
}

/// Creates a workspace and returns its id.
pub(crate) async fn create(client: &Client, name: &str) -> String {
    try_create(client, name).await.expect(201).text("id")
}

pub(crate) async fn try_create(client: &Client, name: &str) -> Answer {
    client.post("/api/v1/workspaces").json(&json!({ "name": name })).send().await
}
