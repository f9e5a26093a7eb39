//! Who asks, and what their role in a workspace lets them do.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::{UNAUTHORIZED, Workspaces};
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Refusal, refusal};
use crate::legacy::scaffold;
use crate::legacy::scan::Id;

/// The caller of everything but creating a workspace and the statistics, which need a tenant as well.
pub(super) struct Caller {
    pub(super) user: String,
    pub(super) tenant: String,
}

/// A caller with a tenant.
pub(super) struct TenantCaller(pub(super) Caller);

impl FromRequestParts<Arc<Workspaces>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Workspaces>) -> Result<Self, Refusal> {
        let caller = of(parts, service)?;
        if caller.user.is_empty() {
            return Err(refusal(StatusCode::UNAUTHORIZED, "Missing authentication"));
        }
        Ok(caller)
    }
}

impl FromRequestParts<Arc<Workspaces>> for TenantCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Workspaces>) -> Result<Self, Refusal> {
        let caller = of(parts, service)?;
        if caller.user.is_empty() || caller.tenant.is_empty() {
            return Err(refusal(StatusCode::UNAUTHORIZED, "Missing authentication context"));
        }
        Ok(Self(caller))
    }
}

fn of(parts: &Parts, service: &Workspaces) -> Result<Caller, Refusal> {
    let found = scaffold::Caller::of(&parts.headers, &service.tokens, service.clock.now())?;
    Ok(Caller { user: found.user, tenant: found.tenant })
}

/// The ladder; words nobody knows rank as none.
pub(super) fn rank(role: &str) -> u8 {
    match role {
        "viewer" => 1,
        "member" => 2,
        "admin" => 3,
        "owner" => 4,
        _ => 0,
    }
}

impl Workspaces {
    /// The role of a person in a workspace, if they are a member.
    pub(super) async fn role(&self, workspace: &Id, user: &str) -> Result<Option<String>, Fault> {
        let sql = "SELECT * FROM workspace_members WHERE workspace_id = $1 AND user_id = $2";
        let row = self.store.row(sql, &[workspace, &user]).await?;
        Ok(row.map(|row| row.try_get("role")).transpose()?)
    }

    /// The caller's role, which must be at least `least`.
    pub(super) async fn require(&self, workspace: &Id, caller: &Caller, least: &str) -> Result<String, Refusal> {
        let role = self.role(workspace, &caller.user).await?.unwrap_or_default();
        if rank(&role) >= rank(least) { Ok(role) } else { Err(UNAUTHORIZED) }
    }
}
