//! What the lists share: numbers that must be numbers, at most 100 rows under a page size that is echoed as it came
//! (T-11), an order that goes into the SQL as it was sent (T-60).

use axum::http::{StatusCode, Uri};
use serde::Serialize;
use serde_json::json;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::Workspaces;
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Parameters, Refusal, Reply, answer, refusal, word};

/// Most rows of a page.
const MOST: i64 = 100;

pub(super) struct Query {
    parameters: Parameters,
    page: i64,
    size: i64,
    include_deleted: bool,
}

impl Query {
    /// A number that is none and a truth value that is none are refused (T-05).
    pub(super) fn of(uri: &Uri, default_size: i64) -> Result<Self, Refusal> {
        let parameters = Parameters::of(uri);
        let bad = || refusal(StatusCode::BAD_REQUEST, "Invalid query parameters");
        let number = |name: &str, default: i64| match parameters.get(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| bad()),
        };
        let (page, size) = (number("page", 1)?, number("page_size", default_size)?);
        for name in ["include_deleted", "sync_enabled"] {
            if parameters.get(name).is_some_and(|text| word(text).is_none()) {
                return Err(bad());
            }
        }
        let include_deleted = parameters.get("include_deleted").and_then(word).unwrap_or(false);
        let size = if size < 1 { default_size } else { size };
        Ok(Self { page: page.max(1), size, parameters, include_deleted })
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)
    }

    fn order(&self, default: &str) -> String {
        let ascending = self.get("sort_order").is_some_and(|order| order.eq_ignore_ascii_case("asc"));
        format!("{} {}", self.get("sort_by").unwrap_or(default), if ascending { "ASC" } else { "DESC" })
    }

    /// What somebody who is no member sees of a workspace's list.
    pub(super) fn nothing(&self, name: &str) -> Reply {
        let none: [(); 0] = [];
        let body = json!({ name: none, "total": 0, "page": 1, "page_size": self.size, "total_pages": 0 });
        answer(StatusCode::OK, &body)
    }

    /// A page as it is answered.
    pub(super) fn page(&self, name: &str, found: &(Vec<impl Serialize>, i64)) -> Reply {
        let (rows, total) = found;
        let pages = (total + self.size - 1) / self.size;
        let body =
            json!({ name: rows, "total": total, "page": self.page, "page_size": self.size, "total_pages": pages });
        answer(StatusCode::OK, &body)
    }
}

/// Conditions and their values.
#[derive(Default)]
pub(super) struct Conditions {
    sql: Vec<String>,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Conditions {
    /// `?` stands for the value.
    pub(super) fn and(&mut self, condition: &str, value: impl ToSql + Sync + Send + 'static) {
        self.values.push(Box::new(value));
        self.sql.push(condition.replace('?', &format!("${}", self.values.len())));
    }

    pub(super) fn live(&mut self, query: &Query) {
        if !query.include_deleted {
            self.sql.push("deleted_at IS NULL".to_owned());
        }
    }

    /// A case-insensitive substring of any of the columns; `%` and `_` are wildcards (T-61).
    pub(super) fn search(&mut self, query: &Query, columns: &[&str]) {
        if let Some(search) = query.get("search") {
            let any: Vec<_> = columns.iter().map(|column| format!("lower({column}) LIKE ?")).collect();
            self.and(&format!("({})", any.join(" OR ")), format!("%{}%", search.to_lowercase()));
        }
    }

    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
    }
}

impl Workspaces {
    /// One page of a table and how many rows there are.
    pub(super) async fn page<T>(
        &self,
        table: &str,
        query: &Query,
        conditions: &Conditions,
        default_order: &str,
        of: impl Fn(&Row) -> Result<T, Fault>,
    ) -> Result<(Vec<T>, i64), Fault> {
        let conjunction = conditions.sql.join(" AND ");
        let filter = if conjunction.is_empty() { String::new() } else { format!("WHERE {conjunction}") };
        let total = self.store.count(&format!("SELECT count(*) FROM {table} {filter}"), &conditions.values()).await?;
        let limit = query.size.min(MOST);
        let offset = (query.page - 1).saturating_mul(limit);
        let order = query.order(default_order);
        let sql = format!("SELECT * FROM {table} {filter} ORDER BY {order} LIMIT {limit} OFFSET {offset}");
        let rows = self.store.rows(&sql, &conditions.values()).await?;
        Ok((rows.iter().map(of).collect::<Result<_, _>>()?, total))
    }
}
