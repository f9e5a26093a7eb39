//! workspace-service (contract 1.3): workspaces, projects, Airtable bases, members, audit log. As committed nothing of it
//! runs; this is what it was meant to do, with its handlers' errors: most of what is wrong answers 500 (T-12).
//!
//! What is known of its statements is the ORM's doing. Rows that are touched are not counted. A change writes the row as
//! it was read, except for values that are zero (T-52). [inferred] No transaction spans two statements; existence is
//! checked before membership, except where the contract says otherwise; the parent loads with the child.

mod access;
mod audit;
mod bases;
mod cache;
mod entities;
mod lists;
mod members;
mod migrate;
mod mine;
mod projects;
mod stats;
mod workspace;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use kernel::Clock;
use serde_json::json;

use self::cache::Cache;
use super::Shared;
use super::access_token::AccessTokens;
use super::fault::Fault;
use super::framework::{self, Refusal, Reply, Style, Unreadable, answer, refusal};
use super::store::Store;

/// The running service.
pub(super) struct Workspaces {
    store: Store,
    cache: Cache,
    clock: Arc<dyn Clock>,
    tokens: AccessTokens,
}

const WORDS: &[&str] =
    &["workspaces", "projects", "airtable-bases", "members", "audit-logs", "stats", "user", "health"];

impl Workspaces {
    pub(super) fn new(shared: &Shared, store: Store) -> Self {
        Self {
            store,
            cache: Cache::new(shared.redis.clone()),
            clock: Arc::clone(&shared.clock),
            tokens: AccessTokens::new(&shared.jwt_secret),
        }
    }

    /// The paths of statistics, bases and the audit log are [inferred].
    pub(super) fn router(self: Arc<Self>) -> Router {
        let routes = Router::new()
            .route("/health", get(health))
            .route("/workspaces", get(workspace::list).post(workspace::create))
            .route("/workspaces/stats", get(stats::stats))
            .route("/workspaces/user", get(mine::mine))
            .route("/workspaces/audit-logs", get(audit::list))
            .route("/workspaces/{id}", get(workspace::get).put(workspace::update).delete(workspace::delete))
            .route("/workspaces/{id}/projects", post(projects::create_in))
            .route("/workspaces/{id}/members", get(members::list).post(members::add))
            .route("/workspaces/{id}/members/{user}", put(members::change).delete(members::remove))
            .route("/projects", get(projects::list).post(projects::create))
            .route("/projects/{id}", get(projects::get).put(projects::update).delete(projects::delete))
            .route("/projects/{id}/airtable-bases", post(bases::connect))
            .route("/airtable-bases", get(bases::list))
            .route("/airtable-bases/{id}", get(bases::get).put(bases::update).delete(bases::disconnect))
            .route("/audit-logs", get(audit::list))
            .with_state(self);
        framework::serve(routes, WORDS, Style::Flag)
    }
}

async fn health(State(service): State<Arc<Workspaces>>) -> Reply {
    let body = json!({ "status": "healthy", "service": "workspace-service", "timestamp": service.clock.now() });
    answer(StatusCode::OK, &body)
}

const UNAUTHORIZED: Refusal = refusal(StatusCode::FORBIDDEN, "Unauthorized");
const QUOTA: Refusal = refusal(StatusCode::FORBIDDEN, "Quota exceeded");

/// Everything the handler does not tell apart: what is missing, what exists twice, what the last owner may not.
const fn internal() -> Refusal {
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
}

impl From<Fault> for Refusal {
    fn from(_: Fault) -> Self {
        internal()
    }
}

impl From<tokio_postgres::Error> for Refusal {
    fn from(_: tokio_postgres::Error) -> Self {
        internal()
    }
}

fn bad_body(_: Unreadable) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, "Invalid request body")
}

fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
