//! The statements of a list.

use super::{Kind, List, Order, SortKey, Source};
use crate::Sql;

impl Kind {
    const fn sql(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Time => "timestamptz",
            Self::Uuid => "uuid",
        }
    }
}

/// How much of a merged list is wanted.
#[derive(Debug)]
pub struct Cut<'a> {
    list: &'a List,
    /// Everything, to be counted, if there is none.
    page: Option<Span>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) order: Order,
    pub(super) start: Start,
    pub(super) limit: u32,
}

/// Where a page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// After a key.
    Key,
    /// After a number of rows.
    Skip,
    /// After so many rows that a merged list is better read and sorted whole.
    SkipFar,
}

impl Start {
    pub(super) const ALL: [Self; 3] = [Self::Skip, Self::Key, Self::SkipFar];

    pub(super) const fn skip(rows: u64) -> Self {
        if rows > 10_000 { Self::SkipFar } else { Self::Skip }
    }
}

impl Cut<'_> {
    /// Ends a part of the list with what cuts it to the page: `AND ... ORDER BY ... LIMIT ...`, or nothing when all are
    /// counted. The part calls its columns what the whole list calls them.
    pub fn part(&self) -> String {
        self.part_with(|text| format!("{text}::timestamptz"))
    }

    /// The same for a part whose times are of another type, to which `time` converts a text: behind row-level security an
    /// index finds a key of its own type only.
    pub fn part_with(&self, time: impl Fn(&str) -> String) -> String {
        let Some(Span { order, start, limit }) = self.page else { return String::new() };
        let sorted = self.list.order_by(order);
        match start {
            Start::Key => format!("{} {sorted} LIMIT {limit}", self.list.after(order, time)),
            Start::Skip => format!("{sorted} LIMIT ${}::bigint + {limit}", self.list.params + 1),
            Start::SkipFar => String::new(),
        }
    }
}

impl List {
    pub(super) fn count_sql(&self) -> Sql {
        Sql::built(self.count_name, format!("SELECT count(*) {}", self.from(None)))
    }

    pub(super) fn page_sql(&self, page: Span) -> Sql {
        let Self { columns, params, id, .. } = self;
        let Span { order, start, limit } = page;
        let SortKey { expression: by, kind, .. } = order.by;
        let (from, sorted) = (self.from(Some(page)), self.order_by(order));
        let (after, skip) = match start {
            Start::Key => (self.after(order, |text| format!("{text}::timestamptz")), String::new()),
            Start::Skip | Start::SkipFar => (String::new(), format!("OFFSET ${}", params + 1)),
        };
        Sql::built(
            self.name,
            format!(
                "SELECT {columns}, ({by})::{}::text AS cursor_key, ({id})::text AS cursor_id {from} {after}
                 {sorted} LIMIT {limit} {skip}",
                kind.sql()
            ),
        )
    }

    fn from(&self, page: Option<Span>) -> String {
        match self.source {
            Source::Table(text) => text.to_owned(),
            Source::Merged(text) => text(&Cut { list: self, page }),
        }
    }

    /// What comes after the key.
    fn after(&self, order: Order, time: impl Fn(&str) -> String) -> String {
        let Self { params, id, id_kind, .. } = self;
        let SortKey { expression: by, kind, .. } = order.by;
        let (after, id_kind) = (if order.ascending { ">" } else { "<" }, id_kind.sql());
        let (key, last) = (params + 1, params + 2);
        let key = match kind {
            Kind::Time => time(&format!("${key}::text")),
            Kind::Text | Kind::Uuid => format!("${key}::text::{}", kind.sql()),
        };
        format!("AND ({by}, {id}) {after} ({key}, ${last}::text::{id_kind})")
    }

    fn order_by(&self, order: Order) -> String {
        let direction = if order.ascending { "ASC" } else { "DESC" };
        format!("ORDER BY {} {direction}, {} {direction}", order.by.expression, self.id)
    }
}
