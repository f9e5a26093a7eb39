//! Members (contract 1.3.7). Nobody asks whether the person exists, or whether the role is a word (T-19).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::json;

use super::access::{Caller, rank};
use super::cache::workspaces_of;
use super::entities::Member;
use super::lists::{Conditions, Query};
use super::{UNAUTHORIZED, Workspaces, bad_body, internal, no_content};
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Body, Refusal, Reply, answer};
use crate::legacy::scan::Id;

const TYPE: &str = "workspace_member";

pub(super) async fn list(
    State(service): State<Arc<Workspaces>>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Reply {
    let query = Query::of(&uri, 20)?;
    let workspace = Id(id);
    if service.require(&workspace, &caller, "viewer").await.is_err() {
        return query.nothing("members");
    }
    let mut conditions = Conditions::default();
    conditions.and("workspace_id = ?", workspace);
    let found = service.page("workspace_members", &query, &conditions, "joined_at", Member::of).await?;
    query.page("members", &found)
}

pub(super) async fn add(
    State(service): State<Arc<Workspaces>>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Reply {
    let fields = body.fields().map_err(bad_body)?;
    let (user, role) = (fields.plain("user_id").map_err(bad_body)?, fields.plain("role").map_err(bad_body)?);
    let workspace = Id(id);
    let own = service.require(&workspace, &caller, "admin").await?;
    if role == "owner" && own != "owner" {
        return Err(UNAUTHORIZED);
    }
    if service.role(&workspace, &user).await?.is_some() {
        return Err(internal());
    }
    let member = service.insert_member(&workspace, &user, &role).await?;
    let changes = Some(json!({ "user_id": user, "role": role }));
    service.record(&workspace, &caller.user, "member.added", TYPE, &user, changes).await;
    service.cache.forget(&workspaces_of(&user)).await;
    answer(StatusCode::CREATED, &member)
}

/// Where the script's trigger stands, the row stays as it was, and nobody looks (T-45).
pub(super) async fn change(
    State(service): State<Arc<Workspaces>>,
    caller: Caller,
    Path((id, user)): Path<(String, String)>,
    body: Body,
) -> Reply {
    let role = body.fields().and_then(|fields| fields.plain("role")).map_err(bad_body)?;
    let workspace = Id(id);
    let own = service.require(&workspace, &caller, "admin").await?;
    let old = service.role(&workspace, &user).await?.ok_or_else(internal)?;
    if (old == "owner" || role == "owner") && own != "owner" {
        return Err(UNAUTHORIZED);
    }
    if old == "owner" && role != "owner" {
        service.require_another_owner(&workspace).await?;
    }
    let sql = "UPDATE workspace_members SET role = $3 WHERE workspace_id = $1 AND user_id = $2";
    service.store.execute(sql, &[&workspace, &user, &role]).await?;
    let changes = Some(json!({ "user_id": user, "old_role": old, "new_role": role }));
    service.record(&workspace, &caller.user, "member.role_updated", TYPE, &user, changes).await;
    service.cache.forget(&workspaces_of(&user)).await;
    answer(StatusCode::OK, &json!({ "message": "Member role updated successfully" }))
}

pub(super) async fn remove(
    State(service): State<Arc<Workspaces>>,
    caller: Caller,
    Path((id, user)): Path<(String, String)>,
) -> Reply {
    let workspace = Id(id);
    let own = service.require(&workspace, &caller, if user == caller.user { "" } else { "admin" }).await?;
    let role = service.role(&workspace, &user).await?.ok_or_else(internal)?;
    if user != caller.user && role == "owner" && rank(&own) < rank("owner") {
        return Err(UNAUTHORIZED);
    }
    if role == "owner" {
        service.require_another_owner(&workspace).await?;
    }
    let sql = "DELETE FROM workspace_members WHERE workspace_id = $1 AND user_id = $2";
    service.store.execute(sql, &[&workspace, &user]).await?;
    let changes = Some(json!({ "user_id": user, "role": role }));
    service.record(&workspace, &caller.user, "member.removed", TYPE, &user, changes).await;
    service.cache.forget(&workspaces_of(&user)).await;
    Ok(no_content())
}

impl Workspaces {
    pub(super) async fn insert_member(&self, workspace: &Id, user: &str, role: &str) -> Result<Member, Fault> {
        let sql = "INSERT INTO workspace_members (workspace_id, user_id, role, joined_at)
            VALUES ($1, $2, $3, $4::timestamptz) RETURNING *";
        let row = self.store.row(sql, &[workspace, &user, &role, &self.clock.now()]).await?;
        Member::of(&row.ok_or_else(|| Fault("no row".to_owned()))?)
    }

    async fn require_another_owner(&self, workspace: &Id) -> Result<(), Refusal> {
        let sql = "SELECT count(*) FROM workspace_members WHERE workspace_id = $1 AND role = 'owner'";
        if self.store.count(sql, &[workspace]).await? <= 1 { Err(internal()) } else { Ok(()) }
    }
}
