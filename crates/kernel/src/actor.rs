//! Who is asking.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{SessionId, TenantId, UserId};

/// What a person may do across the tenant. Workspace roles are the workspaces slice's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Own data only.
    User,
    /// All data of the own tenant.
    Admin,
    /// All tenants.
    SuperAdmin,
}

impl Role {
    /// The word stored in `users.role` and carried in tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
            Self::SuperAdmin => "super_admin",
        }
    }

    /// Reads a stored role. Words of other editions (`moderator`, `readonly`, ...) grant what `user` grants (T-19).
    pub fn from_stored(word: &str) -> Self {
        Self::parse(word).unwrap_or(Self::User)
    }

    /// Reads a role a client asks for; unknown words are refused.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "user" => Some(Self::User),
            "admin" => Some(Self::Admin),
            "super_admin" => Some(Self::SuperAdmin),
            _ => None,
        }
    }
}

/// A person whose token was checked and whose row was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserActor {
    /// `users.id`
    pub id: UserId,
    /// `users.tenant_id`, from the row and not from the token.
    pub tenant: TenantId,
    /// `users.role`, from the row and not from the token (T-31).
    pub role: Role,
    /// The log-in the token belongs to; tokens issued by the old services have none.
    pub session: Option<SessionId>,
    /// When the token runs out, for what lasts longer than a request; `None` when nobody showed one.
    pub expires_at: Option<Timestamp>,
}

/// Who is behind a request or a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Nobody known: public endpoints.
    Anonymous,
    /// A person.
    User(UserActor),
    /// A service that showed the internal key (T-32), on behalf of a tenant and a person if it named them.
    Internal {
        /// The tenant the service named.
        tenant: Option<TenantId>,
        /// The person the service named.
        user: Option<UserId>,
    },
    /// The program itself, doing the named job.
    System(&'static str),
}

impl Actor {
    /// The person, when there is one.
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user.id),
            Self::Internal { user, .. } => *user,
            Self::Anonymous | Self::System(_) => None,
        }
    }

    /// The tenant the actor belongs to.
    pub const fn tenant_id(&self) -> Option<TenantId> {
        match self {
            Self::User(user) => Some(user.tenant),
            Self::Internal { tenant, .. } => *tenant,
            Self::Anonymous | Self::System(_) => None,
        }
    }

    /// Whether the actor has at least `role` in their own tenant.
    pub fn has_role(&self, role: Role) -> bool {
        match self {
            Self::User(user) => user.role >= role,
            Self::Internal { .. } | Self::System(_) => true,
            Self::Anonymous => false,
        }
    }
}
