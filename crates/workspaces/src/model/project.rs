//! Projects.

use db::{FromRow, Row, get};
use jiff::Timestamp;
use kernel::{ProjectId, Versioned, WorkspaceId};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Workspace, object, time};
use crate::WorkspaceError;

/// Part of a workspace; bases are connected to it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Project {
    /// The project's id.
    #[schema(value_type = uuid::Uuid)]
    pub id: ProjectId,
    /// The workspace it belongs to.
    #[schema(value_type = uuid::Uuid)]
    pub workspace_id: WorkspaceId,
    /// Unique among the live projects of the workspace.
    pub name: String,
    /// `""` by default.
    pub description: String,
    /// `active` or `archived`.
    pub status: String,
    /// Free-form.
    #[schema(value_type = Object)]
    pub settings: Box<RawValue>,
    /// Who created it.
    pub created_by: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// `null` while alive.
    pub deleted_at: Option<Timestamp>,
    /// On single projects, not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Box<Workspace>>,
}

impl Versioned for Project {
    const BESIDE: &[&str] = &["workspace"];
}

impl FromRow for Project {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            id: ProjectId(get(row, "id")?),
            workspace_id: WorkspaceId(get(row, "workspace_id")?),
            name: get(row, "name")?,
            description: get(row, "description")?,
            status: get(row, "status")?,
            settings: object(row, "settings")?,
            created_by: get(row, "created_by")?,
            created_at: time(row, "created_at")?,
            updated_at: time(row, "updated_at")?,
            deleted_at: get(row, "deleted_at")?,
            workspace: None,
        })
    }
}

/// What a client may set; `deleted` is a word of the CHECK only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Archived,
}

impl Status {
    pub(crate) fn parse(word: &str) -> Result<Self, WorkspaceError> {
        match word {
            "active" => Ok(Self::Active),
            "archived" => Ok(Self::Archived),
            _ => Err(WorkspaceError::invalid("status", "must be active or archived")),
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }
}
