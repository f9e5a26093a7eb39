//! Projects and Airtable bases (contract 1.3.5, 1.3.6).

use serde_json::{Value, json};

use super::scene::{Scene, has_fields, refuses};
use super::workspaces::{INTERNAL, WORKSPACE, create};
use crate::Client;

const PROJECT: [&str; 10] = [
    "id",
    "workspace_id",
    "name",
    "description",
    "status",
    "settings",
    "created_by",
    "created_at",
    "updated_at",
    "deleted_at",
];
const BASE: [&str; 9] =
    ["id", "project_id", "base_id", "name", "description", "sync_enabled", "created_at", "updated_at", "deleted_at"];
const NOBODY: &str = "00000000-0000-4000-8000-000000000404";

pub(super) async fn all(scene: &Scene) {
    let owner = scene.workspaces_as("owner", "builders");
    let workspace = create(&owner, "Projects").await;
    let viewer = scene.workspaces_as("viewer", "builders");
    let body = json!({ "user_id": "viewer", "role": "viewer" });
    owner.post(&format!("/workspaces/{workspace}/members")).json(&body).send().await.expect(201);
    let project = projects(&owner, &viewer, &workspace).await;
    project_lists(scene, &owner, &workspace).await;
    let base = bases(&owner, &viewer, &project).await;
    base_lists(scene, &owner, &project).await;
    leaving(&owner, &viewer, &project, &base).await;
    quota(scene, &owner).await;
}

async fn projects(owner: &Client, viewer: &Client, workspace: &str) -> String {
    let path = format!("/workspaces/{workspace}/projects");
    refuses(owner.post(&path), 400, "Invalid request body").await;
    refuses(viewer.post(&path).json(&json!({})), 403, "Unauthorized").await;
    refuses(owner.post(&format!("/workspaces/{NOBODY}/projects")).json(&json!({})), 403, "Unauthorized").await;
    let body = json!({ "name": "Launch", "description": "d", "settings": { "a": 1 } });
    let project = owner.post(&path).json(&body).send().await.expect(201);
    has_fields(&project.body, &[&PROJECT[..], &["workspace"]].concat());
    has_fields(&project.body["workspace"], &WORKSPACE);
    assert_eq!(project.body["status"], "active");
    refuses(owner.post(&path).json(&body), 500, INTERNAL).await;
    let other = json!({ "name": "By body", "workspace_id": workspace });
    owner.post("/projects").json(&other).send().await.expect(201);

    let id = project.text("id");
    let path = format!("/projects/{id}");
    viewer.get(&path).send().await.expect(200);
    for path in [format!("/projects/{NOBODY}"), "/projects/no-uuid".to_owned()] {
        refuses(owner.get(&path), 500, INTERNAL).await;
        refuses(owner.put(&path).json(&json!({})), 500, INTERNAL).await;
        refuses(owner.delete(&path), 500, INTERNAL).await;
    }
    refuses(owner.put(&path), 400, "Invalid request body").await;
    refuses(viewer.put(&path).json(&json!({})), 403, "Unauthorized").await;
    refuses(owner.put(&path).json(&json!({ "status": "deleted" })), 500, INTERNAL).await;
    refuses(owner.put(&path).json(&json!({ "name": "By body" })), 500, INTERNAL).await;
    let changed = json!({ "status": "archived", "description": "", "name": "Launched" });
    let changed = owner.put(&path).json(&changed).send().await.expect(200).body;
    assert_eq!((&changed["status"], &changed["description"]), (&json!("archived"), &json!("")));
    let read = owner.get(&path).send().await.expect(200).body;
    assert_eq!(
        (&read["status"], &read["description"], &read["name"]),
        (&json!("archived"), &json!("d"), &json!("Launched"))
    );
    id
}

async fn project_lists(scene: &Scene, owner: &Client, workspace: &str) {
    let list = async |http: &Client, query: &str| http.get(&format!("/projects?{query}")).send().await.expect(200).body;
    let here = format!("workspace_id={workspace}");
    let all = list(owner, &here).await;
    has_fields(&all, &["projects", "total", "page", "page_size", "total_pages"]);
    assert_eq!(all["total"], 2);
    for (query, total) in [("status=archived", 1), ("search=BODY", 1), ("created_by=x", 0)] {
        assert_eq!(list(owner, &format!("{here}&{query}")).await["total"], total, "{query}");
    }
    let stranger = scene.workspaces_as("stranger", "elsewhere");
    let none = list(&stranger, &format!("{here}&page=7&page_size=1000")).await;
    assert_eq!(none, json!({ "projects": [], "total": 0, "page": 1, "page_size": 1000, "total_pages": 0 }));
    // Without a workspace, those of all tenants (T-58).
    assert!(list(&stranger, "").await["total"].as_i64() >= Some(2));
    refuses(owner.get("/projects?page=x"), 400, "Invalid query parameters").await;
}

async fn bases(owner: &Client, viewer: &Client, project: &str) -> String {
    let path = format!("/projects/{project}/airtable-bases");
    let body = json!({ "base_id": "app1", "name": "Base", "description": "d", "sync_enabled": false });
    refuses(owner.post(&path), 400, "Invalid request body").await;
    refuses(viewer.post(&path).json(&body), 403, "Unauthorized").await;
    refuses(owner.post(&format!("/projects/{NOBODY}/airtable-bases")).json(&body), 500, INTERNAL).await;
    let base = owner.post(&path).json(&body).send().await.expect(201);
    has_fields(&base.body, &[&BASE[..], &["project"]].concat());
    has_fields(&base.body["project"], &[&PROJECT[..], &["workspace"]].concat());
    // False was the zero value (T-52).
    assert_eq!(base.body["sync_enabled"], true);
    refuses(owner.post(&path).json(&body), 500, INTERNAL).await;

    let id = base.text("id");
    let path = format!("/airtable-bases/{id}");
    assert_eq!(viewer.get(&path).send().await.expect(200).body["base_id"], "app1");
    refuses(owner.get(&format!("/airtable-bases/{NOBODY}")), 500, INTERNAL).await;
    refuses(owner.put(&path), 400, "Invalid request body").await;
    refuses(viewer.put(&path).json(&json!({})), 403, "Unauthorized").await;
    let changed = owner.put(&path).json(&json!({ "sync_enabled": false, "name": "B2" })).send().await.expect(200).body;
    assert_eq!(changed["sync_enabled"], false);
    let read = owner.get(&path).send().await.expect(200).body;
    assert_eq!((&read["sync_enabled"], &read["name"]), (&json!(true), &json!("B2")));
    id
}

async fn base_lists(scene: &Scene, owner: &Client, project: &str) {
    let list =
        async |http: &Client, query: &str| http.get(&format!("/airtable-bases?{query}")).send().await.expect(200).body;
    let here = format!("project_id={project}");
    let all = list(owner, &here).await;
    has_fields(&all, &["bases", "total", "page", "page_size", "total_pages"]);
    for (query, total) in [("search=APP", 1), ("sync_enabled=false", 0), ("sync_enabled=true", 1)] {
        assert_eq!(list(owner, &format!("{here}&{query}")).await["total"], total, "{query}");
    }
    let stranger = scene.workspaces_as("stranger", "elsewhere");
    assert_eq!(list(&stranger, &here).await["bases"], json!([]));
    assert_eq!(list(owner, &format!("project_id={NOBODY}")).await["bases"], json!([]));
    refuses(owner.get("/airtable-bases?sync_enabled=x"), 400, "Invalid query parameters").await;
    let stats = owner.get("/workspaces/stats").send().await.expect(200).body;
    assert_eq!((&stats["total_projects"], &stats["active_projects"]), (&json!(2), &json!(1)));
    assert_eq!(stats["projects_by_status"], json!({ "active": 1, "archived": 1 }));
    assert_eq!(stats["total_airtable_bases"], 1);
}

async fn leaving(owner: &Client, viewer: &Client, project: &str, base: &str) {
    let (project, base) = (format!("/projects/{project}"), format!("/airtable-bases/{base}"));
    refuses(viewer.delete(&project), 403, "Unauthorized").await;
    refuses(owner.delete(&project), 500, INTERNAL).await;
    refuses(viewer.delete(&base), 403, "Unauthorized").await;
    owner.delete(&base).send().await.expect(204);
    refuses(owner.delete(&base), 500, INTERNAL).await;
    owner.delete(&project).send().await.expect(204);
    refuses(owner.get(&project), 500, INTERNAL).await;
}

/// Fifty of a workspace.
async fn quota(scene: &Scene, owner: &Client) {
    let workspace = create(owner, "Full").await;
    let sql = format!(
        "INSERT INTO projects (workspace_id, name, status, settings, created_by)
         SELECT '{workspace}', 'P' || n, 'active', '{{}}', 'owner' FROM generate_series(1, 50) n"
    );
    scene.sql(&scene.places.workspaces, &sql).await;
    let body: Value = json!({ "name": "One more" });
    refuses(owner.post(&format!("/workspaces/{workspace}/projects")).json(&body), 403, "Quota exceeded").await;
    // Rows nobody gave a time show the zero time.
    let page = owner.get(&format!("/projects?workspace_id={workspace}&page_size=1000")).send().await.expect(200).body;
    assert_eq!(page["projects"].as_array().map(Vec::len), Some(50));
}
