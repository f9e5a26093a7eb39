//! Workspaces.

use db::{FromRow, Row, get};
use jiff::Timestamp;
use kernel::{Versioned, WorkspaceId};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{object, time};

/// A place a tenant's people work in together.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Workspace {
    /// The workspace's id.
    #[schema(value_type = uuid::Uuid)]
    pub id: WorkspaceId,
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Unique among the live workspaces of the tenant.
    pub name: String,
    /// `""` by default.
    pub description: String,
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
    /// Only for its members and the tenant's admins (T-59).
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub inside: Option<Inside>,
}

/// What the old service did not show (T-17).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Inside {
    /// The owner who has been a member longest; else who created it.
    pub owner_id: String,
    /// Whether it is alive.
    pub is_active: bool,
    /// How many members it has.
    pub member_count: i64,
    /// How many live bases are connected to its live projects.
    pub base_count: i64,
}

impl Versioned for Workspace {
    // `inside`: not everybody is shown it.
    const BESIDE: &[&str] = &["owner_id", "is_active", "member_count", "base_count"];
}

impl FromRow for Workspace {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let deleted_at: Option<Timestamp> = get(row, "deleted_at")?;
        let inside = Inside {
            owner_id: get(row, "owner_id")?,
            is_active: deleted_at.is_none(),
            member_count: get(row, "member_count")?,
            base_count: get(row, "base_count")?,
        };
        Ok(Self {
            id: WorkspaceId(get(row, "id")?),
            tenant_id: get(row, "tenant_id")?,
            name: get(row, "name")?,
            description: get(row, "description")?,
            settings: object(row, "settings")?,
            created_by: get(row, "created_by")?,
            created_at: time(row, "created_at")?,
            updated_at: time(row, "updated_at")?,
            deleted_at,
            inside: Some(inside),
        })
    }
}
