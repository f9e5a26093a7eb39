//! Projects (contract 1.3.5).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::access::Caller;
use super::cache;
use super::entities::Project;
use super::lists::{Conditions, Query};
use super::{QUOTA, Workspaces, bad_body, internal, no_content};
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Body, Fields, Refusal, Reply, answer};
use crate::legacy::scan::Id;

/// Live projects of a workspace.
const MOST: i64 = 50;

pub(super) async fn create_in(
    State(service): State<Arc<Workspaces>>,
    caller: Caller,
    Path(workspace): Path<String>,
    body: Body,
) -> Reply {
    service.create_project(&caller, workspace, &body.fields().map_err(bad_body)?).await
}

/// The way one client's test suite takes: the workspace stands in the body.
pub(super) async fn create(State(service): State<Arc<Workspaces>>, caller: Caller, body: Body) -> Reply {
    let fields = body.fields().map_err(bad_body)?;
    let workspace = fields.plain("workspace_id").map_err(bad_body)?;
    service.create_project(&caller, workspace, &fields).await
}

/// [inferred] With its workspace, like the answer to a creation.
pub(super) async fn get(State(service): State<Arc<Workspaces>>, caller: Caller, Path(id): Path<String>) -> Reply {
    let project = match service.cache.get::<Project>(&cache::project(&id)).await {
        Some(project) => project,
        None => service.project_with_workspace(&Id(id.clone())).await?,
    };
    service.require(&Id(project.workspace_id.clone()), &caller, "viewer").await?;
    service.cache.put(&cache::project(&id), &project).await;
    answer(StatusCode::OK, &project)
}

pub(super) async fn update(
    State(service): State<Arc<Workspaces>>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Reply {
    let fields = body.fields().map_err(bad_body)?;
    let text = |name| fields.text(name).map_err(bad_body);
    let (name, description, status) = (text("name")?, text("description")?, text("status")?);
    let settings = fields.object("settings").map_err(bad_body)?;
    let mut project = service.project(&Id(id.clone())).await?;
    let workspace = Id(project.workspace_id.clone());
    service.require(&workspace, &caller, "member").await?;
    let mut changes = Map::new();
    if let Some(name) = name.filter(|name| *name != project.name) {
        service.require_free_project_name(&workspace, &name).await?;
        changes.insert("name".to_owned(), json!({ "old": project.name, "new": name }));
        project.name = name;
    }
    if let Some(description) = description.filter(|text| *text != project.description) {
        changes.insert("description".to_owned(), json!({ "old": project.description, "new": description }));
        project.description = description;
    }
    if let Some(status) = status.filter(|status| *status != project.status) {
        if !["active", "archived"].contains(&status.as_str()) {
            return Err(internal());
        }
        changes.insert("status".to_owned(), json!({ "old": project.status, "new": status }));
        project.status = status;
    }
    if let Some(settings) = settings {
        changes.insert("settings".to_owned(), json!({ "old": project.settings, "new": settings }));
        project.settings = settings;
    }
    project.updated_at = service.clock.now();
    service.write_project_back(&project).await?;
    let changes = Some(Value::Object(changes));
    service.record(&workspace, &caller.user, "project.updated", "project", &id, changes).await;
    service.cache.forget(&cache::project(&id)).await;
    answer(StatusCode::OK, &project)
}

pub(super) async fn delete(State(service): State<Arc<Workspaces>>, caller: Caller, Path(id): Path<String>) -> Reply {
    let key = Id(id.clone());
    let project = service.project(&key).await?;
    let workspace = Id(project.workspace_id);
    service.require(&workspace, &caller, "admin").await?;
    let sql = "SELECT count(*) FROM airtable_bases WHERE project_id = $1 AND deleted_at IS NULL";
    if service.store.count(sql, &[&key]).await? > 0 {
        return Err(internal());
    }
    service.mark_deleted("projects", &key).await?;
    let changes = Some(json!({ "name": project.name }));
    service.record(&workspace, &caller.user, "project.deleted", "project", &id, changes).await;
    service.cache.forget(&cache::project(&id)).await;
    Ok(no_content())
}

/// Without a workspace all projects of all tenants (T-58).
pub(super) async fn list(State(service): State<Arc<Workspaces>>, caller: Caller, uri: Uri) -> Reply {
    let query = Query::of(&uri, 20)?;
    let mut conditions = Conditions::default();
    conditions.live(&query);
    if let Some(workspace) = query.get("workspace_id") {
        let workspace = Id(workspace.to_owned());
        if service.require(&workspace, &caller, "viewer").await.is_err() {
            return query.nothing("projects");
        }
        conditions.and("workspace_id = ?", workspace);
    }
    for name in ["status", "created_by"] {
        if let Some(value) = query.get(name) {
            conditions.and(&format!("{name} = ?"), value.to_owned());
        }
    }
    conditions.search(&query, &["name", "description"]);
    let found = service.page("projects", &query, &conditions, "created_at", Project::of).await?;
    query.page("projects", &found)
}

impl Workspaces {
    async fn create_project(&self, caller: &Caller, workspace: String, fields: &Fields) -> Reply {
        let (name, description) =
            (fields.plain("name").map_err(bad_body)?, fields.plain("description").map_err(bad_body)?);
        let settings = fields.object("settings").map_err(bad_body)?.unwrap_or_else(|| json!({}));
        let key = Id(workspace.clone());
        self.require(&key, caller, "member").await?;
        let parent = self.workspace(&key).await?;
        let sql = "SELECT count(*) FROM projects WHERE workspace_id = $1 AND deleted_at IS NULL";
        if self.store.count(sql, &[&key]).await? >= MOST {
            return Err(QUOTA);
        }
        self.require_free_project_name(&key, &name).await?;
        let sql = "INSERT INTO projects (workspace_id, name, description, status, settings, created_by, created_at,
            updated_at) VALUES ($1, $2, $3, 'active', $4, $5, $6::timestamptz, $6::timestamptz) RETURNING *";
        let now = self.clock.now();
        let row = self.store.row(sql, &[&key, &name, &description, &settings, &caller.user, &now]).await?;
        let mut project = Project::of(&row.ok_or_else(internal)?)?;
        let changes = Some(json!({ "name": name, "description": description, "workspace_id": workspace }));
        self.record(&key, &caller.user, "project.created", "project", &project.id, changes).await;
        project.workspace = Some(parent);
        answer(StatusCode::CREATED, &project)
    }

    pub(super) async fn project_with_workspace(&self, id: &Id) -> Result<Project, Fault> {
        let mut project = self.project(id).await?;
        // The ORM loads what it finds, and nothing if the parent is deleted.
        project.workspace = self.workspace(&Id(project.workspace_id.clone())).await.ok();
        Ok(project)
    }

    async fn require_free_project_name(&self, workspace: &Id, name: &str) -> Result<(), Refusal> {
        let sql = "SELECT count(*) FROM projects WHERE workspace_id = $1 AND name = $2 AND deleted_at IS NULL";
        if self.store.count(sql, &[workspace, &name]).await? > 0 { Err(internal()) } else { Ok(()) }
    }

    /// Every column that is not zero (T-52).
    async fn write_project_back(&self, project: &Project) -> Result<(), Fault> {
        let sql = "UPDATE projects SET workspace_id = $2, name = coalesce(nullif($3, ''), name),
            description = coalesce(nullif($4, ''), description), status = coalesce(nullif($5, ''), status),
            settings = $6, created_by = $7, created_at = $8::timestamptz, updated_at = $9::timestamptz
            WHERE id = $1 AND deleted_at IS NULL";
        let (id, workspace) = (Id(project.id.clone()), Id(project.workspace_id.clone()));
        let Project { name, description, status, settings, created_by, created_at, updated_at, .. } = project;
        self.store
            .execute(sql, &[&id, &workspace, name, description, status, settings, created_by, created_at, updated_at])
            .await?;
        Ok(())
    }
}
