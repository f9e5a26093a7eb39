//! The words every slice shares: ids, the request context, time, randomness, conditions, pages, secrets.
//!
//! Deliberately absent: tokio, axum and SQL. What is here can be tested without any of them, and the gateway,
//! which must start when everything else is down, depends on nothing more.

mod actor;
mod clock;
mod conditions;
mod ctx;
mod email;
mod id;
mod page;
mod proxies;
mod redacted;
mod rng;
mod weakness;

pub use actor::{Actor, Role, UserActor};
pub use clock::{Clock, FixedClock, SystemClock};
pub use conditions::{Conditions, IfMatch, Version, Versioned};
pub use ctx::{Ctx, Origin};
pub use email::{Email, InvalidEmail};
pub use id::{BaseId, ProjectId, SessionId, TenantId, UserId, WorkspaceId};
pub use page::{Dialect, NotANumber, Page, PageParams, PageRequest, PageRules};
pub use proxies::TrustedProxies;
pub use redacted::Redacted;
pub use rng::Rng;
pub use weakness::weakness;
