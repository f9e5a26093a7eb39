//! The composition root: slices, environment and middleware become one router.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state, map_request};
use db::Db;
use http::{HeaderName, HeaderValue, Method};
use kernel::{Clock, Redacted, Rng, TrustedProxies};
use notifications::{MailConfig, Notifications, NotificationsConfig, Resolver, WebhooksConfig};
use tenants::{Tenants, TenantsConfig};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use users::{Users, UsersConfig};
use web::{
    Aliases, Breaker, Env, Idempotency, Limiter, Limits, conditional, idempotent, limited, normalise, observe,
    panicked, time_limit, unknown_method, unknown_route,
};
use workspaces::{Workspaces, WorkspacesConfig};

use crate::limits::RedisCounts;
use crate::wiring::{
    PeopleOfNotifications, PeopleOfTenants, PeopleOfWorkspaces, PlacesOfNotifications, PlansOfWorkspaces,
    PostOfTenants, StandingsOfPeople, TenanciesOfNotifications, TenantsOfPeople, WorkspacesOfPeople,
};
use crate::{health, openapi};

/// What the program is put together from.
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Redis, when configured.
    pub redis: Option<redis::aio::ConnectionManager>,
    /// How long counting requests waits for Redis.
    pub redis_patience: Duration,
    /// `JWT_SECRET`
    pub jwt_secret: Redacted<String>,
    /// `INTERNAL_API_KEY`
    pub internal_key: Option<Redacted<String>>,
    /// `LEGACY_COEXISTENCE`
    pub coexistence: bool,
    /// `TRUSTED_PROXIES`
    pub trusted_proxies: TrustedProxies,
    /// `CORS_ORIGINS`
    pub cors_origins: Vec<String>,
    /// `RATE_LIMIT_AUTH` and its like
    pub limits: Limits,
    /// `RATE_LIMIT_AUTH_FAILURES`
    pub auth_failures: u16,
    /// `WEBHOOKS_DELIVER`
    pub webhooks_deliver: bool,
    /// `WEBHOOKS_ALLOW_PRIVATE`
    pub webhooks_allow_private: bool,
    /// Finds the receivers of webhooks.
    pub resolver: Arc<dyn Resolver>,
    /// How mails leave, if they do.
    pub mail: Option<MailConfig>,
}

/// The program without its sockets.
pub struct App {
    /// Everything the public port serves.
    pub public: Router,
    /// Everything the internal port serves.
    pub internal: Router,
    /// For the command line and background jobs.
    pub users: Arc<Users>,
    /// For background jobs.
    pub tenants: Arc<Tenants>,
    /// For background jobs.
    pub notifications: Arc<Notifications>,
}

/// Puts the program together.
pub fn build(parts: Parts) -> Result<App, &'static str> {
    let idempotency = Idempotency::new(parts.db.clone(), &parts.jwt_secret);
    let jwt_secret = parts.jwt_secret.clone();
    let breaker = Arc::new(Breaker::new("Redis, for limits", parts.redis_patience));
    let shared = parts.redis.clone().map(|redis| Arc::new(RedisCounts::new(redis, Arc::clone(&breaker))) as _);
    let limiter = Limiter::new(parts.limits, shared);
    let webhooks = WebhooksConfig {
        deliver: parts.webhooks_deliver,
        allow_private: parts.webhooks_allow_private,
        resolver: parts.resolver,
    };
    let workspaces = Workspaces::new(
        parts.db.clone(),
        WorkspacesConfig {
            coexistence: parts.coexistence,
            redis: parts.redis.clone(),
            people: Arc::new(PeopleOfWorkspaces),
            limits: Arc::new(PlansOfWorkspaces),
        },
    );
    let users = Users::new(
        parts.db.clone(),
        UsersConfig {
            jwt_secret: parts.jwt_secret,
            coexistence: parts.coexistence,
            redis: parts.redis.clone(),
            breaker,
            auth_failures: parts.auth_failures,
            tenants: Arc::new(TenantsOfPeople),
            possessions: Arc::new(WorkspacesOfPeople(Arc::clone(&workspaces))),
        },
    )?;
    let notifications = Notifications::new(
        parts.db.clone(),
        NotificationsConfig {
            people: Arc::new(PeopleOfNotifications),
            places: Arc::new(PlacesOfNotifications),
            standings: Arc::new(StandingsOfPeople(Arc::clone(&users))),
            tenancies: Arc::new(TenanciesOfNotifications(Arc::clone(&users))),
            jwt_secret,
            webhooks,
            mail: parts.mail,
        },
    );
    let people = Arc::new(PeopleOfTenants(Arc::clone(&users)));
    let post = Arc::new(PostOfTenants(Arc::clone(&notifications)));
    let tenants = Tenants::new(parts.db.clone(), TenantsConfig { coexistence: parts.coexistence, people, post });
    let env = Env {
        clock: parts.clock,
        rng: parts.rng,
        authenticator: Arc::clone(&users) as Arc<dyn web::Authenticator>,
        internal_key: parts.internal_key,
        trusted_proxies: parts.trusted_proxies,
    };
    let health = health::Health {
        db: parts.db,
        redis: parts.redis,
        users: Arc::clone(&users),
        tenants: Arc::clone(&tenants),
        workspaces: Arc::clone(&workspaces),
        notifications: Arc::clone(&notifications),
    };

    let (router, document) = openapi::document()
        .merge(users.router())
        .merge(tenants.router())
        .merge(workspaces.router())
        .merge(notifications.router())
        .merge(health::router(health.clone()))
        .split_for_parts();
    let document = openapi::with_conditions(document);
    let old_paths = [users::ALIASES, tenants::ALIASES, workspaces::ALIASES, notifications::ALIASES].concat();
    let aliases = Aliases::new(document.paths.paths.keys().map(String::as_str), old_paths);
    let site = rewritten(router, aliases, idempotency, limiter).merge(openapi::pages(document));
    let public = layered(site.layer(cors(&parts.cors_origins)), env.clone());
    let internal = layered(health::internal_router(health).fallback(unknown_route), env);
    Ok(App { public, internal, users, tenants, notifications })
}

/// The public interface alone, for `pyairtable-platform openapi`.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = openapi::document().into_openapi();
    document.merge(users::routes().into_openapi());
    document.merge(tenants::routes().into_openapi());
    document.merge(workspaces::routes().into_openapi());
    document.merge(notifications::routes().into_openapi());
    document.merge(health::routes().into_openapi());
    openapi::with_conditions(document)
}

/// Paths are rewritten before routing, so the routes are one service behind the rewriting.
fn rewritten(router: Router, aliases: Aliases, idempotency: Idempotency, limiter: Limiter) -> Router {
    let handlers = router
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn(time_limit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(idempotency, idempotent))
        .layer(from_fn_with_state(limiter, limited))
        .layer(from_fn(conditional));
    Router::new()
        .fallback_service(handlers)
        .layer(map_request(move |request: Request| std::future::ready(normalise(request, &aliases))))
}

fn layered(router: Router, env: Env) -> Router {
    router.layer(CatchPanicLayer::custom(panicked)).layer(from_fn_with_state(env, observe))
}

/// An explicit list with credentials, never `*` (T-66); a preflight is answered 200 without authentication.
fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> =
        origins.iter().filter(|origin| *origin != "*").filter_map(|origin| origin.parse().ok()).collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS])
        .allow_headers(
            [
                "origin",
                "content-type",
                "accept",
                "authorization",
                "x-request-id",
                "idempotency-key",
                "if-match",
                "last-event-id",
            ]
            .map(HeaderName::from_static),
        )
        .expose_headers(
            [
                "x-request-id",
                "retry-after",
                "etag",
                "idempotent-replayed",
                "x-ratelimit-limit",
                "x-ratelimit-remaining",
                "x-ratelimit-reset",
            ]
            .map(HeaderName::from_static),
        )
        .max_age(Duration::from_mins(10))
}
