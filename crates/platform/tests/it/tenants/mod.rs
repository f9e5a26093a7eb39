//! Tenants and invitations, one file an operation.

mod accept_invitation;
mod adopt_orphans;
mod audit;
mod bulk_create_invitations;
mod create_invitation;
mod create_tenant;
mod dashboard_admin;
mod dashboard_refusals;
mod dashboard_tenant;
mod delete_tenant;
mod expire_invitations;
mod get_tenant;
mod get_tenant_by_slug;
mod health;
mod list_invitations;
mod list_tenants;
mod races;
mod reactivate_tenant;
mod resend_invitation;
mod revoke_invitation;
mod sign_up_tenant;
mod suspend_tenant;
mod tenant_settings;
mod tenant_usage;
mod update_tenant;
mod validate_tenant_slug;

use axum::http::Method;
use serde_json::{Value, json};
use testkit::Answer;

use crate::fixtures::Refusals;
use crate::support::{PASSWORD, Person, TestApp};

/// What old clients read when no token is sent under these paths.
pub(super) const MISSING: &str = "Missing Authorization header";

/// An operation to be refused.
pub(super) fn refusals(app: &TestApp, method: Method, path: impl Into<String>, body: Option<Value>) -> Refusals<'_> {
    Refusals { app, method, path: path.into(), body }
}

/// Invites `email` to the tenant of `admin`.
pub(super) async fn invite(admin: &Person, email: &str) -> Answer {
    let path = format!("/tenants/{}/invitations", admin.tenant);
    admin.http.post(&path).json(&json!({ "email": email })).send().await
}

/// Accepts with `token`, as Grace Hopper.
pub(super) async fn accept(app: &TestApp, token: &str) -> Answer {
    let body = json!({ "token": token, "password": PASSWORD, "first_name": "Grace", "last_name": "Hopper" });
    app.http.post("/public/invitations/accept").json(&body).send().await
}

impl TestApp {
    /// The first column of one row, as text.
    pub(crate) async fn one(&self, sql: &str) -> String {
        let sql = format!("SELECT ({sql})::text");
        let row = self.db.superuser().await.query_one(&sql, &[]).await.unwrap();
        row.get::<_, Option<String>>(0).unwrap_or_else(|| "NULL".to_owned())
    }

    /// What the audit trail of a tenant says, oldest first, without the records of people.
    pub(super) async fn trail(&self, tenant: &str) -> Vec<Value> {
        let rows = self
            .db
            .superuser()
            .await
            .query(
                "SELECT action, resource_type, changes::text, actor_kind FROM audit_events
                 WHERE tenant_id = $1::text::uuid AND resource_type IN ('tenant', 'invitation') ORDER BY seq",
                &[&tenant],
            )
            .await
            .unwrap();
        rows.iter()
            .map(|row| {
                let changes: Value = serde_json::from_str(row.get("changes")).unwrap();
                json!({
                    "action": row.get::<_, &str>("action"),
                    "resource": row.get::<_, &str>("resource_type"),
                    "actor": row.get::<_, &str>("actor_kind"),
                    "changes": changes,
                })
            })
            .collect()
    }

    /// A tenant of `root`'s making, nobody in it.
    pub(super) async fn empty_tenant(&self, root: &Person, slug: &str) -> String {
        let body = json!({ "name": slug, "slug": slug });
        root.http.post("/tenants").json(&body).send().await.expect(201).text("id")
    }

    /// So many live workspaces of the tenant, each with a project, and a deleted one.
    pub(super) async fn workspaces(&self, tenant: &str, live: u32) {
        self.sql(&format!(
            "WITH made AS (INSERT INTO workspaces (tenant_id, name, created_by)
                 SELECT '{tenant}', 'w' || n, '' FROM generate_series(1, {live}) n RETURNING id)
             INSERT INTO projects (workspace_id, name, created_by) SELECT id, 'p', '' FROM made;
             INSERT INTO workspaces (tenant_id, name, created_by, deleted_at) VALUES ('{tenant}', 'gone', '', now())"
        ))
        .await;
    }
}
