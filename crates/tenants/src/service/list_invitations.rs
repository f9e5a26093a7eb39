//! The invitations of a tenant.

use kernel::{Ctx, Page, PageRequest, TenantId};

use crate::model::{Invitation, InvitationStatus};
use crate::store::invitations;
use crate::{TenantError, Tenants};

impl Tenants {
    /// One page, newest first. The tokens are not among what is shown.
    pub(crate) async fn list_invitations(
        &self,
        cx: &Ctx,
        id: TenantId,
        status: Option<InvitationStatus>,
        request: PageRequest,
    ) -> Result<Page<Invitation>, TenantError> {
        let there = self.reach_as_admin(cx, id)?;
        let at = invitations::LIST.position(invitations::LIST.order(None, false), request)?;
        let tx = self.db.read(&there).await?;
        self.read(cx, &tx, id).await?;
        Ok(invitations::list(&tx, status, at, cx.now()).await?)
    }
}
