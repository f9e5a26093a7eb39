//! The invitations of a tenant.

use kernel::{Ctx, Page, PageRequest, TenantId};

use crate::cursor::Cursor;
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
        let decode = |text: &String| Cursor::decode(text, "created_at", false, true);
        let after = request.cursor.as_ref().map(decode).transpose()?;
        let tx = self.db.read(&there).await?;
        self.read(cx, &tx, id).await?;
        Ok(invitations::list(&tx, status, request, after, cx.now()).await?)
    }
}
