//! Who may not go on with what outlasts a request, such as a stream: by the rules that hold for requests.

use kernel::{SessionId, TenantId, UserId};

use crate::{Users, store};

/// A person as they were when their token was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogInOf {
    /// Who.
    pub user: UserId,
    /// Their tenant then.
    pub tenant: TenantId,
    /// The log-in; tokens of the old services, and services with the internal key, have none.
    pub session: Option<SessionId>,
}

impl Users {
    /// The places in `whose` of those who would be refused now: logged out, switched off, deleted, of another tenant or
    /// of one that is closed. One query for all of them.
    pub async fn fallen(&self, whose: &[LogInOf]) -> Result<Vec<usize>, db::Error> {
        let tx = self.db.read_system("people of all tenants are looked at together, twice a second").await?;
        store::find_fallen(&tx, whose).await
    }
}
