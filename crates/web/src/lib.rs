//! HTTP for all slices: the one error envelope, request decoding as old clients expect it, authentication glue,
//! the middleware around every request, and the server loop.
//!
//! Deliberately absent: routes. Each slice brings its own; `platform` puts them together.

mod auth;
mod body;
mod error;
mod fields;
mod idempotency;
mod limits;
mod listing;
mod message;
mod observe;
mod path;
mod paths;
mod query;
pub mod server;
mod tagged;

pub use auth::{Auth, AuthFailure, Authenticator, BoxFuture, Cx, MaybeAuth, bearer_of};
pub use body::{BODY_LIMIT, Body, OptionalBody};
pub use error::{ApiError, Code, ErrorBody, FieldError};
pub use idempotency::{Idempotency, NeverKept, idempotent};
pub use limits::{Breaker, Family, Limiter, Limits, SharedCounts, limited};
pub use listing::{Listing, PageFields, Pagination};
pub use message::Message;
pub use observe::{Env, observe, panicked, time_limit, unknown_method, unknown_route};
pub use path::Path;
pub use paths::{Aliases, normalise};
pub use query::{OrderQuery, PageQuery, Query, given, go_bool, instant};
pub use tagged::{Tagged, conditional};

/// What a handler returns.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;
