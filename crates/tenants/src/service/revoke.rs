//! An invitation is taken back.

use kernel::{Ctx, TenantId};

use super::changes::Changes;
use crate::model::{InvitationId, InvitationStatus};
use crate::store::{self, invitations};
use crate::{TenantError, Tenants};

impl Tenants {
    /// Revokes a pending or expired invitation; its token is dead and its seat free.
    pub(crate) async fn revoke_invitation(
        &self,
        cx: &Ctx,
        id: TenantId,
        invitation: InvitationId,
    ) -> Result<(), TenantError> {
        let there = self.reach_as_admin(cx, id)?;
        let tx = self.db.begin(&there).await?;
        // The same lock as accepting takes: either the invitation is revoked or it is accepted, never both.
        store::lock(&tx, id).await?;
        let before = invitations::find(&tx, invitation).await?.ok_or(TenantError::InvitationNotFound)?;
        tx.if_match(&before)?;
        if !matches!(before.status, InvitationStatus::Pending | InvitationStatus::Expired) {
            return Err(TenantError::closed(before.status));
        }
        invitations::revoke(&tx, invitation, cx.now()).await?;
        let changes = Changes::default().field("status", before.status.as_str(), InvitationStatus::Revoked.as_str());
        tx.audit(cx, &changes.of_invitation("invitation.revoked", invitation, id)).await?;
        Ok(tx.commit().await?)
    }
}
