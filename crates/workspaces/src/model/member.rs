//! Members.

use std::collections::BTreeMap;

use db::{FromRow, Row, get};
use jiff::Timestamp;
use kernel::{Versioned, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::PersonCard;

/// A person's place in a workspace.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Member {
    /// `<workspace_id>:<user_id>`; the pair is the key.
    pub id: String,
    /// The workspace.
    #[schema(value_type = uuid::Uuid)]
    pub workspace_id: WorkspaceId,
    /// The person.
    pub user_id: String,
    /// `owner`, `admin`, `member` or `viewer`.
    pub role: String,
    /// Always empty: what a member may do follows from the role.
    #[schema(value_type = Object)]
    pub permissions: BTreeMap<String, bool>,
    /// When the person became a member.
    pub joined_at: Timestamp,
    /// The same as `joined_at`, under the names other clients read (T-18).
    pub added_at: Timestamp,
    /// The same as `joined_at`.
    pub created_at: Timestamp,
    /// The same as `joined_at`.
    pub updated_at: Timestamp,
    /// In lists only; `null` for somebody whose account is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PersonCard>)]
    pub user: Option<Option<PersonCard>>,
}

impl Versioned for Member {
    const BESIDE: &[&str] = &["user"];
}

impl FromRow for Member {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let workspace_id = WorkspaceId(get(row, "workspace_id")?);
        let user_id: String = get(row, "user_id")?;
        let joined_at = time(row, "joined_at")?;
        Ok(Self {
            id: format!("{workspace_id}:{user_id}"),
            workspace_id,
            user_id,
            role: get(row, "role")?,
            permissions: BTreeMap::new(),
            joined_at,
            added_at: joined_at,
            created_at: joined_at,
            updated_at: joined_at,
            user: None,
        })
    }
}
