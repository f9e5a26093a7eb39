//! From the `Authorization` header to an actor. Which tokens are good is the users slice's to say, through
//! [`Authenticator`]; which text a refusal carries follows the path, because old clients match on it (T-33).

use std::future::Future;
use std::pin::Pin;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use kernel::{Actor, Ctx, TenantId, UserActor, UserId};
use subtle::ConstantTimeEq as _;

use crate::observe::{Env, record_actor};
use crate::{ApiError, Result};

/// A boxed future, for traits used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a token was not accepted.
#[derive(Debug)]
pub enum AuthFailure {
    /// Malformed, forged or expired; or its person, log-in or tenant is no longer active.
    Refused,
    /// It could not be checked just now.
    Database(db::Error),
}

/// Says whose an access token is. Implemented by the users slice.
pub trait Authenticator: Send + Sync {
    /// The person behind `token`, as their row stands now.
    fn authenticate<'a>(&'a self, cx: &'a Ctx, token: &'a str) -> BoxFuture<'a, Result<UserActor, AuthFailure>>;
}

/// The request's context before anybody was authenticated: for public endpoints.
pub struct Cx(pub Ctx);

/// The request's context with its actor: a person, or a service with the internal key. Everyone else gets 401.
pub struct Auth(pub Ctx);

/// Like [`Auth`], but nobody is an answer too: the actor is then `Anonymous`. A bad token is still refused.
pub struct MaybeAuth(pub Ctx);

fn context(parts: &Parts) -> Result<&Ctx> {
    parts.extensions.get::<Ctx>().ok_or_else(|| ApiError::internal("no request context: `observe` is not installed"))
}

impl<S: Sync> FromRequestParts<S> for Cx {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Ok(Self(context(parts)?.clone()))
    }
}

impl<S: Sync> FromRequestParts<S> for Auth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let MaybeAuth(cx) = MaybeAuth::from_request_parts(parts, state).await?;
        match cx.actor {
            Actor::Anonymous => Err(ApiError::unauthorized(Family::of(parts).missing())),
            _ => Ok(Self(cx)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for MaybeAuth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        authenticated(parts).await.map(Self)
    }
}

/// Who was found to be the caller, so that it is looked up once a request however many ask.
#[derive(Clone)]
struct Found(Result<Actor>);

/// The request's context with its actor.
pub(crate) async fn authenticated(parts: &mut Parts) -> Result<Ctx> {
    let found = match parts.extensions.get::<Found>() {
        Some(found) => found.clone(),
        None => Found(find_actor(parts).await),
    };
    parts.extensions.insert(found.clone());
    // The context may have changed since: only the actor is kept.
    let cx = context(parts)?.with_actor(found.0?);
    record_actor(&cx);
    Ok(cx)
}

/// Whether the caller shows the internal key.
pub(crate) fn is_service(parts: &Parts) -> bool {
    let env = parts.extensions.get::<Env>();
    env.is_some_and(|env| matches!(internal_actor(&parts.headers, env), Ok(Actor::Internal { .. })))
}

async fn find_actor(parts: &Parts) -> Result<Actor> {
    let cx = context(parts)?;
    let env = parts.extensions.get::<Env>().ok_or_else(|| ApiError::internal("no request environment"))?;
    let family = Family::of(parts);
    match parts.headers.get(AUTHORIZATION) {
        Some(_) => {
            let token = bearer_of(&parts.headers, family.accepts_bare_tokens())
                .map_err(|()| ApiError::unauthorized("Invalid Authorization header format"))?;
            match env.authenticator.authenticate(cx, token).await {
                Ok(user) => Ok(Actor::User(user)),
                Err(AuthFailure::Refused) => Err(ApiError::unauthorized(family.refused())),
                Err(AuthFailure::Database(error)) => Err(error.into()),
            }
        }
        None => internal_actor(&parts.headers, env),
    }
}

/// The token of an `Authorization` header: `Bearer` in any case, one or more spaces (T-33).
#[expect(clippy::result_unit_err, reason = "there is one way for a header to be malformed")]
pub fn bearer_of(headers: &HeaderMap, accept_bare: bool) -> Result<&str, ()> {
    let header = headers.get(AUTHORIZATION).ok_or(())?.to_str().map_err(|_| ())?.trim();
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        None if accept_bare => header,
        _ => return Err(()),
    };
    if token.is_empty() || token.contains(' ') || token.eq_ignore_ascii_case("bearer") { Err(()) } else { Ok(token) }
}

/// A service that shows the internal key may speak for a tenant and a person (T-32). The headers mean nothing
/// without the key, and nothing beside a token.
fn internal_actor(headers: &HeaderMap, env: &Env) -> Result<Actor> {
    let (Some(shown), Some(expected)) = (headers.get("x-api-key"), &env.internal_key) else {
        return Ok(Actor::Anonymous);
    };
    if !bool::from(shown.as_bytes().ct_eq(expected.expose().as_bytes())) {
        return Err(ApiError::unauthorized("Invalid API key"));
    }
    let id = |name: &'static str| -> Result<Option<uuid::Uuid>> {
        let Some(value) = headers.get(name) else { return Ok(None) };
        let parsed = value.to_str().ok().and_then(|text| text.parse().ok());
        parsed.map(Some).ok_or_else(|| ApiError::bad_request("Invalid request headers").field(name, "must be a UUID"))
    };
    Ok(Actor::Internal { tenant: id("x-tenant-id")?.map(TenantId), user: id("x-user-id")?.map(UserId) })
}

/// Which old service a path belonged to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Auth,
    Users,
    Workspaces,
    Other,
}

impl Family {
    fn of(parts: &Parts) -> Self {
        match parts.uri.path().split('/').nth(1).unwrap_or_default() {
            "auth" => Self::Auth,
            "users" => Self::Users,
            "workspaces" | "projects" | "airtable-bases" | "audit-logs" => Self::Workspaces,
            _ => Self::Other,
        }
    }

    const fn missing(self) -> &'static str {
        match self {
            Self::Auth => "Unauthorized",
            Self::Users => "User ID not found in request",
            Self::Workspaces => "Missing authentication",
            Self::Other => "Missing Authorization header",
        }
    }

    const fn refused(self) -> &'static str {
        match self {
            Self::Auth => "Unauthorized",
            Self::Users | Self::Workspaces | Self::Other => "Invalid or expired token",
        }
    }

    /// The scaffolds of the other services took a token without a scheme; auth-service never did.
    fn accepts_bare_tokens(self) -> bool {
        self != Self::Auth
    }
}
