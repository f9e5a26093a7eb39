//! The list of tenants: filters, a chosen order, pages by number or by key.

use db::{Sql, ToSql, Tx};
use jiff::Timestamp;
use kernel::{Dialect, Page, PageRequest, TenantId};

use super::tenant_columns;
use crate::cursor::Cursor;
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

/// The columns a client may sort by, and nothing else (T-60).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum SortBy {
    Name,
    Slug,
    Plan,
    Status,
    #[default]
    CreatedAt,
    UpdatedAt,
}

impl SortBy {
    const ALL: [Self; 6] = [Self::Name, Self::Slug, Self::Plan, Self::Status, Self::CreatedAt, Self::UpdatedAt];

    /// Dashboards send the camel-case names of the fields they show.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "createdAt" => Some(Self::CreatedAt),
            "updatedAt" => Some(Self::UpdatedAt),
            _ => Self::ALL.into_iter().find(|sort| sort.name() == word),
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Slug => "slug",
            Self::Plan => "plan",
            Self::Status => "status",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
        }
    }

    /// Never NULL, so that keyset paging loses nobody.
    const fn expression(self) -> &'static str {
        match self {
            Self::Name => "t.name::text",
            Self::Slug => "coalesce(t.slug, t.id::text)",
            Self::Plan => "coalesce(t.plan, 'free')::text",
            Self::Status => "coalesce(t.status, 'active')::text",
            Self::CreatedAt => "coalesce(t.created_at, to_timestamp(0))",
            Self::UpdatedAt => "coalesce(t.updated_at, to_timestamp(0))",
        }
    }

    pub(crate) const fn is_time(self) -> bool {
        matches!(self, Self::CreatedAt | Self::UpdatedAt)
    }
}

/// An order; the id decides between equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Order {
    pub(crate) by: SortBy,
    pub(crate) ascending: bool,
}

/// A tenant with the text its place in the order is known by: the stored value and not what it is read as.
struct Placed {
    tenant: Tenant,
    key: String,
}

impl db::FromRow for Placed {
    fn from_row(row: &db::Row) -> Result<Self, db::Error> {
        Ok(Self { tenant: Tenant::from_row(row)?, key: db::get(row, "sort_key")? })
    }
}

const FILTERED: &str = " FROM tenants t WHERE ($1::uuid IS NULL OR t.id = $1)
    AND CASE WHEN $2::text IS NULL THEN t.deleted_at IS NULL AND t.status IS DISTINCT FROM 'deleted'
        ELSE coalesce(t.status, 'active') = $2 END
    AND ($3::text IS NULL OR coalesce(t.plan, 'free') = $3)
    AND ($4::boolean IS NULL OR
        (coalesce(t.is_active, true) AND coalesce(t.status, 'active') NOT IN ('suspended', 'canceled', 'deleted')) = $4)
    AND ($5::timestamptz IS NULL OR t.created_at >= $5)
    AND ($6::text IS NULL OR t.name ILIKE $6 OR t.slug ILIKE $6 OR t.domain ILIKE $6)";

/// A parameterised LIMIT is planned anew each time and a literal one multiplies the statements, so a page is read with
/// the next larger of four literals.
const LIMITS: [u32; 4] = [11, 21, 51, 101];

fn count_sql() -> Sql {
    Sql::built("tenants::store::list::COUNT", format!("SELECT count(*){FILTERED}"))
}

fn page_sql(order: Order, keyset: bool, limit: u32) -> Sql {
    let (by, direction) = (order.by.expression(), if order.ascending { "ASC" } else { "DESC" });
    let key = if order.by.is_time() {
        // The spelling that is read back below, to the microsecond and with its offset.
        format!("to_char({by} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    } else {
        by.to_owned()
    };
    let start = if keyset {
        let after = if order.ascending { ">" } else { "<" };
        let kind = if order.by.is_time() { "timestamptz" } else { "text" };
        format!("AND ({by}, t.id) {after} ($7::text::{kind}, $8)")
    } else {
        String::new()
    };
    let skip = if keyset { "" } else { " OFFSET $7" };
    Sql::built(
        "tenants::store::list::PAGE",
        format!(
            "SELECT {}, {key} AS sort_key{FILTERED} {start} ORDER BY {by} {direction}, t.id {direction} LIMIT {limit}{skip}",
            tenant_columns!()
        ),
    )
}

/// Every statement this list can run, for the test that prepares them all.
pub(crate) fn statements() -> Vec<Sql> {
    let mut all = vec![count_sql()];
    for by in SortBy::ALL {
        for ascending in [false, true] {
            for keyset in [false, true] {
                all.extend(LIMITS.map(|limit| page_sql(Order { by, ascending }, keyset, limit)));
            }
        }
    }
    all
}

/// One page of the tenants that the transaction sees; only `own` if it is given.
pub(crate) async fn list(
    tx: &Tx,
    own: Option<TenantId>,
    filters: &Filters,
    order: Order,
    request: PageRequest,
    after: Option<Cursor>,
) -> Result<Page<Tenant>, db::Error> {
    let own = own.map(|tenant| tenant.0);
    let search = filters.search.as_deref().map(like_anywhere);
    let common: [&(dyn ToSql + Sync); 6] =
        [&own, &filters.status, &filters.plan, &filters.is_active, &filters.created_after, &search];
    let limit = LIMITS.into_iter().find(|limit| *limit > request.size).unwrap_or(101);
    let size = request.size as usize;

    let page = async {
        if let Some(cursor) = &after {
            let sql = page_sql(order, true, limit);
            tx.all::<Placed>(&sql, &[&common[..], &[&cursor.key, &cursor.id]].concat()).await
        } else {
            let skip = i64::try_from(request.offset).unwrap_or(i64::MAX);
            tx.all::<Placed>(&page_sql(order, false, limit), &[&common[..], &[&skip]].concat()).await
        }
    };
    let (mut rows, total) = if request.dialect == Dialect::Cursor {
        (page.await?, None)
    } else {
        let sql = count_sql();
        let count = async { tx.scalar::<i64>(&sql, &common).await };
        let (rows, total) = tokio::try_join!(page, count)?;
        (rows, u64::try_from(total).ok())
    };

    let more = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().filter(|_| more);
    let next_cursor =
        last.map(|row| Cursor::new(order.by.name(), order.ascending, row.key.clone(), row.tenant.id.0).encode());
    Ok(Page { items: rows.into_iter().map(|row| row.tenant).collect(), total, request, next_cursor })
}

/// A LIKE pattern that finds `text` anywhere, with its own wildcards taken literally (T-61).
fn like_anywhere(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
