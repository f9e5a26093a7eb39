//! `notification_templates`

use db::{TenantTx, statements};
use jiff::Timestamp;
use kernel::TenantId;
use uuid::Uuid;

use crate::model::{Override, Parts};

statements! {
    OF_KIND = "SELECT kind, locale, title, message, subject, body, updated_at FROM notification_templates
        WHERE tenant_id = $1 AND kind = $2";
    ALL = "SELECT kind, locale, title, message, subject, body, updated_at FROM notification_templates
        WHERE tenant_id = $1 ORDER BY kind, locale";
    FIND = "SELECT kind, locale, title, message, subject, body, updated_at FROM notification_templates
        WHERE tenant_id = $1 AND kind = $2 AND locale = $3";
    COUNT = "SELECT count(*) FROM notification_templates WHERE tenant_id = $1";
    PUT = "INSERT INTO notification_templates
            (id, tenant_id, kind, locale, title, message, subject, body, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
        ON CONFLICT (tenant_id, kind, locale) DO UPDATE SET title = excluded.title, message = excluded.message,
            subject = excluded.subject, body = excluded.body, updated_at = excluded.updated_at";
    DELETE = "DELETE FROM notification_templates WHERE tenant_id = $1 AND kind = $2 AND locale = $3";
}

/// The tenant's own words for one kind of event, in all languages.
pub(crate) async fn of_kind(tx: &TenantTx, kind: &str) -> Result<Vec<Override>, db::Error> {
    tx.all(&OF_KIND, &[&tx.tenant().0, &kind]).await
}

/// All words of the tenant's own.
pub(crate) async fn all(tx: &TenantTx) -> Result<Vec<Override>, db::Error> {
    tx.all(&ALL, &[&tx.tenant().0]).await
}

pub(crate) async fn find(tx: &TenantTx, kind: &str, locale: &str) -> Result<Option<Override>, db::Error> {
    tx.find(&FIND, &[&tx.tenant().0, &kind, &locale]).await
}

/// Nobody else changes any of the tenant's before the end of the transaction.
pub(crate) async fn lock(tx: &TenantTx) -> Result<(), db::Error> {
    let TenantId(tenant) = tx.tenant();
    tx.lock("templates", &tenant.to_string()).await
}

pub(crate) async fn count(tx: &TenantTx) -> Result<i64, db::Error> {
    tx.scalar(&COUNT, &[&tx.tenant().0]).await
}

/// Makes them, under this id, or replaces those that there are.
pub(crate) async fn put(
    tx: &TenantTx,
    id: Uuid,
    kind: &str,
    locale: &str,
    parts: &Parts,
    now: Timestamp,
) -> Result<(), db::Error> {
    let Parts { title, message, subject, body } = parts;
    let tenant = tx.tenant().0;
    tx.write_one(&PUT, &[&id, &tenant, &kind, &locale, title, message, subject, body, &now]).await
}

pub(crate) async fn delete(tx: &TenantTx, kind: &str, locale: &str) -> Result<(), db::Error> {
    tx.write_one(&DELETE, &[&tx.tenant().0, &kind, &locale]).await
}
