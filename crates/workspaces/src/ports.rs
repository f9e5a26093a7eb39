//! What this slice asks of others, wired in `platform`.

use db::TenantTx;
use kernel::UserId;
use serde::Serialize;
use utoipa::ToSchema;
use web::BoxFuture;

/// A person as other members see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonCard {
    /// The account's id.
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
    /// The address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

/// Somebody of the tenant who is not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// The account's id.
    pub id: UserId,
    /// Whether they may log in.
    pub is_active: bool,
}

/// People, as far as workspaces need them.
pub trait People: Send + Sync {
    /// The cards of those of `ids` who are accounts of the transaction's tenant and not deleted, in any order.
    fn cards<'a>(&'a self, tx: &'a TenantTx, ids: &'a [UserId]) -> BoxFuture<'a, Result<Vec<PersonCard>, db::Error>>;

    /// The same people, and whether each may log in.
    fn present<'a>(&'a self, tx: &'a TenantTx, ids: &'a [UserId]) -> BoxFuture<'a, Result<Vec<Present>, db::Error>>;

    /// Who of the tenant's admins but `except` has been there longest and may log in.
    fn senior_admin<'a>(&'a self, tx: &'a TenantTx, except: UserId)
    -> BoxFuture<'a, Result<Option<UserId>, db::Error>>;
}

/// What a tenant's plan allows; asked only where no old service holds its own limit (T-48).
pub trait TenantLimits: Send + Sync {
    /// How many live workspaces the transaction's tenant may have; `None` is no limit.
    fn max_workspaces<'a>(&'a self, tx: &'a TenantTx) -> BoxFuture<'a, Result<Option<i64>, db::Error>>;
}
