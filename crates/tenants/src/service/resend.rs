//! An invitation is sent again: with a new token, the old one is dead.

use kernel::{Ctx, TenantId};
use serde_json::Value;

use super::Invited;
use super::changes::Changes;
use crate::model::{InvitationId, InvitationStatus, LIFETIME, Status, hash_of, new_token};
use crate::store::{self, invitations};
use crate::{TenantError, Tenants};

impl Tenants {
    /// Renews a pending or expired invitation; an expired one needs a free seat again.
    pub(crate) async fn resend_invitation(
        &self,
        cx: &Ctx,
        id: TenantId,
        invitation: InvitationId,
    ) -> Result<Invited, TenantError> {
        let there = self.reach_as_admin(cx, id)?;
        let tx = self.db.begin(&there).await?;
        store::lock(&tx, id).await?;
        let tenant = self.read(cx, &tx, id).await?;
        let before = invitations::find(&tx, invitation).await?.ok_or(TenantError::InvitationNotFound)?.at(cx.now());
        if tenant.status != Status::Active {
            return Err(TenantError::not_active(tenant.status));
        }
        if !matches!(before.status, InvitationStatus::Pending | InvitationStatus::Expired) {
            return Err(TenantError::closed(before.status));
        }
        if self.people.is_member(&tx, &before.email).await? {
            return Err(TenantError::AlreadyMember);
        }
        self.require_seats(&tx, cx, &tenant, 1, Some(invitation)).await?;
        let token = new_token(cx.rng());
        invitations::renew(&tx, invitation, &hash_of(token.expose()), cx.now() + LIFETIME, cx.now()).await?;
        let after = invitations::find(&tx, invitation).await?.ok_or(TenantError::InvitationNotFound)?;
        let changes = Changes::default()
            .field("status", before.status.as_str(), after.status.as_str())
            .field("expires_at", before.expires_at.to_string(), after.expires_at.to_string())
            // That it was replaced is worth knowing even when nothing else changed.
            .field("token", Value::Null, "replaced");
        let invited = Invited { invitation: after, token };
        self.send(&tx, cx, &tenant.name, &invited).await?;
        tx.audit(cx, &changes.of_invitation("invitation.resent", invitation, id)).await?;
        tx.commit().await?;
        Ok(invited)
    }
}
