//! Workspaces, their statistics and their audit log (contract 1.3).

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::scene::{Scene, has_fields, refuses, signed};
use crate::Client;
use crate::legacy::layouts::Layout;

pub(super) const INTERNAL: &str = "Internal server error";
pub(super) const WORKSPACE: [&str; 9] =
    ["id", "tenant_id", "name", "description", "settings", "created_by", "created_at", "updated_at", "deleted_at"];

/// Makes one and returns its id.
pub(super) async fn create(http: &Client, name: &str) -> String {
    http.post("/workspaces").json(&json!({ "name": name })).send().await.expect(201).text("id")
}

pub(super) async fn all(scene: &Scene) {
    callers(scene).await;
    let owner = scene.workspaces_as("owner", "acme");
    let id = creation(scene, &owner).await;
    reading(scene, &owner, &id).await;
    changing(scene, &owner, &id).await;
    audit(scene, &owner, &id).await;
    deletion(scene, &owner, &id).await;
    quota(scene).await;
}

async fn callers(scene: &Scene) {
    let http = &scene.http.workspaces;
    let health = http.get("/health").send().await.expect(200).body;
    assert_eq!((&health["status"], &health["service"]), (&json!("healthy"), &json!("workspace-service")));
    let refuse = |token: Option<String>, status: u16, body: Value| async move {
        let request = http.get("/workspaces");
        let request = match &token {
            Some(token) => request.header("authorization", token),
            None => request,
        };
        assert_eq!(request.send().await.expect(status).body, body, "{token:?}");
    };
    let flagged = |message: &str| json!({ "error": true, "message": message });
    refuse(None, 401, flagged("Missing authorization header")).await;
    refuse(Some("Bearer x".to_owned()), 401, flagged("Invalid token")).await;
    let numeric = signed(Algorithm::HS256, &json!({ "user_id": 7 }));
    refuse(Some(format!("Bearer {numeric}")), 401, flagged("Invalid token claims")).await;
    let empty = signed(Algorithm::HS256, &json!({ "user_id": "", "tenant_id": "acme" }));
    refuse(Some(empty), 401, json!({ "error": "Missing authentication" })).await;
    // Bare, and by any HMAC.
    let bare = signed(Algorithm::HS512, &json!({ "user_id": "x", "tenant_id": "nobody's" }));
    http.get("/workspaces").header("authorization", &bare).send().await.expect(200);
    let no_tenant = http.with_bearer(&signed(Algorithm::HS256, &json!({ "user_id": "x" })));
    refuses(no_tenant.post("/workspaces").json(&json!({})), 401, "Missing authentication context").await;
    refuses(no_tenant.get("/workspaces/stats"), 401, "Missing authentication context").await;
}

async fn creation(scene: &Scene, owner: &Client) -> String {
    refuses(owner.post("/workspaces"), 400, "Invalid request body").await;
    refuses(owner.post("/workspaces").json(&json!({ "settings": 1 })), 400, "Invalid request body").await;
    let body = json!({ "name": "Sales", "description": "d", "settings": { "a": 1 } });
    let workspace = owner.post("/workspaces").json(&body).send().await.expect(201).body;
    has_fields(&workspace, &WORKSPACE);
    assert_eq!((&workspace["tenant_id"], &workspace["created_by"]), (&json!("acme"), &json!("owner")));
    assert_eq!((&workspace["settings"], &workspace["deleted_at"]), (&json!({ "a": 1 }), &Value::Null));
    // A time without a zone comes back as it looked in the session's (T-51).
    let hours = if scene.layout == Layout::Tokyo { 9 } else { 0 };
    let shown = scene.now() + jiff::SignedDuration::from_hours(hours);
    assert_eq!(workspace["created_at"], shown.to_string());
    refuses(owner.post("/workspaces").json(&body), 500, INTERNAL).await;
    // An empty name is one.
    let empty = owner.post("/workspaces").json(&json!({})).send().await.expect(201).body;
    assert_eq!((&empty["name"], &empty["description"], &empty["settings"]), (&json!(""), &json!(""), &json!({})));
    workspace["id"].as_str().expect("an id").to_owned()
}

async fn reading(scene: &Scene, owner: &Client, id: &str) {
    let stranger = scene.workspaces_as("stranger", "acme");
    let nobody = "/workspaces/00000000-0000-4000-8000-000000000404";
    owner.get(&format!("/workspaces/{id}")).send().await.expect(200);
    refuses(stranger.get(&format!("/workspaces/{id}")), 403, "Unauthorized").await;
    for path in [nobody, "/workspaces/no-uuid"] {
        refuses(owner.get(path), 500, INTERNAL).await;
    }
    // Everybody of the tenant sees all in the list, and of other tenants who names them (T-58, T-59).
    let list =
        async |http: &Client, query: &str| http.get(&format!("/workspaces?{query}")).send().await.expect(200).body;
    let all = list(&stranger, "").await;
    has_fields(&all, &["workspaces", "total", "page", "page_size", "total_pages"]);
    assert_eq!((&all["total"], &all["page_size"]), (&json!(2), &json!(20)));
    let foreigner = scene.workspaces_as("foreigner", "elsewhere");
    let none = list(&foreigner, "").await;
    assert_eq!((&none["workspaces"], &none["total"]), (&json!([]), &json!(0)));
    assert_eq!(list(&foreigner, "tenant_id=acme").await["total"], 2);
    for (query, total) in [("search=SAL", 1), ("created_by=nobody", 0), ("created_by=owner", 2)] {
        assert_eq!(list(owner, query).await["total"], total, "{query}");
    }
    let large = list(owner, "page_size=1000").await;
    assert_eq!((&large["page_size"], &large["total_pages"]), (&json!(1000), &json!(1)));
    assert_eq!(list(owner, "sort_by=name&sort_order=ASC").await["workspaces"][0]["name"], "");
    for query in ["page=abc", "page_size=abc", "include_deleted=abc"] {
        refuses(owner.get(&format!("/workspaces?{query}")), 400, "Invalid query parameters").await;
    }
    // Whatever the column is called, it goes into the statement (T-60).
    refuses(owner.get("/workspaces?sort_by=nothing"), 500, INTERNAL).await;

    let mine = owner.get("/workspaces/user").send().await.expect(200).body;
    assert_eq!(mine["total"], 2);
    assert_eq!(owner.get("/workspaces/user").send().await.expect(200).body["total"], 2);
    let none = stranger.get("/workspaces/user").send().await.expect(200).body;
    assert_eq!(none, json!({ "workspaces": [], "total": 0 }));
}

async fn changing(scene: &Scene, owner: &Client, id: &str) {
    let path = format!("/workspaces/{id}");
    let stranger = scene.workspaces_as("stranger", "acme");
    refuses(owner.put(&path), 400, "Invalid request body").await;
    refuses(stranger.put(&path).json(&json!({})), 403, "Unauthorized").await;
    // Membership is checked before existence.
    let nobody = "/workspaces/00000000-0000-4000-8000-000000000404";
    refuses(owner.put(nobody).json(&json!({})), 403, "Unauthorized").await;
    refuses(owner.put(&path).json(&json!({ "name": "" })), 500, INTERNAL).await;
    let changed = owner.put(&path).json(&json!({ "description": "", "settings": {} })).send().await.expect(200).body;
    assert_eq!((&changed["description"], &changed["settings"]), (&json!(""), &json!({})));
    // The answer showed it; the row never saw it (T-52).
    let read = owner.get(&path).send().await.expect(200).body;
    assert_eq!((&read["description"], &read["settings"]), (&json!("d"), &json!({})));
    owner.put(&path).json(&json!({ "name": "Sales 2" })).send().await.expect(200);
    assert_eq!(owner.get(&path).send().await.expect(200).body["name"], "Sales 2");

    let stats = owner.get("/workspaces/stats").send().await.expect(200).body;
    assert_eq!((&stats["total_workspaces"], &stats["active_workspaces"]), (&json!(2), &json!(2)));
    assert_eq!((&stats["workspaces_by_tenant"], &stats["projects_by_status"]), (&json!({}), &json!({})));
    assert_eq!((&stats["total_projects"], &stats["total_airtable_bases"]), (&json!(0), &json!(0)));
}

async fn audit(scene: &Scene, owner: &Client, id: &str) {
    let stranger = scene.workspaces_as("stranger", "acme");
    let logs =
        async |http: &Client, query: &str| http.get(&format!("/audit-logs?{query}")).send().await.expect(200).body;
    let here = format!("workspace_id={id}");
    let all = logs(owner, &format!("{here}&sort_by=action&sort_order=asc")).await;
    has_fields(&all, &["logs", "total", "page", "page_size", "total_pages"]);
    assert_eq!((&all["total"], &all["page_size"]), (&json!(3), &json!(50)));
    let first = &all["logs"][0];
    assert_eq!(first["action"], "workspace.created");
    assert_eq!(first["changes"], json!({ "name": "Sales", "description": "d", "tenant_id": "acme" }));
    let fields = ["id", "workspace_id", "user_id", "action", "resource_type", "resource_id", "changes", "created_at"];
    has_fields(first, &fields);
    let none = logs(&stranger, &here).await;
    assert_eq!((&none["logs"], &none["total"]), (&json!([]), &json!(0)));
    // Without a workspace, everybody sees everything (T-58).
    assert!(logs(&stranger, "").await["total"].as_i64() > Some(3));
    let elsewhere = owner.get(&format!("/workspaces/audit-logs?{here}&action=workspace.created")).send().await;
    assert_eq!(elsewhere.expect(200).body["total"], 1);
    let sql = format!("INSERT INTO workspace_members VALUES ('{id}', 'looker', 'viewer', now())");
    scene.sql(&scene.places.workspaces, &sql).await;
    let looker = scene.workspaces_as("looker", "acme");
    refuses(looker.get(&format!("/audit-logs?{here}")), 403, "Unauthorized").await;
    refuses(looker.put(&format!("/workspaces/{id}")).json(&json!({})), 403, "Unauthorized").await;
    refuses(looker.delete(&format!("/workspaces/{id}")), 403, "Unauthorized").await;
    looker.get(&format!("/workspaces/{id}")).send().await.expect(200);
}

async fn deletion(scene: &Scene, owner: &Client, id: &str) {
    let path = format!("/workspaces/{id}");
    let project = owner.post(&format!("{path}/projects")).json(&json!({ "name": "P" })).send().await.expect(201);
    refuses(owner.delete(&path), 500, INTERNAL).await;
    owner.delete(&format!("/projects/{}", project.text("id"))).send().await.expect(204);
    assert!(owner.delete(&path).send().await.expect(204).bytes.is_empty());
    refuses(owner.get(&path), 500, INTERNAL).await;
    let list = async |query: &str| owner.get(&format!("/workspaces?{query}")).send().await.expect(200).body;
    assert_eq!(list("").await["total"], 1);
    assert_eq!(list("include_deleted=true").await["total"], 2);
    // Members stay.
    let members = format!("SELECT count(*)::text FROM workspace_members WHERE workspace_id = '{id}'");
    assert_eq!(scene.value(&scene.places.workspaces, &members).await.as_deref(), Some("2"));

    // The name is free again; a second one that is deleted at the very instant collides with the first (T-49).
    let again = create(owner, "Sales 2").await;
    let deleted = owner.delete(&format!("/workspaces/{again}")).send().await;
    if scene.layout.has_triggers() {
        assert_eq!((deleted.status.as_u16(), &deleted.body), (500, &json!({ "error": INTERNAL })));
        scene.clock.advance(jiff::SignedDuration::from_millis(1));
        owner.delete(&format!("/workspaces/{again}")).send().await.expect(204);
    } else {
        assert_eq!(deleted.status.as_u16(), 204);
    }
}

/// Ten of a tenant, by the code; by the trigger as well where it stands (T-47, T-48).
async fn quota(scene: &Scene) {
    let http = scene.workspaces_as("owner", "full");
    for number in 0..10 {
        create(&http, &format!("W{number}")).await;
    }
    refuses(http.post("/workspaces").json(&json!({ "name": "W0" })), 403, "Quota exceeded").await;
}
