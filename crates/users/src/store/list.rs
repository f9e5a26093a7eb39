//! The list of people: filters, a chosen order, pages by number or by key.

use db::{Sql, TenantTx, ToSql};
use jiff::Timestamp;
use kernel::{Dialect, Page, PageRequest};

use super::user_columns;
use crate::cursor::Cursor;
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

/// The columns a client may sort by, and nothing else (T-60).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum SortBy {
    Email,
    FirstName,
    LastName,
    #[default]
    CreatedAt,
    UpdatedAt,
    LastLoginAt,
}

impl SortBy {
    const ALL: [Self; 6] =
        [Self::Email, Self::FirstName, Self::LastName, Self::CreatedAt, Self::UpdatedAt, Self::LastLoginAt];

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.name() == word)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::LastLoginAt => "last_login_at",
        }
    }

    /// Never NULL, so that keyset paging loses nobody.
    const fn expression(self) -> &'static str {
        match self {
            Self::Email => "u.email",
            Self::FirstName => "u.first_name",
            Self::LastName => "u.last_name",
            // The expression of the index users_tenant_created_idx. Not coalesce, which PostgreSQL does not know to be
            // leakproof: behind row-level security the key would be a filter over all earlier pages.
            Self::CreatedAt => "CASE WHEN u.created_at IS NULL THEN to_timestamp(0) ELSE u.created_at END",
            Self::UpdatedAt => "greatest(u.updated_at, p.updated_at, to_timestamp(0))",
            Self::LastLoginAt => "coalesce(u.last_login_at, to_timestamp(0))",
        }
    }

    const fn is_time(self) -> bool {
        matches!(self, Self::CreatedAt | Self::UpdatedAt | Self::LastLoginAt)
    }

    fn key(self, user: &User) -> String {
        match self {
            Self::Email => user.email.clone(),
            Self::FirstName => user.first_name.clone(),
            Self::LastName => user.last_name.clone(),
            Self::CreatedAt => user.created_at.to_string(),
            Self::UpdatedAt => user.updated_at.to_string(),
            Self::LastLoginAt => user.last_login_at.unwrap_or(Timestamp::UNIX_EPOCH).to_string(),
        }
    }
}

/// An order; the id decides between equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Order {
    pub(crate) by: SortBy,
    pub(crate) ascending: bool,
}

const FILTERED: &str = " FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
    WHERE u.tenant_id = $1 AND p.deleted_at IS NULL
    AND ($2::text IS NULL OR u.role = $2)
    AND ($3::boolean IS NULL OR coalesce(u.is_active, true) = $3)
    AND ($4::boolean IS NULL OR coalesce(u.email_verified, false) = $4)
    AND ($5::timestamptz IS NULL OR u.created_at >= $5)
    AND ($6::text IS NULL OR u.email ILIKE $6 OR u.first_name ILIKE $6 OR u.last_name ILIKE $6 OR p.display_name ILIKE $6)";

/// A parameterised LIMIT is planned anew each time and a literal one multiplies the statements, so a page is read with
/// the next larger of four literals.
const LIMITS: [u32; 4] = [11, 21, 51, 101];

fn count_sql() -> Sql {
    Sql::built("users::store::list::COUNT", format!("SELECT count(*){FILTERED}"))
}

fn page_sql(order: Order, keyset: bool, limit: u32) -> Sql {
    let (by, direction) = (order.by.expression(), if order.ascending { "ASC" } else { "DESC" });
    let start = if keyset {
        let after = if order.ascending { ">" } else { "<" };
        let kind = if order.by.is_time() { "timestamptz" } else { "text" };
        format!("AND ({by}, u.id) {after} ($7::text::{kind}, $8)")
    } else {
        String::new()
    };
    let skip = if keyset { "" } else { " OFFSET $7" };
    Sql::built(
        "users::store::list::PAGE",
        format!(
            "SELECT {}{FILTERED} {start} ORDER BY {by} {direction}, u.id {direction} LIMIT {limit}{skip}",
            user_columns!()
        ),
    )
}

/// Every statement this list can run.
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

/// One page of the tenant's people.
pub(crate) async fn list(
    tx: &TenantTx,
    filters: &Filters,
    order: Order,
    request: PageRequest,
    after: Option<Cursor>,
) -> Result<Page<User>, db::Error> {
    let tenant = tx.tenant().0;
    let search = filters.search.as_deref().map(like_anywhere);
    let common: [&(dyn ToSql + Sync); 6] =
        [&tenant, &filters.role, &filters.is_active, &filters.email_verified, &filters.created_after, &search];
    let limit = LIMITS.into_iter().find(|limit| *limit > request.size).unwrap_or(101);
    let size = request.size as usize;

    let page = async {
        if let Some(cursor) = &after {
            let sql = page_sql(order, true, limit);
            tx.all::<User>(&sql, &[&common[..], &[&cursor.key, &cursor.id]].concat()).await
        } else {
            let skip = i64::try_from(request.offset).unwrap_or(i64::MAX);
            tx.all::<User>(&page_sql(order, false, limit), &[&common[..], &[&skip]].concat()).await
        }
    };
    let (mut items, total) = if request.dialect == Dialect::Cursor {
        (page.await?, None)
    } else {
        let sql = count_sql();
        let count = async { tx.scalar::<i64>(&sql, &common).await };
        let (items, total) = tokio::try_join!(page, count)?;
        (items, u64::try_from(total).ok())
    };

    let more = items.len() > size;
    items.truncate(size);
    let last = items.last().filter(|_| more);
    let next_cursor = last.map(|user| Cursor::new(order, order.by.key(user), user.id.0).encode());
    Ok(Page { items, total, request, next_cursor })
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
