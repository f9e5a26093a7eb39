//! Health for load balancers and people (T-07): `healthy`, `degraded` without Redis, 503 only without PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::{Json, Router};
use db::Db;
use http::StatusCode;
use jiff::Timestamp;
use notifications::Notifications;
use redis::aio::ConnectionManager;
use serde::Serialize;
use tenants::Tenants;
use users::Users;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{ApiError, Cx};
use workspaces::Workspaces;

/// What is asked about.
#[derive(Clone)]
pub(crate) struct Health {
    pub(crate) db: Db,
    pub(crate) redis: Option<ConnectionManager>,
    pub(crate) users: Arc<Users>,
    pub(crate) tenants: Arc<Tenants>,
    pub(crate) workspaces: Arc<Workspaces>,
    pub(crate) notifications: Arc<Notifications>,
}

/// How the program is.
#[derive(Serialize, ToSchema)]
struct Report {
    /// `healthy`, `degraded` (Redis is away) or `unhealthy` (PostgreSQL is away).
    status: &'static str,
    service: &'static str,
    version: &'static str,
    timestamp: Timestamp,
    checks: Checks,
}

#[derive(Serialize, ToSchema)]
struct Checks {
    /// `ok` or `unreachable`.
    database: &'static str,
    /// `ok`, `unreachable` or `not configured`.
    redis: &'static str,
}

/// Redis is asked for a short time only: a health check must answer while it hangs.
const REDIS_LIMIT: Duration = Duration::from_millis(500);

pub(crate) fn routes() -> OpenApiRouter<Health> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(live)).routes(routes!(ready))
}

pub(crate) fn router(health: Health) -> OpenApiRouter {
    routes().with_state(health)
}

/// One address for each component, on the internal port only (T-69).
pub(crate) fn internal_router(state: Health) -> Router {
    Router::new()
        .route("/internal/health", axum::routing::get(health))
        .route("/internal/health/users", axum::routing::get(users_health))
        .route("/internal/health/tenants", axum::routing::get(tenants_health))
        .route("/internal/health/workspaces", axum::routing::get(workspaces_health))
        .route("/internal/health/notifications", axum::routing::get(notifications_health))
        .with_state(state)
}

/// Health
///
/// 503 only when PostgreSQL is unreachable; without Redis the service is degraded and still answers 200.
#[utoipa::path(
    get, path = "/health", tag = "health", operation_id = "health", security(()),
    responses((status = 200, body = Report), (status = 503, description = "PostgreSQL is unreachable", body = Report))
)]
async fn health(State(health): State<Health>, Cx(cx): Cx) -> (StatusCode, Json<Report>) {
    let (database, redis) = tokio::join!(health.db.ping(), redis(health.redis.clone()));
    let database = if database.is_ok() { "ok" } else { "unreachable" };
    let (status, code) = match (database, redis) {
        ("ok", "unreachable") => ("degraded", StatusCode::OK),
        ("ok", _) => ("healthy", StatusCode::OK),
        _ => ("unhealthy", StatusCode::SERVICE_UNAVAILABLE),
    };
    let report = Report {
        status,
        service: db::APPLICATION_NAME,
        version: env!("CARGO_PKG_VERSION"),
        timestamp: cx.now(),
        checks: Checks { database, redis },
    };
    (code, Json(report))
}

/// Readiness
///
/// Whether requests should be sent here; the same answer as `/health`.
#[utoipa::path(
    get, path = "/ready", tag = "health", operation_id = "ready", security(()),
    responses((status = 200, body = Report), (status = 503, description = "PostgreSQL is unreachable", body = Report))
)]
async fn ready(state: State<Health>, cx: Cx) -> (StatusCode, Json<Report>) {
    health(state, cx).await
}

/// That the process answers.
#[derive(Serialize, ToSchema)]
struct Alive {
    /// Always `healthy`.
    status: &'static str,
}

/// Liveness
///
/// Says only that the process answers; looks at nothing else, so that losing the database restarts no replica.
#[utoipa::path(
    get, path = "/live", tag = "health", operation_id = "live", security(()),
    responses((status = 200, body = Alive))
)]
async fn live() -> Json<Alive> {
    Json(Alive { status: "healthy" })
}

async fn users_health(State(health): State<Health>) -> Result<Json<Alive>, ApiError> {
    health.users.health().await?;
    Ok(Json(Alive { status: "healthy" }))
}

async fn tenants_health(State(health): State<Health>) -> Result<Json<Alive>, ApiError> {
    health.tenants.health().await?;
    Ok(Json(Alive { status: "healthy" }))
}

async fn workspaces_health(State(health): State<Health>) -> Result<Json<Alive>, ApiError> {
    health.workspaces.health().await?;
    Ok(Json(Alive { status: "healthy" }))
}

async fn notifications_health(State(health): State<Health>) -> Result<Json<Alive>, ApiError> {
    health.notifications.health().await?;
    Ok(Json(Alive { status: "healthy" }))
}

async fn redis(redis: Option<ConnectionManager>) -> &'static str {
    let Some(mut redis) = redis else { return "not configured" };
    let ping = redis::cmd("PING");
    let answer = tokio::time::timeout(REDIS_LIMIT, ping.query_async::<String>(&mut redis)).await;
    if matches!(answer, Ok(Ok(_))) { "ok" } else { "unreachable" }
}
