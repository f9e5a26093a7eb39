//! The rows as the ORM reads them: every column, by name, NULL as the zero value.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::Workspaces;
use crate::legacy::fault::Fault;
use crate::legacy::scan::{Id, Moment};

/// What the ORM leaves for a time that is NULL.
fn year_one() -> Timestamp {
    Timestamp::from_second(-62_135_596_800).unwrap_or_default()
}

fn plain<'a, T: FromSql<'a> + Default>(row: &'a Row, name: &str) -> Result<T, Fault> {
    Ok(row.try_get::<_, Option<T>>(name)?.unwrap_or_default())
}

fn id(row: &Row, name: &str) -> Result<String, Fault> {
    Ok(row.try_get::<_, Option<Id>>(name)?.map(|id| id.0).unwrap_or_default())
}

fn at(row: &Row, name: &str) -> Result<Timestamp, Fault> {
    Ok(maybe_at(row, name)?.unwrap_or_else(year_one))
}

fn maybe_at(row: &Row, name: &str) -> Result<Option<Timestamp>, Fault> {
    Ok(row.try_get::<_, Option<Moment>>(name)?.map(|moment| moment.0))
}

fn object(row: &Row, name: &str) -> Result<Value, Fault> {
    Ok(row.try_get::<_, Option<Value>>(name)?.filter(|value| !value.is_null()).unwrap_or_else(|| json!({})))
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Workspace {
    pub(super) id: String,
    pub(super) tenant_id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) settings: Value,
    pub(super) created_by: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) deleted_at: Option<Timestamp>,
}

impl Workspace {
    pub(super) fn of(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            id: id(row, "id")?,
            tenant_id: plain(row, "tenant_id")?,
            name: plain(row, "name")?,
            description: plain(row, "description")?,
            settings: object(row, "settings")?,
            created_by: plain(row, "created_by")?,
            created_at: at(row, "created_at")?,
            updated_at: at(row, "updated_at")?,
            deleted_at: maybe_at(row, "deleted_at")?,
        })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Project {
    pub(super) id: String,
    pub(super) workspace_id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) status: String,
    pub(super) settings: Value,
    pub(super) created_by: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) deleted_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) workspace: Option<Workspace>,
}

impl Project {
    pub(super) fn of(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            id: id(row, "id")?,
            workspace_id: id(row, "workspace_id")?,
            name: plain(row, "name")?,
            description: plain(row, "description")?,
            status: plain(row, "status")?,
            settings: object(row, "settings")?,
            created_by: plain(row, "created_by")?,
            created_at: at(row, "created_at")?,
            updated_at: at(row, "updated_at")?,
            deleted_at: maybe_at(row, "deleted_at")?,
            workspace: None,
        })
    }
}

#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_field_names, reason = "the column's name")]
pub(super) struct Base {
    pub(super) id: String,
    pub(super) project_id: String,
    pub(super) base_id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) sync_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_sync_at: Option<Timestamp>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) deleted_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) project: Option<Project>,
}

impl Base {
    pub(super) fn of(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            id: id(row, "id")?,
            project_id: id(row, "project_id")?,
            base_id: plain(row, "base_id")?,
            name: plain(row, "name")?,
            description: plain(row, "description")?,
            sync_enabled: plain(row, "sync_enabled")?,
            last_sync_at: maybe_at(row, "last_sync_at")?,
            created_at: at(row, "created_at")?,
            updated_at: at(row, "updated_at")?,
            deleted_at: maybe_at(row, "deleted_at")?,
            project: None,
        })
    }
}

/// No id and no times but one (T-18).
#[derive(Debug, Clone, Serialize)]
pub(super) struct Member {
    pub(super) workspace_id: String,
    pub(super) user_id: String,
    pub(super) role: String,
    pub(super) joined_at: Timestamp,
}

impl Member {
    pub(super) fn of(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            workspace_id: id(row, "workspace_id")?,
            user_id: plain(row, "user_id")?,
            role: plain(row, "role")?,
            joined_at: at(row, "joined_at")?,
        })
    }
}

impl Workspaces {
    /// One that is not deleted; a missing one is a failure like any other.
    pub(super) async fn workspace(&self, key: &Id) -> Result<Workspace, Fault> {
        Workspace::of(&self.one("workspaces", key).await?)
    }

    pub(super) async fn project(&self, key: &Id) -> Result<Project, Fault> {
        Project::of(&self.one("projects", key).await?)
    }

    pub(super) async fn base(&self, key: &Id) -> Result<Base, Fault> {
        Base::of(&self.one("airtable_bases", key).await?)
    }

    async fn one(&self, table: &str, key: &Id) -> Result<Row, Fault> {
        let sql = format!("SELECT * FROM {table} WHERE id = $1 AND deleted_at IS NULL ORDER BY id LIMIT 1");
        self.store.row(&sql, &[key]).await?.ok_or_else(|| Fault("record not found".to_owned()))
    }
}
