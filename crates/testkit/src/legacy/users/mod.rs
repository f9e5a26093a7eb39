//! user-service (contract 1.2). It believes two headers about who asks (T-32), keeps JSON in Redis (T-57), and addresses
//! a table that most deployments do not have (contract 2.5); there every statement of it fails, as it did.

mod cache;
mod create;
mod list;
mod person;
mod read;
mod stats;
mod update;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use kernel::Clock;
use serde_json::json;

use self::cache::Cache;
use super::Shared;
use super::framework::{self, Refusal, Reply, Style, Unreadable, answer, header, refusal};
use super::store::Store;

/// The running service.
pub(super) struct Users {
    store: Store,
    cache: Cache,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn kernel::Rng>,
}

const WORDS: &[&str] = &["users", "me", "stats", "bulk", "health"];

impl Users {
    pub(super) fn new(shared: &Shared, store: Store) -> Self {
        Self {
            store,
            cache: Cache::new(shared.redis.clone()),
            clock: Arc::clone(&shared.clock),
            rng: Arc::clone(&shared.rng),
        }
    }

    /// The paths of `stats`, `bulk` and `POST /users` are [inferred].
    pub(super) fn router(self: Arc<Self>) -> Router {
        let routes = Router::new()
            .route("/health", get(health))
            .route("/users", get(list::list).post(create::create))
            .route("/users/bulk", axum::routing::post(create::bulk))
            .route("/users/stats", get(stats::stats))
            .route("/users/me", get(read::me).put(update::me))
            .route("/users/{id}", get(read::get).put(update::put).delete(update::delete))
            .with_state(self);
        framework::serve(routes, WORDS, Style::Flag)
    }
}

/// [inferred] Only that it answers 200 is known.
async fn health(State(users): State<Arc<Users>>) -> Reply {
    let body = json!({ "status": "healthy", "service": "user-service", "timestamp": users.clock.now() });
    answer(StatusCode::OK, &body)
}

fn bad_body(_: Unreadable) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, "Invalid request body")
}

const NOT_FOUND: Refusal = refusal(StatusCode::NOT_FOUND, "User not found");
const DENIED: Refusal = refusal(StatusCode::FORBIDDEN, "Access denied");

fn user_id(headers: &HeaderMap) -> &str {
    header(headers, "x-user-id")
}

fn tenant_id(headers: &HeaderMap) -> &str {
    header(headers, "x-tenant-id")
}

/// The id of oneself, where nothing else will do.
fn myself(headers: &HeaderMap) -> Result<&str, Refusal> {
    match user_id(headers) {
        "" => Err(refusal(StatusCode::UNAUTHORIZED, "User ID not found in request")),
        id => Ok(id),
    }
}
