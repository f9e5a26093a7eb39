//! `notification_preferences`

use std::collections::HashMap;

use db::{TenantTx, get, statements};
use jiff::Timestamp;
use uuid::Uuid;

use crate::model::Choices;

statements! {
    OF = "SELECT owner_id, choices::text AS choices FROM notification_preferences
        WHERE tenant_id = $1 AND owner_id = ANY($2)";
    SET = "INSERT INTO notification_preferences AS p (owner_id, tenant_id, choices, created_at, updated_at)
        VALUES ($1, $2, $3::text::jsonb, $4, $4)
        ON CONFLICT (owner_id) DO UPDATE SET tenant_id = $2, choices = $3::text::jsonb, updated_at = $4";
    DELETE = "DELETE FROM notification_preferences WHERE tenant_id = $1 AND owner_id = $2";
}

/// What each of these chose; who chose nothing is left out.
pub(crate) async fn of(tx: &TenantTx, owners: &[Uuid]) -> Result<HashMap<Uuid, Choices>, db::Error> {
    let rows = tx.rows(&OF, &[&tx.tenant().0, &owners]).await?;
    let choices = |text: String| Choices::from_stored(&text);
    rows.iter().map(|row| Ok((get(row, "owner_id")?, choices(get(row, "choices")?)))).collect()
}

/// Nobody else changes them before the end of the transaction.
pub(crate) async fn lock(tx: &TenantTx, owner: Uuid) -> Result<(), db::Error> {
    tx.lock("preferences", &owner.to_string()).await
}

pub(crate) async fn set(tx: &TenantTx, owner: Uuid, choices: &Choices, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(&SET, &[&owner, &tx.tenant().0, &choices.to_stored().to_string(), &now]).await
}

pub(crate) async fn delete(tx: &TenantTx, owner: Uuid) -> Result<(), db::Error> {
    tx.execute(&DELETE, &[&tx.tenant().0, &owner]).await.map(drop)
}
