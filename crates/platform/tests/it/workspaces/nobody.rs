//! Somebody whose token is good and who has no row belongs to no tenant (T-34), and so do all others like them.

use serde_json::json;
use testkit::Client;
use uuid::Uuid;

use super::scene::Scene;
use crate::support::Person;

impl Scene {
    /// The client of a person whose rows are removed behind the program's back.
    async fn rowless(&self, email: &str) -> (Person, Client) {
        let person = self.app.admin(email).await;
        let id = &person.id;
        self.app
            .sql(&format!("DELETE FROM user_profiles WHERE user_id = '{id}'; DELETE FROM users WHERE id = '{id}'"))
            .await;
        let client = person.http.clone();
        (person, client)
    }
}

/// Rows of the nil tenant: what old programs wrote when they knew none.
const STRAY: &str = "
    INSERT INTO workspaces (id, tenant_id, name, created_by) VALUES
        ('00000000-0000-4000-8000-00000000aaaa', '00000000-0000-0000-0000-000000000000', 'Stray', '');
    INSERT INTO workspace_members (workspace_id, user_id, role)
        SELECT '00000000-0000-4000-8000-00000000aaaa', id, 'owner' FROM unnest(IDS::text[]) AS id;
    INSERT INTO projects (id, workspace_id, name, created_by) VALUES
        ('00000000-0000-4000-8000-00000000bbbb', '00000000-0000-4000-8000-00000000aaaa', 'Stray', '');
    INSERT INTO airtable_bases (id, project_id, base_id, name) VALUES
        ('00000000-0000-4000-8000-00000000cccc', '00000000-0000-4000-8000-00000000bbbb', 'app', 'Stray')";

#[tokio::test]
async fn nobody_shares_a_tenant_with_nobody() {
    let scene = Scene::new().await;
    let (one, http) = scene.rowless("one@example.com").await;
    let (other, another) = scene.rowless("other@example.com").await;
    let ids = format!("'{{{},{}}}'", one.id, other.id);
    scene.app.sql(&STRAY.replace("IDS", &ids)).await;
    scene
        .app
        .sql(&format!(
            "INSERT INTO users (id, email, password_hash, first_name, last_name, tenant_id)
             VALUES (gen_random_uuid(), 'stray@example.com', '!', 'Stray', 'Stray', '{}')",
            Uuid::nil()
        ))
        .await;
    let before = scene.app.all_rows().await;
    for client in [&http, &another] {
        for path in ["/workspaces", "/workspaces/user", "/projects", "/airtable-bases", "/audit-logs"] {
            let answer = client.get(path).send().await.expect(200);
            assert!(!String::from_utf8_lossy(&answer.bytes).contains("Stray"), "{path}: {}", answer.body);
        }
        let stray = "00000000-0000-4000-8000-00000000";
        for (list, parent) in [
            ("projects?workspace_id", "aaaa"),
            ("airtable-bases?project_id", "bbbb"),
            ("audit-logs?workspace_id", "aaaa"),
        ] {
            let answer = client.get(&format!("/{list}={stray}{parent}")).send().await.expect(200);
            assert_eq!(answer.body["total"], 0, "{list}");
        }
        for (path, missing) in [
            ("workspaces", "Workspace not found"),
            ("projects", "Project not found"),
            ("airtable-bases", "Airtable base not found"),
        ] {
            let end = if path == "workspaces" {
                "aaaa"
            } else if path == "projects" {
                "bbbb"
            } else {
                "cccc"
            };
            let path = format!("/{path}/{stray}{end}");
            client.get(&path).send().await.expect_error(404, missing, "NOT_FOUND");
            client.put(&path).json(&json!({ "name": "x" })).send().await.expect_error(404, missing, "NOT_FOUND");
            client.delete(&path).send().await.expect_error(404, missing, "NOT_FOUND");
        }
        let create = client.post("/workspaces").json(&json!({ "name": "Ours" })).send().await;
        create.expect_error(401, "Missing authentication context", "UNAUTHORIZED");
        client.get("/workspaces/stats").send().await.expect_error(
            401,
            "Missing authentication context",
            "UNAUTHORIZED",
        );
        client.get("/users").send().await.expect_error(403, "Access denied", "FORBIDDEN");
        client.get("/users/stats").send().await.expect_error(403, "Access denied", "FORBIDDEN");
    }
    assert_eq!(scene.app.all_rows().await, before);
}

/// Old services let anybody be a member; somebody of another tenant can be taken down and out, but not up.
#[tokio::test]
async fn foreign_members_do_not_rise() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    scene
        .app
        .sql(&format!(
            "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ('{}', '{}', 'member')",
            scene.workspace, foreigner.id
        ))
        .await;
    let path = scene.member_path(&foreigner);
    for role in ["admin", "owner"] {
        let answer = scene.owner.http.put(&path).json(&json!({ "role": role })).send().await;
        answer.expect_error(404, "User not found", "NOT_FOUND");
        foreigner.http.get(&scene.path("")).send().await.expect_error(404, "Workspace not found", "NOT_FOUND");
    }
    scene.owner.http.put(&path).json(&json!({ "role": "viewer" })).send().await.expect(200);
    scene.owner.http.delete(&path).send().await.expect(204);
}
