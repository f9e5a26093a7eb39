//! The first parameter of every service function.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Actor, Clock, Conditions, Rng, Role, TenantId, UserActor, id};

/// Where a request came from, for session lists and audit records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address, from a trusted proxy or the socket.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` header, cut to 512 characters.
    pub user_agent: Option<String>,
}

/// Who asks, for which tenant, at what time, under which request id.
#[derive(Clone)]
pub struct Ctx {
    /// Who asks.
    pub actor: Actor,
    /// The tenant whose rows are visible: the actor's own, or the one a super admin chose with [`Ctx::in_tenant`].
    pub tenant: Option<TenantId>,
    /// Echoed to the client and written on every log line (T-67).
    pub request_id: Arc<str>,
    /// Where the request came from.
    pub origin: Arc<Origin>,
    conditions: Arc<Conditions>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl Ctx {
    /// A context for `actor`, seeing the actor's own tenant.
    pub fn new(
        actor: Actor,
        request_id: Arc<str>,
        origin: Arc<Origin>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        let tenant = actor.tenant_id();
        Self { actor, tenant, request_id, origin, conditions: Arc::default(), clock, rng }
    }

    /// A context for a job of the program itself.
    pub fn system(job: &'static str, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self::new(Actor::System(job), Arc::from(job), Arc::default(), clock, rng)
    }

    /// The same request as another actor: what authentication turns an anonymous context into.
    #[must_use]
    pub fn with_actor(&self, actor: Actor) -> Self {
        Self { tenant: actor.tenant_id(), actor, ..self.clone() }
    }

    /// The same request, seeing `tenant`. Callers decide whether the actor may: this is the only way across
    /// tenants besides a system transaction, and greppable for that reason.
    #[must_use]
    pub fn in_tenant(&self, tenant: TenantId) -> Self {
        Self { tenant: Some(tenant), ..self.clone() }
    }

    /// The same request under conditions, which the database holds its changes to.
    #[must_use]
    pub fn with_conditions(&self, conditions: Arc<Conditions>) -> Self {
        Self { conditions, ..self.clone() }
    }

    /// What the request demands besides its content.
    pub const fn conditions(&self) -> &Arc<Conditions> {
        &self.conditions
    }

    /// The tenant, if there is one to belong to. The nil one is none: it stands for everybody without a row (T-34) and
    /// everybody whose row names no tenant, and these share nothing.
    pub fn known_tenant(&self) -> Option<TenantId> {
        self.tenant.filter(|tenant| !tenant.0.is_nil())
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The source of randomness.
    pub fn rng(&self) -> &dyn Rng {
        &*self.rng
    }

    /// A new version 7 UUID, as any of the id types.
    pub fn new_id<T: From<Uuid>>(&self) -> T {
        id::uuid_v7(self.now(), &*self.rng).into()
    }

    /// The person, when the actor is one.
    pub const fn user(&self) -> Option<&UserActor> {
        match &self.actor {
            Actor::User(user) => Some(user),
            _ => None,
        }
    }

    /// Whether the actor has at least `role`.
    pub fn has_role(&self, role: Role) -> bool {
        self.actor.has_role(role)
    }
}

impl fmt::Debug for Ctx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ctx")
            .field("actor", &self.actor)
            .field("tenant", &self.tenant)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
