//! auth-service (contract 1.1): accounts, passwords, tokens. Absent: its WebSocket side, which is none of the services
//! that are replaced.

mod account;
mod gate;
mod login;
mod me;
mod passwords;
mod refresh;
mod refresh_tokens;
mod register;
mod validate;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use kernel::Clock;
use serde_json::json;

pub(super) use self::account::Account;
pub use self::gate::Gate;
use self::refresh_tokens::RefreshTokens;
use super::Shared;
use super::access_token::AccessTokens;
use super::fault::Fault;
use super::framework::{self, Body, Reply, Style, Unreadable, answer, refusal};
use super::store::Store;

/// The running service.
pub(super) struct Auth {
    store: Store,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn kernel::Rng>,
    access: AccessTokens,
    refresh: RefreshTokens,
    /// Whether the middleware that `me` and `change-password` rely on is installed. As deployed it is not.
    bearer: bool,
    gate: Arc<Gate>,
}

const WORDS: &[&str] = &[
    "auth",
    "register",
    "login",
    "login-skeleton",
    "refresh",
    "logout",
    "me",
    "change-password",
    "validate",
    "health",
];

impl Auth {
    pub(super) fn new(shared: &Shared, store: Store, gate: Arc<Gate>) -> Self {
        Self {
            store,
            clock: Arc::clone(&shared.clock),
            rng: Arc::clone(&shared.rng),
            access: AccessTokens::new(&shared.jwt_secret),
            refresh: RefreshTokens::new(shared.redis.clone(), Arc::clone(&shared.rng)),
            bearer: shared.auth_bearer,
            gate,
        }
    }

    pub(super) fn router(self: Arc<Self>) -> Router {
        let routes = Router::new()
            .route("/health", get(health))
            .route("/auth/register", post(register::register))
            .route("/auth/login", post(login::login))
            .route("/auth/login-skeleton", post(login::skeleton))
            .route("/auth/refresh", post(refresh::refresh))
            .route("/auth/logout", post(refresh::logout))
            .route("/auth/me", get(me::get).put(me::put))
            .route("/auth/change-password", post(me::change_password))
            .route("/auth/validate", post(validate::validate))
            .with_state(self);
        framework::serve(routes, WORDS, Style::Text)
    }
}

async fn health(State(auth): State<Arc<Auth>>) -> Reply {
    let body = json!({ "status": "ok", "service": "auth-service", "timestamp": auth.clock.now().as_second() });
    answer(StatusCode::OK, &body)
}

const BAD_BODY: framework::Refusal = refusal(StatusCode::BAD_REQUEST, "Invalid request body");

fn bad_body(_: Unreadable) -> framework::Refusal {
    BAD_BODY
}

/// What a log-in and a refresh answer.
async fn pair(auth: &Auth, account: &account::Account) -> Result<serde_json::Value, Fault> {
    let access = auth.access.issue(account, auth.clock.now())?;
    let refresh = auth.refresh.issue(&account.id.to_string()).await?;
    Ok(json!({ "access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 86_400 }))
}

/// The body's fields, or the answer to one that has none.
fn fields(body: &Body) -> Result<framework::Fields, framework::Refusal> {
    body.fields().map_err(bad_body)
}
