//! Workspaces (contract 1.3.4).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::access::{Caller, TenantCaller};
use super::cache::{self, workspaces_of};
use super::entities::Workspace;
use super::lists::{Conditions, Query};
use super::{QUOTA, Workspaces, bad_body, internal, no_content};
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Body, Refusal, Reply, answer};
use crate::legacy::scan::Id;

/// Live workspaces of a tenant, whatever its plan (T-48).
const MOST: i64 = 10;

/// An empty name is a name. First the quota is looked at, then the name.
pub(super) async fn create(
    State(service): State<Arc<Workspaces>>,
    TenantCaller(caller): TenantCaller,
    body: Body,
) -> Reply {
    let fields = body.fields().map_err(bad_body)?;
    let (name, description) = (fields.plain("name").map_err(bad_body)?, fields.plain("description").map_err(bad_body)?);
    let settings = fields.object("settings").map_err(bad_body)?.unwrap_or_else(|| json!({}));
    let sql = "SELECT count(*) FROM workspaces WHERE tenant_id = $1 AND deleted_at IS NULL";
    if service.store.count(sql, &[&caller.tenant]).await? >= MOST {
        return Err(QUOTA);
    }
    service.require_free_name(&caller.tenant, &name).await?;
    let now = service.clock.now();
    let sql = "INSERT INTO workspaces (tenant_id, name, description, settings, created_by, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6::timestamptz, $6::timestamptz) RETURNING *";
    let row = service.store.row(sql, &[&caller.tenant, &name, &description, &settings, &caller.user, &now]).await?;
    let workspace = Workspace::of(&row.ok_or_else(internal)?)?;
    let id = Id(workspace.id.clone());
    service.insert_member(&id, &caller.user, "owner").await?;
    let changes = json!({ "name": name, "description": description, "tenant_id": caller.tenant });
    service.record(&id, &caller.user, "workspace.created", "workspace", &workspace.id, Some(changes)).await;
    service.cache.forget(&workspaces_of(&caller.user)).await;
    answer(StatusCode::CREATED, &workspace)
}

/// Unlike the changes it looks for the workspace first; from the cache if that has it.
pub(super) async fn get(State(service): State<Arc<Workspaces>>, caller: Caller, Path(id): Path<String>) -> Reply {
    let workspace = match service.cache.get::<Workspace>(&cache::workspace(&id)).await {
        Some(workspace) => workspace,
        None => service.workspace(&Id(id.clone())).await?,
    };
    service.require(&Id(id.clone()), &caller, "viewer").await?;
    service.cache.put(&cache::workspace(&id), &workspace).await;
    answer(StatusCode::OK, &workspace)
}

/// Membership is checked before existence. The answer shows what was sent, the row gets what is not zero.
pub(super) async fn update(
    State(service): State<Arc<Workspaces>>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Reply {
    let fields = body.fields().map_err(bad_body)?;
    let (name, description) = (fields.text("name").map_err(bad_body)?, fields.text("description").map_err(bad_body)?);
    let settings = fields.object("settings").map_err(bad_body)?;
    let key = Id(id.clone());
    service.require(&key, &caller, "admin").await?;
    let mut workspace = service.workspace(&key).await?;
    let mut changes = Map::new();
    if let Some(name) = name.filter(|name| *name != workspace.name) {
        service.require_free_name(&workspace.tenant_id, &name).await?;
        changes.insert("name".to_owned(), json!({ "old": workspace.name, "new": name }));
        workspace.name = name;
    }
    if let Some(description) = description.filter(|text| *text != workspace.description) {
        changes.insert("description".to_owned(), json!({ "old": workspace.description, "new": description }));
        workspace.description = description;
    }
    if let Some(settings) = settings {
        changes.insert("settings".to_owned(), json!({ "old": workspace.settings, "new": settings }));
        workspace.settings = settings;
    }
    workspace.updated_at = service.clock.now();
    service.write_back(&workspace).await?;
    service.record(&key, &caller.user, "workspace.updated", "workspace", &id, Some(Value::Object(changes))).await;
    service.cache.forget(&cache::workspace(&id)).await;
    answer(StatusCode::OK, &workspace)
}

pub(super) async fn delete(State(service): State<Arc<Workspaces>>, caller: Caller, Path(id): Path<String>) -> Reply {
    let key = Id(id.clone());
    service.require(&key, &caller, "owner").await?;
    service.workspace(&key).await?;
    let sql = "SELECT count(*) FROM projects WHERE workspace_id = $1 AND deleted_at IS NULL";
    if service.store.count(sql, &[&key]).await? > 0 {
        return Err(internal());
    }
    service.mark_deleted("workspaces", &key).await?;
    service.record(&key, &caller.user, "workspace.deleted", "workspace", &id, None).await;
    service.cache.forget(&cache::workspace(&id)).await;
    service.cache.forget(&workspaces_of(&caller.user)).await;
    Ok(no_content())
}

/// Everybody of the tenant sees all of them (T-59), and of any other tenant whose id they name (T-58).
pub(super) async fn list(State(service): State<Arc<Workspaces>>, caller: Caller, uri: Uri) -> Reply {
    let query = Query::of(&uri, 20)?;
    let mut conditions = Conditions::default();
    conditions.live(&query);
    conditions.and("tenant_id = ?", query.get("tenant_id").unwrap_or(&caller.tenant).to_owned());
    if let Some(creator) = query.get("created_by") {
        conditions.and("created_by = ?", creator.to_owned());
    }
    conditions.search(&query, &["name", "description"]);
    let found = service.page("workspaces", &query, &conditions, "created_at", Workspace::of).await?;
    query.page("workspaces", &found)
}

impl Workspaces {
    /// A look-up; the database would take it (T-49).
    async fn require_free_name(&self, tenant: &str, name: &str) -> Result<(), Refusal> {
        let sql = "SELECT count(*) FROM workspaces WHERE tenant_id = $1 AND name = $2 AND deleted_at IS NULL";
        if self.store.count(sql, &[&tenant, &name]).await? > 0 { Err(internal()) } else { Ok(()) }
    }

    /// [inferred] The ORM's update of a whole struct: every column that is not zero, as it was read (T-52).
    async fn write_back(&self, workspace: &Workspace) -> Result<(), Fault> {
        let sql = "UPDATE workspaces SET tenant_id = $2, name = coalesce(nullif($3, ''), name),
            description = coalesce(nullif($4, ''), description), settings = $5, created_by = $6,
            created_at = $7::timestamptz, updated_at = $8::timestamptz WHERE id = $1 AND deleted_at IS NULL";
        let Workspace { tenant_id, name, description, settings, created_by, created_at, updated_at, .. } = workspace;
        let id = Id(workspace.id.clone());
        self.store
            .execute(sql, &[&id, tenant_id, name, description, settings, created_by, created_at, updated_at])
            .await?;
        Ok(())
    }

    /// Nothing is ever deleted for good.
    pub(super) async fn mark_deleted(&self, table: &str, id: &Id) -> Result<(), Fault> {
        let sql = format!("UPDATE {table} SET deleted_at = $2::timestamptz WHERE id = $1 AND deleted_at IS NULL");
        self.store.execute(&sql, &[id, &self.clock.now()]).await?;
        Ok(())
    }
}
