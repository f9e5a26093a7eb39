//! Lists: filters, a chosen order, pages by number or by key. A slice declares what is constant of each of its lists;
//! everything about paging is here.

mod cursor;
mod sql;

use kernel::{Dialect, Page, PageRequest};

use cursor::Cursor;
pub use cursor::UnfitCursor;
pub use sql::Cut;
use sql::{Span, Start};

use crate::{Error, FromRow, Row, Sql, ToSql, Tx, get};

/// How a sort key or an id travels in a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, in the order of its collation.
    Text,
    /// An instant.
    Time,
    /// An id.
    Uuid,
}

/// A column a client may sort by (T-60).
#[derive(Debug)]
pub struct SortKey {
    /// The word clients send.
    pub name: &'static str,
    /// Never NULL, so that keyset paging loses nothing.
    pub expression: &'static str,
    /// Its type.
    pub kind: Kind,
}

/// An order; the id decides between equals.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    by: &'static SortKey,
    ascending: bool,
}

/// Where the rows of a list come from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// `FROM ... WHERE ...`
    Table(&'static str),
    /// The same of several tables, whose rows are merged. Each part ends with [`Cut::part`], so that no more of it is read
    /// than a page can hold; otherwise all of them would be read and sorted for every page.
    Merged(fn(&Cut<'_>) -> String),
}

/// What is constant of a list.
#[derive(Debug)]
pub struct List {
    /// Under which logs and tests know the statement that reads a page.
    pub name: &'static str,
    /// The same for the one that counts.
    pub count_name: &'static str,
    /// What is selected.
    pub columns: &'static str,
    /// Where the rows come from, using each of the parameters `$1` to `$params`.
    pub source: Source,
    /// How many parameters `source` has.
    pub params: usize,
    /// Decides between equals.
    pub id: &'static str,
    /// Its type.
    pub id_kind: Kind,
    /// The first is the default, descending.
    pub sorts: &'static [SortKey],
}

/// Where to read: a page of a list in some order, and the row it starts after if a cursor says so.
#[derive(Debug)]
pub struct Position {
    order: Order,
    request: PageRequest,
    after: Option<Cursor>,
}

/// A parameterised LIMIT is planned anew each time and a literal one multiplies the statements, so a page is read with
/// the next larger of four literals.
const LIMITS: [u32; 4] = [11, 21, 51, 101];

impl Position {
    /// The page read here when the caller does not see what the list belongs to.
    pub fn nothing<T>(self) -> Page<T> {
        Page::empty(self.request)
    }
}

struct Keyed<T> {
    item: T,
    key: String,
    id: String,
}

impl<T: FromRow> FromRow for Keyed<T> {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self { item: T::from_row(row)?, key: get(row, "cursor_key")?, id: get(row, "cursor_id")? })
    }
}

impl List {
    /// The order a client asks for. A column that may not be sorted by falls back to the default order altogether,
    /// direction included (T-60).
    pub fn order(&self, by: Option<&str>, ascending: bool) -> Order {
        let default = &self.sorts[0];
        match by.map(|word| self.sorts.iter().find(|sort| sort.name == word)) {
            None => Order { by: default, ascending },
            Some(Some(by)) => Order { by, ascending },
            Some(None) => Order { by: default, ascending: false },
        }
    }

    /// Where `request` begins; refuses a cursor that was not made for this list in this order.
    pub fn position(&self, order: Order, request: PageRequest) -> Result<Position, UnfitCursor> {
        let after = request.cursor.as_deref().map(|text| Cursor::decode(text, self, order)).transpose()?;
        Ok(Position { order, request, after })
    }

    const fn is_merged(&self) -> bool {
        matches!(self.source, Source::Merged(_))
    }

    /// Every statement this list can run, for the test that prepares them all.
    pub fn statements(&'static self) -> Vec<Sql> {
        // Of one table, far is written as near.
        let starts = Start::ALL.into_iter().filter(|start| self.is_merged() || *start != Start::SkipFar);
        let mut all = vec![self.count_sql()];
        for by in self.sorts {
            for ascending in [false, true] {
                let order = Order { by, ascending };
                for start in starts.clone() {
                    all.extend(LIMITS.map(|limit| self.page_sql(Span { order, start, limit })));
                }
            }
        }
        all
    }

    /// One page of the rows that `params` let through. With a cursor nothing is counted and nothing skipped, so late
    /// pages cost what the first one costs.
    pub async fn page<T: FromRow>(
        &self,
        tx: &Tx,
        at: Position,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Page<T>, Error> {
        debug_assert_eq!(params.len(), self.params, "{}", self.name);
        let Position { order, request, after } = at;
        let limit = LIMITS.into_iter().find(|limit| *limit > request.size).unwrap_or(101);
        let page = async {
            if let Some(cursor) = &after {
                let sql = self.page_sql(Span { order, start: Start::Key, limit });
                tx.all::<Keyed<T>>(&sql, &[params, &[&cursor.key, &cursor.id]].concat()).await
            } else {
                let skip = i64::try_from(request.offset).unwrap_or(i64::MAX);
                let sql = self.page_sql(Span { order, start: Start::skip(request.offset), limit });
                tx.all::<Keyed<T>>(&sql, &[params, &[&skip]].concat()).await
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

/// A LIKE pattern that finds `text` anywhere, with its own wildcards taken literally (T-61).
pub fn like_anywhere(text: &str) -> String {
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
