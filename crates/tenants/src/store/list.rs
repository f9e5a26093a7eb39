//! The list of tenants.

use db::list::{Kind, List, Position, SortKey, Source, like_anywhere};
use db::{ToSql, Tx};
use jiff::Timestamp;
use kernel::{Page, TenantId};

use super::tenant_columns;
use crate::model::Tenant;

/// What may be filtered by; `None` lets everything through.
#[derive(Debug, Default, Clone)]
pub(crate) struct Filters {
    pub(crate) status: Option<String>,
    pub(crate) plan: Option<String>,
    pub(crate) is_active: Option<bool>,
    pub(crate) created_after: Option<Timestamp>,
    /// Looked for in name, slug and domain, whatever the case.
    pub(crate) search: Option<String>,
}

/// (only this tenant, status, plan, lets its people in or not, created after, search).
pub(crate) static LIST: List = List {
    name: "tenants::store::list::PAGE",
    count_name: "tenants::store::list::COUNT",
    columns: tenant_columns!(),
    source: Source::Table(
        "FROM tenants t WHERE ($1::uuid IS NULL OR t.id = $1)
        AND CASE WHEN $2::text IS NULL THEN t.deleted_at IS NULL AND t.status IS DISTINCT FROM 'deleted'
            ELSE coalesce(t.status, 'active') = $2 END
        AND ($3::text IS NULL OR coalesce(t.plan, 'free') = $3)
        AND ($4::boolean IS NULL OR
            (coalesce(t.is_active, true) AND coalesce(t.status, 'active') NOT IN ('suspended', 'canceled', 'deleted'))
            = $4)
        AND ($5::timestamptz IS NULL OR t.created_at >= $5)
        AND ($6::text IS NULL OR t.name ILIKE $6 OR t.slug ILIKE $6 OR t.domain ILIKE $6)",
    ),
    params: 6,
    id: "t.id",
    id_kind: Kind::Uuid,
    sorts: &[
        SortKey { name: "created_at", expression: "coalesce(t.created_at, to_timestamp(0))", kind: Kind::Time },
        SortKey { name: "updated_at", expression: "coalesce(t.updated_at, to_timestamp(0))", kind: Kind::Time },
        SortKey { name: "name", expression: "t.name::text", kind: Kind::Text },
        SortKey { name: "slug", expression: "coalesce(t.slug, t.id::text)", kind: Kind::Text },
        SortKey { name: "plan", expression: "coalesce(t.plan, 'free')::text", kind: Kind::Text },
        SortKey { name: "status", expression: "coalesce(t.status, 'active')::text", kind: Kind::Text },
    ],
};

/// One page of the tenants that the transaction sees; only `own` if it is given.
pub(crate) async fn list(
    tx: &Tx,
    own: Option<TenantId>,
    filters: &Filters,
    at: Position,
) -> Result<Page<Tenant>, db::Error> {
    let own = own.map(|tenant| tenant.0);
    let Filters { status, plan, is_active, created_after, search } = filters;
    let search = search.as_deref().map(like_anywhere);
    let params: [&(dyn ToSql + Sync); 6] = [&own, status, plan, is_active, created_after, &search];
    LIST.page(tx, at, &params).await
}
