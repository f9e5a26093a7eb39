//! What this slice asks of others, wired in `platform`.

use db::{SystemTx, TenantTx};
use kernel::{SessionId, TenantId, UserId, WorkspaceId};
use web::BoxFuture;

/// People, as far as they are told things.
pub trait People: Send + Sync {
    /// Everybody of the transaction's tenant, also who is switched off.
    fn everybody<'a>(&'a self, tx: &'a TenantTx) -> BoxFuture<'a, Result<Vec<UserId>, db::Error>>;

    /// Those of them who are its admins.
    fn admins<'a>(&'a self, tx: &'a TenantTx) -> BoxFuture<'a, Result<Vec<UserId>, db::Error>>;

    /// Those of `ids` who have a living account in the transaction's tenant.
    fn known<'a>(&'a self, tx: &'a TenantTx, ids: &'a [UserId]) -> BoxFuture<'a, Result<Vec<UserId>, db::Error>>;

    /// The same, with what they are called.
    fn addressees<'a>(
        &'a self,
        tx: &'a TenantTx,
        ids: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<Addressee>, db::Error>>;
}

/// Somebody to tell something, as they are addressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// Who.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// What they want to be called.
    pub display_name: String,
    /// The language they chose; whatever they wrote there.
    pub locale: Option<String>,
}

/// Workspaces, as far as their members are told things.
pub trait Places: Send + Sync {
    /// The members of a live workspace of the transaction's tenant; `None` when there is no such workspace.
    fn members<'a>(
        &'a self,
        tx: &'a TenantTx,
        workspace: WorkspaceId,
    ) -> BoxFuture<'a, Result<Option<Vec<UserId>>, db::Error>>;
}

/// Tenants, as far as they are told things.
pub trait Tenancies: Send + Sync {
    /// The next tenants after `after` that have people, in order.
    fn after<'a>(&'a self, tx: &'a SystemTx, after: TenantId) -> BoxFuture<'a, Result<Stretch, db::Error>>;
}

/// Some tenants, one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Those that are neither suspended nor deleted.
    pub open: Vec<TenantId>,
    /// The last that was looked at, open or not; `None` when there are no more.
    pub last: Option<TenantId>,
}

/// Somebody who follows their notifications, as they were when they connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Listener {
    /// Who.
    pub user: UserId,
    /// Their tenant then.
    pub tenant: TenantId,
    /// The log-in of their token, if it belongs to one.
    pub session: Option<SessionId>,
}

/// Whether people may go on following.
pub trait Standings: Send + Sync {
    /// The places in `listeners` of those whose request would be refused now: logged out, switched off, deleted, of
    /// another tenant or of one that is closed.
    fn refused<'a>(&'a self, listeners: &'a [Listener]) -> BoxFuture<'a, Result<Vec<usize>, db::Error>>;
}
