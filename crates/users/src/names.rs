//! Who somebody is, for other slices to show beside an id.

use db::{FromRow, Row, TenantTx, get, statements};
use kernel::UserId;

statements! {
    NAMES = "SELECT u.id, u.email, u.first_name, u.last_name FROM users u
        LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = $1 AND u.id = ANY($2) AND p.deleted_at IS NULL";
}

/// A living account, as its colleagues see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The account's id.
    pub id: UserId,
    /// The address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

impl FromRow for Name {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            id: UserId(get(row, "id")?),
            email: get(row, "email")?,
            first_name: get(row, "first_name")?,
            last_name: get(row, "last_name")?,
        })
    }
}

/// Those of `ids` who are accounts of the transaction's tenant and not deleted, in any order.
pub async fn names(tx: &TenantTx, ids: &[UserId]) -> Result<Vec<Name>, db::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    tx.all(&NAMES, &[&tx.tenant().0, &ids]).await
}
