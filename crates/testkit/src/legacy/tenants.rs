//! tenant-service (contract 1.4). No source code of it exists. [inferred] Everything here: the routes are a gateway's, the
//! fields are the design document's, the error texts and the habit of writing a whole body over a row are the
//! generator's. It has no migration, because none is known; where there is no table it fails.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse as _;
use axum::routing::get;
use jiff::Timestamp;
use kernel::Clock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_postgres::Row;
use uuid::Uuid;

use super::Shared;
use super::fault::Fault;
use super::framework::{self, Body, Parameters, Refusal, Reply, Style, Unreadable, answer, failed, refusal};
use super::store::Store;

/// The running service.
pub(super) struct Tenants {
    store: Store,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn kernel::Rng>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tenant {
    id: Uuid,
    name: String,
    slug: String,
    domain: Option<String>,
    plan: String,
    is_active: bool,
    settings: Value,
    subscription: Value,
    created_at: Timestamp,
    updated_at: Timestamp,
}

const COLUMNS: &str = "id, name, slug, domain, plan, is_active, settings, subscription, created_at, updated_at";

impl Tenants {
    pub(super) fn new(shared: &Shared, store: Store) -> Self {
        Self { store, clock: Arc::clone(&shared.clock), rng: Arc::clone(&shared.rng) }
    }

    pub(super) fn router(self: Arc<Self>) -> Router {
        let routes = Router::new()
            .route("/health", get(health))
            .route("/tenants", get(list).post(create))
            .route("/tenants/{id}", get(get_one).put(update).delete(delete))
            .with_state(self);
        framework::serve(routes, &["tenants", "health"], Style::Flag)
    }

    async fn find(&self, id: &str) -> Result<Tenant, Refusal> {
        let id = Uuid::parse_str(id).map_err(|_| refusal(StatusCode::BAD_REQUEST, "Invalid tenant ID"))?;
        let row = self.store.row(&format!("SELECT {COLUMNS} FROM tenants WHERE id = $1"), &[&id]).await;
        let found = row.ok().flatten().and_then(|row| of(&row).ok());
        found.ok_or_else(|| refusal(StatusCode::NOT_FOUND, "Tenant not found"))
    }

    async fn insert(&self, tenant: &Tenant) -> Result<(), Fault> {
        let sql = format!("INSERT INTO tenants ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
        self.write(&sql, tenant).await
    }

    async fn write(&self, sql: &str, tenant: &Tenant) -> Result<(), Fault> {
        let Tenant { id, name, slug, domain, plan, is_active, settings, subscription, created_at, updated_at } = tenant;
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 10] =
            [id, name, slug, domain, plan, is_active, settings, subscription, created_at, updated_at];
        self.store.execute(sql, &values).await?;
        Ok(())
    }
}

fn of(row: &Row) -> Result<Tenant, Fault> {
    let object = |index| row.try_get::<_, Option<Value>>(index).map(|value| value.unwrap_or_else(|| json!({})));
    Ok(Tenant {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        slug: row.try_get(2)?,
        domain: row.try_get(3)?,
        plan: row.try_get(4)?,
        is_active: row.try_get(5)?,
        settings: object(6)?,
        subscription: object(7)?,
        created_at: row.try_get(8)?,
        updated_at: row.try_get(9)?,
    })
}

fn bad_body(_: Unreadable) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, "Invalid request body")
}

async fn health(State(tenants): State<Arc<Tenants>>) -> Reply {
    let body = json!({ "status": "healthy", "service": "tenant-service", "timestamp": tenants.clock.now() });
    answer(StatusCode::OK, &body)
}

/// By ten from an offset, which is how the design counts.
async fn list(State(tenants): State<Arc<Tenants>>, uri: Uri) -> Reply {
    let query = Parameters::of(&uri);
    let number = |name: &str, default: i64| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (limit, offset) = (number("limit", 10).clamp(0, 100), number("offset", 0).max(0));
    let sql = format!("SELECT {COLUMNS} FROM tenants ORDER BY created_at DESC, id LIMIT $1 OFFSET $2");
    let found = async {
        let rows = tenants.store.rows(&sql, &[&limit, &offset]).await?;
        rows.iter().map(of).collect::<Result<Vec<_>, _>>()
    };
    let found = found.await.map_err(failed("Failed to list tenants"))?;
    answer(StatusCode::OK, &json!({ "tenants": found, "limit": limit, "offset": offset }))
}

async fn get_one(State(tenants): State<Arc<Tenants>>, Path(id): Path<String>) -> Reply {
    answer(StatusCode::OK, &tenants.find(&id).await?)
}

async fn create(State(tenants): State<Arc<Tenants>>, body: Body) -> Reply {
    let fields = body.fields().map_err(bad_body)?;
    let text = |name| fields.text(name).map_err(bad_body);
    let object = |name| fields.object(name).map_err(bad_body).map(|object| object.unwrap_or_else(|| json!({})));
    let name = text("name")?.unwrap_or_default();
    let now = tenants.clock.now();
    let tenant = Tenant {
        id: uuid::Builder::from_random_bytes(tenants.rng.bytes()).into_uuid(),
        slug: text("slug")?.unwrap_or_else(|| name.to_lowercase().replace([' ', '_'], "-")),
        name,
        domain: text("domain")?,
        plan: text("plan")?.unwrap_or_else(|| "free".to_owned()),
        is_active: true,
        settings: object("settings")?,
        subscription: object("subscription")?,
        created_at: now,
        updated_at: now,
    };
    tenants.insert(&tenant).await.map_err(failed("Failed to create tenant"))?;
    answer(StatusCode::CREATED, &tenant)
}

/// The body is laid over the row as it was read, and all of it written back.
async fn update(State(tenants): State<Arc<Tenants>>, Path(id): Path<String>, body: Body) -> Reply {
    let Ok(Value::Object(sent)) = body.json() else { return Err(bad_body(Unreadable)) };
    let tenant = tenants.find(&id).await?;
    let mut whole = json!(tenant);
    for (name, value) in sent.into_iter().filter(|(name, value)| !value.is_null() && name != "id") {
        whole[name] = value;
    }
    let mut tenant: Tenant = serde_json::from_value(whole).map_err(|_| bad_body(Unreadable))?;
    tenant.updated_at = tenants.clock.now();
    let sql = "UPDATE tenants SET name = $2, slug = $3, domain = $4, plan = $5, is_active = $6, settings = $7,
        subscription = $8, created_at = $9, updated_at = $10 WHERE id = $1";
    tenants.write(sql, &tenant).await.map_err(failed("Failed to update tenant"))?;
    answer(StatusCode::OK, &tenant)
}

async fn delete(State(tenants): State<Arc<Tenants>>, Path(id): Path<String>) -> Reply {
    let tenant = tenants.find(&id).await?;
    let gone = tenants.store.execute("DELETE FROM tenants WHERE id = $1", &[&tenant.id]).await;
    gone.map_err(failed("Failed to delete tenant"))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
