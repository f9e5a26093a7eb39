//! An admin invites people by e-mail address.

use std::collections::BTreeSet;

use db::TenantTx;
use kernel::{Ctx, Email, Redacted, Role, TenantId};
use serde_json::Value;

use super::changes::Changes;
use crate::model::{Invitation, InvitationId, LIFETIME, Status, hash_of, new_token, parse_role};
use crate::store::invitations::NewInvitation;
use crate::store::{self, invitations};
use crate::{InvitationLetter, TenantError, Tenants, events};

/// Whom to invite, as what.
#[derive(Debug, Default)]
pub(crate) struct Invite {
    pub(crate) email: String,
    pub(crate) role: String,
}

/// An invitation with its token, which is shown this once.
#[derive(Debug)]
pub(crate) struct Invited {
    pub(crate) invitation: Invitation,
    pub(crate) token: Redacted<String>,
}

/// One request can invite at most this many people.
const BULK_LIMIT: usize = 100;

/// A checked [`Invite`].
struct Parsed {
    email: Email,
    role: Role,
}

impl Tenants {
    /// Invites one person.
    pub(crate) async fn invite(&self, cx: &Ctx, id: TenantId, new: &Invite) -> Result<Invited, TenantError> {
        let parsed = vec![parse(new)?];
        let mut invited = self.invite_all(cx, id, parsed).await.map_err(|error| match error {
            TenantError::At { source, .. } => *source,
            other => other,
        })?;
        invited.pop().ok_or(TenantError::InvitationNotFound)
    }

    /// Invites all or nobody.
    pub(crate) async fn bulk_invite(
        &self,
        cx: &Ctx,
        id: TenantId,
        all: &[Invite],
    ) -> Result<Vec<Invited>, TenantError> {
        if all.is_empty() || all.len() > BULK_LIMIT {
            let message = format!("must be a list of 1 to {BULK_LIMIT} invitations");
            return Err(TenantError::invalid("Invalid request body", "body", message));
        }
        let mut seen = BTreeSet::new();
        let mut parsed = Vec::with_capacity(all.len());
        for (index, new) in all.iter().enumerate() {
            let new = parse(new).map_err(|error| error.at(index))?;
            if !seen.insert(new.email.folded()) {
                let twice = TenantError::invalid("Invalid request body", "email", "stands in the list twice");
                return Err(twice.at(index));
            }
            parsed.push(new);
        }
        self.invite_all(cx, id, parsed).await
    }

    async fn invite_all(&self, cx: &Ctx, id: TenantId, all: Vec<Parsed>) -> Result<Vec<Invited>, TenantError> {
        let there = self.reach_as_admin(cx, id)?;
        let tx = self.db.begin(&there).await?;
        store::lock(&tx, id).await?;
        let tenant = self.read(cx, &tx, id).await?;
        if tenant.status != Status::Active {
            return Err(TenantError::not_active(tenant.status));
        }
        let (mut invited, mut expired) = (Vec::with_capacity(all.len()), Vec::new());
        for (index, new) in all.iter().enumerate() {
            // One at a time, so that an address invited before is answered as that and not as a lack of seats.
            let (one, replaced) = self.insert(&tx, cx, new).await.map_err(|error| error.at(index))?;
            invited.push(one);
            expired.extend(replaced);
        }
        self.require_seats(&tx, cx, &tenant, 0, None).await?;
        for old in expired {
            tx.audit(cx, &Changes::default().expired(old, id)).await?;
        }
        for one in &invited {
            let Invitation { id: invitation, email, role, .. } = &one.invitation;
            let changes =
                Changes::default().field("email", Value::Null, email.clone()).field("role", Value::Null, role.clone());
            tx.emit(cx, events::invited(&one.invitation)).await?;
            self.send(&tx, cx, &tenant.name, one).await?;
            tx.audit(cx, &changes.of_invitation("invitation.created", InvitationId(*invitation), id)).await?;
        }
        tx.commit().await?;
        Ok(invited)
    }

    /// Has an invitation mailed.
    pub(super) async fn send(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        tenant_name: &str,
        invited: &Invited,
    ) -> Result<(), TenantError> {
        let Invited { invitation: Invitation { email, role, expires_at, invited_by, .. }, token } = invited;
        let letter =
            InvitationLetter { email, tenant_name, role, token, expires_at: *expires_at, inviter: *invited_by };
        Ok(self.post.invite(tx, cx, &letter).await?)
    }

    async fn insert(&self, tx: &TenantTx, cx: &Ctx, new: &Parsed) -> Result<(Invited, Vec<InvitationId>), TenantError> {
        if self.people.is_member(tx, new.email.as_str()).await? {
            return Err(TenantError::AlreadyMember);
        }
        let id: InvitationId = cx.new_id();
        let token = new_token(cx.rng());
        let row = NewInvitation {
            id,
            email: &new.email,
            role: new.role.as_str(),
            token_hash: &hash_of(token.expose()),
            invited_by: cx.actor.user_id(),
            expires_at: cx.now() + LIFETIME,
        };
        let expired = invitations::expire_address(tx, &new.email, cx.now()).await?;
        invitations::insert(tx, &row, cx.now()).await?;
        let invitation = invitations::find(tx, id).await?.ok_or(TenantError::InvitationNotFound)?;
        Ok((Invited { invitation, token }, expired))
    }
}

fn parse(new: &Invite) -> Result<Parsed, TenantError> {
    Ok(Parsed { email: new.email.trim().parse()?, role: parse_role(&new.role)? })
}
