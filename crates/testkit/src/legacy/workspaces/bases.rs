//! Airtable bases (contract 1.3.6). `sync_enabled: false` never reaches a row (T-52).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::access::Caller;
use super::entities::Base;
use super::lists::{Conditions, Query};
use super::{Workspaces, bad_body, internal, no_content};
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Body, Reply, answer, word};
use crate::legacy::scan::Id;

const TYPE: &str = "airtable_base";

pub(super) async fn connect(
    State(service): State<Arc<Workspaces>>,
    caller: Caller,
    Path(project): Path<String>,
    body: Body,
) -> Reply {
    let fields = body.fields().map_err(bad_body)?;
    let text = |name| fields.plain(name).map_err(bad_body);
    let (base_id, name, description) = (text("base_id")?, text("name")?, text("description")?);
    fields.flag("sync_enabled").map_err(bad_body)?;
    let key = Id(project.clone());
    let parent = service.project_with_workspace(&key).await?;
    let workspace = Id(parent.workspace_id.clone());
    service.require(&workspace, &caller, "member").await?;
    let sql = "SELECT count(*) FROM airtable_bases WHERE project_id = $1 AND base_id = $2 AND deleted_at IS NULL";
    if service.store.count(sql, &[&key, &base_id]).await? > 0 {
        return Err(internal());
    }
    // False is the zero value, so the column's default fills the row either way.
    let sql =
        "INSERT INTO airtable_bases (project_id, base_id, name, description, sync_enabled, created_at, updated_at)
        VALUES ($1, $2, $3, $4, true, $5::timestamptz, $5::timestamptz) RETURNING *";
    let row = service.store.row(sql, &[&key, &base_id, &name, &description, &service.clock.now()]).await?;
    let mut base = Base::of(&row.ok_or_else(internal)?)?;
    let changes = json!({
        "base_id": base_id, "name": name, "project_id": project, "sync_enabled": base.sync_enabled,
    });
    service.record(&workspace, &caller.user, "airtable_base.connected", TYPE, &base.id, Some(changes)).await;
    base.project = Some(parent);
    answer(StatusCode::CREATED, &base)
}

/// [inferred] With its project, like the answer to a creation.
pub(super) async fn get(State(service): State<Arc<Workspaces>>, caller: Caller, Path(id): Path<String>) -> Reply {
    let (mut base, workspace) = service.base_and_workspace(&Id(id)).await?;
    service.require(&workspace, &caller, "viewer").await?;
    base.project = service.project_with_workspace(&Id(base.project_id.clone())).await.ok();
    answer(StatusCode::OK, &base)
}

pub(super) async fn update(
    State(service): State<Arc<Workspaces>>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Reply {
    let fields = body.fields().map_err(bad_body)?;
    let (name, description) = (fields.text("name").map_err(bad_body)?, fields.text("description").map_err(bad_body)?);
    let sync = fields.flag("sync_enabled").map_err(bad_body)?;
    let (mut base, workspace) = service.base_and_workspace(&Id(id.clone())).await?;
    service.require(&workspace, &caller, "member").await?;
    let mut changes = Map::new();
    if let Some(name) = name.filter(|name| *name != base.name) {
        changes.insert("name".to_owned(), json!({ "old": base.name, "new": name }));
        base.name = name;
    }
    if let Some(description) = description.filter(|text| *text != base.description) {
        changes.insert("description".to_owned(), json!({ "old": base.description, "new": description }));
        base.description = description;
    }
    if let Some(sync) = sync.filter(|sync| *sync != base.sync_enabled) {
        changes.insert("sync_enabled".to_owned(), json!({ "old": base.sync_enabled, "new": sync }));
        base.sync_enabled = sync;
    }
    base.updated_at = service.clock.now();
    service.write_base_back(&base).await?;
    let changes = Some(Value::Object(changes));
    service.record(&workspace, &caller.user, "airtable_base.updated", TYPE, &id, changes).await;
    answer(StatusCode::OK, &base)
}

pub(super) async fn disconnect(
    State(service): State<Arc<Workspaces>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Reply {
    let key = Id(id.clone());
    let (base, workspace) = service.base_and_workspace(&key).await?;
    service.require(&workspace, &caller, "admin").await?;
    service.mark_deleted("airtable_bases", &key).await?;
    let changes = Some(json!({ "base_id": base.base_id, "name": base.name }));
    service.record(&workspace, &caller.user, "airtable_base.disconnected", TYPE, &id, changes).await;
    Ok(no_content())
}

/// Without a project all bases of all tenants (T-58).
pub(super) async fn list(State(service): State<Arc<Workspaces>>, caller: Caller, uri: Uri) -> Reply {
    let query = Query::of(&uri, 20)?;
    let mut conditions = Conditions::default();
    conditions.live(&query);
    if let Some(project) = query.get("project_id") {
        let project = Id(project.to_owned());
        let workspace = service.project(&project).await.map(|project| Id(project.workspace_id));
        let allowed = match workspace {
            Ok(workspace) => service.require(&workspace, &caller, "viewer").await.is_ok(),
            Err(_) => false,
        };
        if !allowed {
            return query.nothing("bases");
        }
        conditions.and("project_id = ?", project);
    }
    if let Some(sync) = query.get("sync_enabled").and_then(word) {
        conditions.and("sync_enabled = ?", sync);
    }
    conditions.search(&query, &["name", "description", "base_id"]);
    let found = service.page("airtable_bases", &query, &conditions, "created_at", Base::of).await?;
    query.page("bases", &found)
}

impl Workspaces {
    async fn base_and_workspace(&self, id: &Id) -> Result<(Base, Id), Fault> {
        let base = self.base(id).await?;
        let project = self.project(&Id(base.project_id.clone())).await?;
        Ok((base, Id(project.workspace_id)))
    }

    /// Every column that is not zero: false is, so it stays what it was.
    async fn write_base_back(&self, base: &Base) -> Result<(), Fault> {
        let sql = "UPDATE airtable_bases SET project_id = $2, base_id = $3, name = coalesce(nullif($4, ''), name),
            description = coalesce(nullif($5, ''), description), sync_enabled = sync_enabled OR $6,
            created_at = $7::timestamptz, updated_at = $8::timestamptz WHERE id = $1 AND deleted_at IS NULL";
        let (id, project) = (Id(base.id.clone()), Id(base.project_id.clone()));
        let Base { base_id, name, description, sync_enabled, created_at, updated_at, .. } = base;
        self.store
            .execute(sql, &[&id, &project, base_id, name, description, sync_enabled, created_at, updated_at])
            .await?;
        Ok(())
    }
}
