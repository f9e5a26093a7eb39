//! What the dashboard reads. Nothing is left out: the dashboard reads fields without looking.

use jiff::Timestamp;
use kernel::{TenantId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::User;

/// A person as the admin dashboard shows them: the fields of a tenant's members, and more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AdminUser {
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    email: String,
    /// What the person is called.
    name: String,
    first_name: String,
    last_name: String,
    role: String,
    /// `active`, `suspended` or `deleted`.
    status: &'static str,
    #[schema(value_type = uuid::Uuid)]
    tenant_id: TenantId,
    email_verified: bool,
    /// Empty when there is none.
    avatar: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The same as `createdAt`.
    joined_at: Timestamp,
    /// Null before the first log-in.
    last_login_at: Option<Timestamp>,
    /// The same as `lastLoginAt`.
    last_active_at: Option<Timestamp>,
}

impl From<User> for AdminUser {
    fn from(user: User) -> Self {
        let status = match (user.deleted_at, user.is_active) {
            (Some(_), _) => "deleted",
            (None, true) => "active",
            (None, false) => "suspended",
        };
        Self {
            id: user.id,
            email: user.email,
            name: user.display_name,
            first_name: user.first_name,
            last_name: user.last_name,
            role: user.role,
            status,
            tenant_id: user.tenant_id,
            email_verified: user.email_verified,
            avatar: user.avatar.unwrap_or_default(),
            created_at: user.created_at,
            updated_at: user.updated_at,
            joined_at: user.created_at,
            last_login_at: user.last_login_at,
            last_active_at: user.last_login_at,
        }
    }
}
