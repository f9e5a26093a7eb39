//! Connections of Airtable bases to projects.

use db::{FromRow, Row, get};
use jiff::Timestamp;
use kernel::{BaseId, ProjectId, Versioned};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Project, time};

/// An Airtable base connected to a project.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AirtableBase {
    /// The connection's id.
    #[schema(value_type = uuid::Uuid)]
    pub id: BaseId,
    /// The project it is connected to.
    #[schema(value_type = uuid::Uuid)]
    pub project_id: ProjectId,
    /// Airtable's id of the base; connected at most once to a project.
    #[schema(example = "appA1b2C3d4E5f6G7")]
    pub base_id: String,
    /// Its name.
    pub name: String,
    /// `""` by default.
    pub description: String,
    /// Whether it is kept in step.
    pub sync_enabled: bool,
    /// When it was last brought in step; left out before the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_at: Option<Timestamp>,
    /// When it was connected.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// `null` while connected.
    pub deleted_at: Option<Timestamp>,
    /// On single bases, not in lists; with its workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Box<Project>>,
}

impl Versioned for AirtableBase {
    const BESIDE: &[&str] = &["project"];
}

impl FromRow for AirtableBase {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            id: BaseId(get(row, "id")?),
            project_id: ProjectId(get(row, "project_id")?),
            base_id: get(row, "base_id")?,
            name: get(row, "name")?,
            description: get(row, "description")?,
            sync_enabled: get(row, "sync_enabled")?,
            last_sync_at: get(row, "last_sync_at")?,
            created_at: time(row, "created_at")?,
            updated_at: time(row, "updated_at")?,
            deleted_at: get(row, "deleted_at")?,
            project: None,
        })
    }
}
