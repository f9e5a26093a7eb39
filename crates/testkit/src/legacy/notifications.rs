//! notification-service (contract 1.5): a scaffold with a ping, one that wants a token, and an example's table. It never
//! stored a notification. [inferred] Its paths and answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use kernel::Clock;
use serde_json::json;

use super::Shared;
use super::access_token::AccessTokens;
use super::fault::Fault;
use super::framework::{self, Reply, Style, answer};
use super::layouts::EXAMPLES;
use super::scaffold::Caller;
use super::store::Store;

/// The running service.
pub(super) struct Notifications {
    store: Store,
    tokens: AccessTokens,
    clock: Arc<dyn Clock>,
}

impl Notifications {
    pub(super) fn new(shared: &Shared, store: Store) -> Self {
        Self { store, tokens: AccessTokens::new(&shared.jwt_secret), clock: Arc::clone(&shared.clock) }
    }

    pub(super) fn router(self: Arc<Self>) -> Router {
        let routes = Router::new()
            .route("/health", get(health))
            .route("/ping", get(ping))
            .route("/protected/ping", get(protected))
            .with_state(self);
        framework::serve(routes, &["health", "ping", "protected"], Style::Flag)
    }

    /// The example's table, if it is missing.
    pub(super) async fn auto_migrate(&self) -> Result<(), Fault> {
        let sql = "SELECT count(*) FROM information_schema.tables
            WHERE table_schema = current_schema() AND table_name = 'examples' AND table_type = 'BASE TABLE'";
        if self.store.count(sql, &[]).await? == 0 { self.store.batch(EXAMPLES).await } else { Ok(()) }
    }
}

async fn health(State(service): State<Arc<Notifications>>) -> Reply {
    let body = json!({ "status": "healthy", "service": "notification-service", "timestamp": service.clock.now() });
    answer(StatusCode::OK, &body)
}

async fn ping() -> Reply {
    answer(StatusCode::OK, &json!({ "message": "pong" }))
}

async fn protected(State(service): State<Arc<Notifications>>, headers: HeaderMap) -> Reply {
    let caller = Caller::of(&headers, &service.tokens, service.clock.now())?;
    answer(StatusCode::OK, &json!({ "message": "pong", "user_id": caller.user }))
}
