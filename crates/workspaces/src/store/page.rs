//! Lists: filters, a chosen order, pages by number or by key. The lists of the slice differ in constants only.

use db::{FromRow, Row, Sql, TenantTx, ToSql, get};
use kernel::{Dialect, Page, PageRequest};

use crate::cursor::Cursor;

/// How a sort key or an id travels in a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Time,
    Uuid,
}

impl Kind {
    const fn sql(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Time => "timestamptz",
            Self::Uuid => "uuid",
        }
    }
}

/// A column a client may sort by (T-60).
#[derive(Debug)]
pub(crate) struct SortKey {
    /// The word clients send.
    pub(crate) name: &'static str,
    /// Never NULL, so that keyset paging loses nothing.
    pub(crate) expression: &'static str,
    pub(crate) kind: Kind,
}

/// An order; the id decides between equals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) by: &'static SortKey,
    pub(crate) ascending: bool,
}

/// What is constant of a list.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) name: &'static str,
    pub(crate) count_name: &'static str,
    pub(crate) columns: &'static str,
    /// `FROM ... WHERE ...`, using each of the parameters `$1` to `$params`.
    pub(crate) from: &'static str,
    pub(crate) params: usize,
    /// Decides between equals.
    pub(crate) id: &'static str,
    pub(crate) id_kind: Kind,
    /// The first is the default, descending.
    pub(crate) sorts: &'static [SortKey],
}

/// A parameterised LIMIT is planned anew each time and a literal one multiplies the statements, so a page is read with
/// the next larger of four literals.
const LIMITS: [u32; 4] = [11, 21, 51, 101];

struct Keyed<T> {
    item: T,
    key: String,
    id: String,
}

impl<T: FromRow> FromRow for Keyed<T> {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self { item: T::from_row(row)?, key: get(row, "cursor_key")?, id: get(row, "cursor_id")? })
    }
}

impl List {
    /// The order a client asks for. A column that may not be sorted by falls back to the default order altogether,
    /// direction included; `asc` counts in any case, anything else descends.
    pub(crate) fn order(&self, by: Option<&str>, direction: Option<&str>) -> Order {
        let ascending = direction.is_some_and(|word| word.eq_ignore_ascii_case("asc"));
        let default = &self.sorts[0];
        match by.filter(|word| !word.is_empty()) {
            None => Order { by: default, ascending },
            Some(word) => match self.sorts.iter().find(|sort| sort.name == word) {
                Some(by) => Order { by, ascending },
                None => Order { by: default, ascending: false },
            },
        }
    }

    fn count_sql(&self) -> Sql {
        Sql::built(self.count_name, format!("SELECT count(*) {}", self.from))
    }

    fn page_sql(&self, order: Order, keyset: bool, limit: u32) -> Sql {
        let Self { columns, from, params, id, id_kind, .. } = self;
        let SortKey { expression: by, kind, .. } = order.by;
        let (kind, id_kind) = (kind.sql(), id_kind.sql());
        let (direction, after) = if order.ascending { ("ASC", ">") } else { ("DESC", "<") };
        let (key, last) = (params + 1, params + 2);
        let (start, skip) = if keyset {
            (format!("AND ({by}, {id}) {after} (${key}::text::{kind}, ${last}::text::{id_kind})"), String::new())
        } else {
            (String::new(), format!("OFFSET ${key}"))
        };
        Sql::built(
            self.name,
            format!(
                "SELECT {columns}, ({by})::{kind}::text AS cursor_key, ({id})::text AS cursor_id {from} {start}
                 ORDER BY {by} {direction}, {id} {direction} LIMIT {limit} {skip}"
            ),
        )
    }

    /// Every statement this list can run.
    pub(crate) fn statements(&'static self) -> Vec<Sql> {
        let mut all = vec![self.count_sql()];
        for by in self.sorts {
            for ascending in [false, true] {
                for keyset in [false, true] {
                    all.extend(LIMITS.map(|limit| self.page_sql(Order { by, ascending }, keyset, limit)));
                }
            }
        }
        all
    }

    /// One page of the rows that `params` let through.
    pub(crate) async fn page<T: FromRow>(
        &self,
        tx: &TenantTx,
        order: Order,
        request: PageRequest,
        after: Option<Cursor>,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Page<T>, db::Error> {
        debug_assert_eq!(params.len(), self.params);
        let limit = LIMITS.into_iter().find(|limit| *limit > request.size).unwrap_or(101);
        let page = async {
            if let Some(cursor) = &after {
                let sql = self.page_sql(order, true, limit);
                tx.all::<Keyed<T>>(&sql, &[params, &[&cursor.key, &cursor.id]].concat()).await
            } else {
                let skip = i64::try_from(request.offset).unwrap_or(i64::MAX);
                tx.all::<Keyed<T>>(&self.page_sql(order, false, limit), &[params, &[&skip]].concat()).await
            }
        };
        let (mut rows, total) = if request.dialect == Dialect::Cursor {
            (page.await?, None)
        } else {
            let sql = self.count_sql();
            let count = async { tx.scalar::<i64>(&sql, params).await };
            let (rows, total) = tokio::try_join!(page, count)?;
            (rows, u64::try_from(total).ok())
        };

        let size = request.size as usize;
        let more = rows.len() > size;
        rows.truncate(size);
        let next_cursor =
            rows.last().filter(|_| more).map(|last| Cursor::new(order, last.key.clone(), last.id.clone()).encode());
        Ok(Page { items: rows.into_iter().map(|row| row.item).collect(), total, request, next_cursor })
    }
}

/// A page with nothing on it, for lists whose parent the caller does not see.
pub(crate) fn nothing<T>(request: PageRequest) -> Page<T> {
    let total = (request.dialect != Dialect::Cursor).then_some(0);
    let request = if request.dialect == Dialect::Page { PageRequest { offset: 0, ..request } } else { request };
    Page { items: Vec::new(), total, request, next_cursor: None }
}
