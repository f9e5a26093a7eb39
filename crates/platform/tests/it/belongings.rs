//! Something of everything a tenant can have, and requests that name it by its kind.

use serde_json::json;

use crate::coverage::Operation;
use crate::fixtures::NOBODY;
use crate::support::{Person, TestApp};

/// A tenant with rows in every table of tenants.
pub(crate) struct Belongings {
    pub(crate) admin: Person,
    /// Of role `user`, and a viewer of the workspace.
    pub(crate) member: Person,
    pub(crate) slug: String,
    /// Owned by the admin; one that was deleted stands beside it.
    pub(crate) workspace: String,
    pub(crate) project: String,
    pub(crate) base: String,
    /// Pending.
    pub(crate) invitation: String,
    /// In the member's feed.
    pub(crate) notification: String,
    pub(crate) webhook: String,
    /// A mailbox of the member, with a digest to come.
    pub(crate) channel: String,
    /// To the webhook; given up.
    pub(crate) delivery: String,
    /// A log-in of the member.
    pub(crate) session: String,
}

impl TestApp {
    /// A tenant whose people have addresses in `domain`.
    pub(crate) async fn belongings(&self, domain: &str) -> Belongings {
        let admin = self.admin(&format!("admin@{domain}")).await;
        let member = self.member(&admin, &format!("member@{domain}")).await;
        let made = async |path: String, body: serde_json::Value| {
            // The key is remembered with the answer, by those who remember keys.
            let request = admin.http.post(&path).header("idempotency-key", &format!("{domain}{path}"));
            request.json(&body).send().await.expect(201).text("id")
        };
        let deleted = made("/workspaces".to_owned(), json!({ "name": "Deleted" })).await;
        admin.http.delete(&format!("/workspaces/{deleted}")).send().await.expect(204);
        let workspace = made("/api/v1/workspaces".to_owned(), json!({ "name": "Marketing" })).await;
        let viewer = json!({ "user_id": member.id, "role": "viewer" });
        admin.http.post(&format!("/workspaces/{workspace}/members")).json(&viewer).send().await.expect(201);
        let project = made(format!("/workspaces/{workspace}/projects"), json!({ "name": "Launch" })).await;
        let base = json!({ "base_id": "appOne", "name": "Leads" });
        let base = made(format!("/projects/{project}/airtable-bases"), base).await;
        let invited = json!({ "email": format!("guest@{domain}") });
        let invitation = made(format!("/tenants/{}/invitations", admin.tenant), invited).await;
        let told = json!({ "user_id": member.id, "type": "t", "title": "Told", "message": "m" });
        let notification = made("/notifications".to_owned(), told.clone()).await;
        let own = json!({ "title": "Own" });
        admin.http.put("/notifications/templates/user.role_changed/en").json(&own).send().await.expect(200);
        let webhook = made("/webhooks".to_owned(), json!({ "url": "https://example.com/hooks" })).await;
        let delivery = admin.http.post(&format!("/webhooks/{webhook}/test")).send().await.expect(202).text("id");
        self.sql(&format!(
            "UPDATE webhook_deliveries SET state = 'dead', error = 'answered 500' WHERE id = '{delivery}';
             INSERT INTO webhook_attempts (id, tenant_id, delivery_id, number, error, duration_ms, at)
             VALUES (gen_random_uuid(), '{}', '{delivery}', 1, 'answered 500', 1, now())",
            admin.tenant
        ))
        .await;
        let body = json!({ "type": "email", "address": format!("member@other.{domain}") });
        let channel = member.http.post("/notifications/channels").json(&body).send().await.expect(201).text("id");
        let daily = json!({ "digest": "daily" });
        member.http.put("/notifications/preferences").json(&daily).send().await.expect(200);
        self.sql(&format!("UPDATE notification_channels SET verified_at = now() WHERE id = '{channel}'")).await;
        admin.http.post("/notifications").json(&told).send().await.expect(201);
        let tenant = admin.http.get(&format!("/tenants/{}", admin.tenant)).send().await.expect(200);
        self.sql(&format!(
            "INSERT INTO tenant_suspended_users (tenant_id, user_id, suspended_at)
             VALUES ('{0}', '{1}', now());
             INSERT INTO account_changes (tenant_id, user_id, field, value_before, value_after, changed_at, look_at)
             VALUES ('{0}', '{1}', 'role', 'user', 'admin', now(), now())",
            admin.tenant, member.id
        ))
        .await;
        let database = self.db.superuser().await;
        let session = "SELECT id::text FROM login_sessions WHERE user_id::text = $1 LIMIT 1";
        let session = database.query_one(session, &[&member.id]).await.unwrap().get(0);
        Belongings {
            slug: tenant.text("slug"),
            admin,
            member,
            workspace,
            project,
            base,
            invitation,
            notification,
            webhook,
            channel,
            delivery,
            session,
        }
    }
}

impl Belongings {
    pub(crate) fn tenant(&self) -> &str {
        &self.admin.tenant
    }

    /// What stands in a path behind `segment`.
    pub(crate) fn behind(&self, segment: &str) -> &str {
        match segment {
            "tenants" => self.tenant(),
            "slug" => &self.slug,
            "users" | "members" => &self.member.id,
            "sessions" => &self.session,
            "invitations" => &self.invitation,
            "workspaces" => &self.workspace,
            "notifications" => &self.notification,
            "projects" => &self.project,
            "airtable-bases" => &self.base,
            "templates" => "user.role_changed",
            "{kind}" => "en",
            "webhooks" => &self.webhook,
            "channels" => &self.channel,
            "deliveries" => &self.delivery,
            _ => panic!("say in Belongings what `/{segment}/{{id}}` names"),
        }
    }

    /// What a field of a body or a parameter of a query by this name carries, if it carries an id.
    pub(crate) fn named(&self, name: &str) -> Option<&str> {
        Some(match name {
            "tenant_id" => self.tenant(),
            "id" | "user_id" | "created_by" | "invited_by" | "owner_id" => &self.member.id,
            "workspace_id" | "resource_id" => &self.workspace,
            "project_id" => &self.project,
            "slug" => &self.slug,
            // A place in the caller's own stream.
            "last_event_id" => return None,
            other if other.ends_with("_id") && other != "base_id" => {
                panic!("say in Belongings what the field {other} names")
            }
            _ => return None,
        })
    }

    /// The operation's path, naming what belongs here.
    pub(crate) fn path(&self, operation: &Operation) -> String {
        operation.path_naming(|segment| self.behind(segment).to_owned())
    }

    /// Every id there is, for parameters of any kind.
    pub(crate) fn ids(&self) -> [&str; 14] {
        [
            self.tenant(),
            &self.slug,
            &self.admin.id,
            &self.member.id,
            &self.session,
            &self.invitation,
            &self.notification,
            &self.workspace,
            &self.project,
            &self.base,
            &self.webhook,
            &self.channel,
            &self.delivery,
            NOBODY,
        ]
    }

    /// Undoes what requests of its own people can have done to them and to what others stand on, and makes room again.
    pub(crate) async fn revive(&self, database: &tokio_postgres::Client) {
        let Self {
            admin, member, workspace, project, base, invitation, notification, webhook, channel, delivery, ..
        } = self;
        let (tenant, admin, member) = (&admin.tenant, &admin.id, &member.id);
        database
            .batch_execute(&format!(
                "UPDATE tenants SET is_active = true, status = 'active', deleted_at = NULL, plan = 'free', settings = '{{}}'
                 WHERE id = '{tenant}';
                 UPDATE users SET is_active = true, role = CASE id WHEN '{admin}' THEN 'admin' ELSE 'user' END
                 WHERE id IN ('{admin}', '{member}');
                 UPDATE user_profiles SET is_active = true, deleted_at = NULL WHERE user_id IN ('{admin}', '{member}');
                 UPDATE login_sessions SET revoked_at = NULL WHERE user_id IN ('{admin}', '{member}');
                 UPDATE refresh_tokens SET revoked_at = NULL WHERE user_id IN ('{admin}', '{member}');
                 UPDATE invitations SET status = 'pending', email = id || '@example.com' WHERE id = '{invitation}';
                 DELETE FROM invitations WHERE tenant_id = '{tenant}' AND id <> '{invitation}';
                 INSERT INTO user_notifications (id, tenant_id, user_id, number, event_id, type, title, message,
                     created_at, updated_at)
                 VALUES ('{notification}', '{tenant}', '{member}', 0, '{notification}', 't', 'Told', 'm', now(), now())
                 ON CONFLICT (id) DO UPDATE SET is_read = false, read_at = NULL;
                 DELETE FROM workspaces WHERE tenant_id = '{tenant}' AND id <> '{workspace}' AND deleted_at IS NULL;
                 DELETE FROM projects WHERE workspace_id = '{workspace}' AND id <> '{project}';
                 UPDATE workspaces SET deleted_at = NULL, name = 'Marketing' WHERE id = '{workspace}';
                 UPDATE projects SET deleted_at = NULL, name = 'Launch', status = 'active' WHERE id = '{project}';
                 UPDATE airtable_bases SET deleted_at = NULL WHERE id = '{base}';
                 DELETE FROM notification_templates WHERE tenant_id = '{tenant}';
                 INSERT INTO notification_templates (id, tenant_id, kind, locale, title, created_at, updated_at)
                 VALUES (gen_random_uuid(), '{tenant}', 'user.role_changed', 'en', 'Own', now(), now());
                 DELETE FROM notification_channels WHERE tenant_id = '{tenant}' AND id <> '{channel}';
                 INSERT INTO notification_channels (id, tenant_id, user_id, type, address, created_at, updated_at)
                 VALUES ('{channel}', '{tenant}', '{member}', 'email', 'member@other.example', now(), now())
                 ON CONFLICT (id) DO UPDATE SET is_active = true, verified_at = NULL;
                 INSERT INTO notification_preferences (owner_id, tenant_id, choices, created_at, updated_at)
                 SELECT id, '{tenant}', '{{\"digest\": \"daily\"}}', now(), now()
                 FROM unnest(ARRAY['{tenant}', '{member}', '{admin}']::uuid[]) AS owner (id)
                 ON CONFLICT (owner_id) DO NOTHING;
                 UPDATE notification_channel_codes SET created_at = created_at - interval '1 day'
                 WHERE tenant_id = '{tenant}';
                 DELETE FROM webhook_endpoints WHERE tenant_id = '{tenant}' AND id <> '{webhook}';
                 INSERT INTO webhook_endpoints (id, tenant_id, url, secret, created_at, updated_at)
                 VALUES ('{webhook}', '{tenant}', 'https://example.com/hooks', '', now(), now())
                 ON CONFLICT (id) DO UPDATE SET url = excluded.url, disabled = false;
                 INSERT INTO webhook_deliveries
                     (id, tenant_id, endpoint_id, event_id, event, body, state, created_at, updated_at)
                 VALUES ('{delivery}', '{tenant}', '{webhook}', '{delivery}', 'webhook.test', '{{}}', 'dead', now(), now())
                 ON CONFLICT (id) DO UPDATE SET state = 'dead';
                 INSERT INTO workspace_members (workspace_id, user_id, role)
                 VALUES ('{workspace}', '{admin}', 'owner'), ('{workspace}', '{member}', 'viewer')
                 ON CONFLICT (workspace_id, user_id) DO UPDATE SET role = excluded.role"
            ))
            .await
            .unwrap();
    }
}
