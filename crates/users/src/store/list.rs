//! The list of people.

use db::list::{Kind, List, Position, SortKey, Source, like_anywhere};
use db::{TenantTx, ToSql};
use jiff::Timestamp;
use kernel::Page;

use super::user_columns;
use crate::model::User;

/// What may be filtered by; `None` lets everything through.
#[derive(Debug, Default, Clone)]
pub(crate) struct Filters {
    pub(crate) role: Option<String>,
    pub(crate) is_active: Option<bool>,
    pub(crate) email_verified: Option<bool>,
    pub(crate) created_after: Option<Timestamp>,
    /// Looked for in address and names, whatever the case.
    pub(crate) search: Option<String>,
}

/// (tenant, role, active or not, confirmed or not, created after, search).
pub(crate) static LIST: List = List {
    name: "users::store::list::PAGE",
    count_name: "users::store::list::COUNT",
    columns: user_columns!(),
    source: Source::Table(
        "FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = $1 AND p.deleted_at IS NULL
        AND ($2::text IS NULL OR u.role = $2)
        AND ($3::boolean IS NULL OR coalesce(u.is_active, true) = $3)
        AND ($4::boolean IS NULL OR coalesce(u.email_verified, false) = $4)
        AND ($5::timestamptz IS NULL OR u.created_at >= $5)
        AND ($6::text IS NULL OR u.email ILIKE $6 OR u.first_name ILIKE $6 OR u.last_name ILIKE $6
            OR p.display_name ILIKE $6)",
    ),
    params: 6,
    id: "u.id",
    id_kind: Kind::Uuid,
    sorts: &[
        // The expression of the index users_tenant_created_idx. Not coalesce, which PostgreSQL does not know to be
        // leakproof: behind row-level security the key would be a filter over all earlier pages.
        SortKey {
            name: "created_at",
            expression: "CASE WHEN u.created_at IS NULL THEN to_timestamp(0) ELSE u.created_at END",
            kind: Kind::Time,
        },
        SortKey {
            name: "updated_at",
            expression: "greatest(u.updated_at, p.updated_at, to_timestamp(0))",
            kind: Kind::Time,
        },
        SortKey { name: "last_login_at", expression: "coalesce(u.last_login_at, to_timestamp(0))", kind: Kind::Time },
        SortKey { name: "email", expression: "u.email", kind: Kind::Text },
        SortKey { name: "first_name", expression: "u.first_name", kind: Kind::Text },
        SortKey { name: "last_name", expression: "u.last_name", kind: Kind::Text },
    ],
};

/// One page of the tenant's people.
pub(crate) async fn list(tx: &TenantTx, filters: &Filters, at: Position) -> Result<Page<User>, db::Error> {
    let tenant = tx.tenant().0;
    let Filters { role, is_active, email_verified, created_after, search } = filters;
    let search = search.as_deref().map(like_anywhere);
    let params: [&(dyn ToSql + Sync); 6] = [&tenant, role, is_active, email_verified, created_after, &search];
    LIST.page(tx, at, &params).await
}
