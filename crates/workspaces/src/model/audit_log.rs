//! Records of what happened.

use db::{FromRow, Row, get};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;

/// One change: of the workspace family, or, for the tenant's admins, of anything else.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditLog {
    /// The record's id.
    pub id: Uuid,
    /// The tenant it happened in.
    pub tenant_id: String,
    /// The workspace; `null` outside the workspace family.
    pub workspace_id: Option<Uuid>,
    /// Who did it; empty when nobody was logged in.
    pub user_id: String,
    /// `resource.verb_in_the_past`
    #[schema(example = "workspace.updated")]
    pub action: String,
    /// What kind of thing it happened to.
    #[schema(example = "workspace")]
    pub resource_type: String,
    /// Which one.
    pub resource_id: String,
    /// The person it happened to: `resource_id` where that is a member, else `null`.
    pub target_user_id: Option<String>,
    /// What changed, or `null`.
    #[schema(value_type = Option<Object>)]
    pub changes: Option<Box<RawValue>>,
    /// When.
    pub created_at: Timestamp,
}

impl FromRow for AuditLog {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let resource_type: String = get(row, "resource_type")?;
        let resource_id: String = get(row, "resource_id")?;
        let changes: Option<String> = get(row, "changes")?;
        Ok(Self {
            id: get(row, "id")?,
            tenant_id: get(row, "tenant_id")?,
            workspace_id: get(row, "workspace_id")?,
            user_id: get(row, "user_id")?,
            action: get(row, "action")?,
            target_user_id: (resource_type == "workspace_member").then(|| resource_id.clone()),
            resource_type,
            resource_id,
            changes: changes.filter(|text| text.starts_with('{')).and_then(|text| RawValue::from_string(text).ok()),
            created_at: time(row, "created_at")?,
        })
    }
}
