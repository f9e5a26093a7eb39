//! `GET /users` (contract 1.2.4): the tenant from a parameter if there is one, a first page that is cached under a key
//! without its size.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::json;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::person::{COLUMNS, Person};
use super::{Users, cache, tenant_id};
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Parameters, Reply, answer, failed, word};

struct Filter {
    tenant: String,
    role: Option<String>,
    is_active: Option<bool>,
    email_verified: Option<bool>,
    search: Option<String>,
    order: String,
}

pub(super) async fn list(State(users): State<Arc<Users>>, headers: HeaderMap, uri: Uri) -> Reply {
    let query = Parameters::of(&uri);
    let number = |name: &str, default: i64| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let page = Some(number("page", 1)).filter(|page| *page >= 1).unwrap_or(1);
    let size = Some(number("page_size", 20)).filter(|size| (1..=100).contains(size)).unwrap_or(20);
    let filter = Filter::of(&query, tenant_id(&headers));
    let (people, total) = users.page(&filter, page, size).await.map_err(failed("Failed to list users"))?;
    // Without a match it is `null`, not `[]` (T-13).
    let people = if people.is_empty() { json!(null) } else { json!(people) };
    let pages = (total + size - 1) / size;
    let body = json!({ "users": people, "total": total, "page": page, "page_size": size, "total_pages": pages });
    answer(StatusCode::OK, &body)
}

impl Filter {
    fn of(query: &Parameters, tenant: &str) -> Self {
        let text = |name| query.get(name).map(str::to_owned);
        // A word that is no truth value means false.
        let flag = |name| query.get(name).map(|text| word(text).unwrap_or(false));
        let sorts = ["email", "first_name", "last_name", "created_at", "updated_at", "last_login_at"];
        let order = match query.get("sort_by").filter(|column| sorts.contains(column)) {
            Some(column) if query.get("sort_order") == Some("asc") => format!("{column} ASC"),
            Some(column) => format!("{column} DESC"),
            None if query.get("sort_by").is_none() && query.get("sort_order") == Some("asc") => {
                "created_at ASC".to_owned()
            }
            None => "created_at DESC".to_owned(),
        };
        Self {
            tenant: text("tenant_id").unwrap_or_else(|| tenant.to_owned()),
            role: text("role"),
            is_active: flag("is_active"),
            email_verified: flag("email_verified"),
            search: text("search"),
            order,
        }
    }

    /// [inferred] The order of its parts; the tenant comes first, as deleting by tenant relies on (T-57).
    fn key(&self) -> String {
        format!(
            "userlist:tenant:{}:role:{}:active:{:?}:verified:{:?}:search:{}:sort:{}",
            self.tenant,
            self.role.as_deref().unwrap_or_default(),
            self.is_active,
            self.email_verified,
            self.search.as_deref().unwrap_or_default(),
            self.order
        )
    }
}

impl Users {
    async fn page(&self, filter: &Filter, page: i64, size: i64) -> Result<(Vec<Person>, i64), Fault> {
        if page == 1
            && let Some(people) = self.cache.get::<Vec<Person>>(&filter.key()).await
        {
            return Ok((people, self.total(&Filter::of_tenant(&filter.tenant)).await?));
        }
        let total = self.total(filter).await?;
        let (conditions, mut parameters) = filter.conditions()?;
        let (limit, offset) = (size, (page - 1).saturating_mul(size));
        parameters.extend([Box::new(limit) as Box<dyn ToSql + Sync + Send>, Box::new(offset)]);
        let count = parameters.len();
        let sql = format!(
            "SELECT {COLUMNS} FROM users WHERE {conditions} ORDER BY {} LIMIT ${} OFFSET ${count}",
            filter.order,
            count - 1
        );
        let rows = self.store.rows(&sql, &plain(&parameters)).await?;
        let people = rows.iter().map(Person::of).collect::<Result<Vec<_>, _>>()?;
        if page == 1 {
            self.cache.put(&filter.key(), &people, cache::LIST).await;
        }
        Ok((people, total))
    }

    async fn total(&self, filter: &Filter) -> Result<i64, Fault> {
        let (conditions, parameters) = filter.conditions()?;
        self.store.count(&format!("SELECT count(*) FROM users WHERE {conditions}"), &plain(&parameters)).await
    }
}

type Values = Vec<Box<dyn ToSql + Sync + Send>>;

fn plain(values: &Values) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
}

impl Filter {
    fn of_tenant(tenant: &str) -> Self {
        let none = Parameters::of(&Uri::from_static("/"));
        Self::of(&none, tenant)
    }

    /// `%` and `_` in a search are wildcards (T-61).
    fn conditions(&self) -> Result<(String, Values), Fault> {
        let mut sql = "deleted_at IS NULL".to_owned();
        let mut values: Values = Vec::new();
        let mut and = |condition: &str, value: Box<dyn ToSql + Sync + Send>| {
            values.push(value);
            let _ = write!(sql, " AND {}", condition.replace('?', &format!("${}", values.len())));
        };
        if !self.tenant.is_empty() {
            and("tenant_id = ?", Box::new(Uuid::parse_str(&self.tenant)?));
        }
        if let Some(role) = &self.role {
            and("role = ?", Box::new(role.clone()));
        }
        if let Some(active) = self.is_active {
            and("is_active = ?", Box::new(active));
        }
        if let Some(verified) = self.email_verified {
            and("email_verified = ?", Box::new(verified));
        }
        if let Some(search) = &self.search {
            let columns = "(email ILIKE ? OR first_name ILIKE ? OR last_name ILIKE ? OR display_name ILIKE ?)";
            and(columns, Box::new(format!("%{search}%")));
        }
        Ok((sql, values))
    }
}
