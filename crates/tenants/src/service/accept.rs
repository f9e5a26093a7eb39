//! An invited person accepts, and has an account.

use kernel::{Ctx, Redacted, Role};

use super::changes::Changes;
use crate::model::{Invitation, InvitationId, InvitationStatus, Tenant, hash_of};
use crate::ports::{LogIn, NewPerson};
use crate::store::{self, invitations};
use crate::{TenantError, Tenants};

/// What an invited person sends.
#[derive(Debug)]
pub(crate) struct Accept {
    pub(crate) token: Redacted<String>,
    pub(crate) password: Redacted<String>,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
}

impl Tenants {
    /// Creates the account with the invited role and logs it in. Of several at once with one token, one gets in.
    pub(crate) async fn accept_invitation(&self, cx: &Ctx, form: Accept) -> Result<LogIn, TenantError> {
        let hash = hash_of(form.token.expose());
        // Looked at once without locks, so that a dead token costs no password hash.
        let invitation = {
            let tx = self.db.read_system("a token names an invitation, not a tenant").await?;
            let invitation = acceptable(&tx, cx, &hash).await?;
            match self.people.tenant_of_address(&tx, &invitation.email).await? {
                None => invitation,
                Some(tenant) if tenant == invitation.tenant_id => return Err(TenantError::AlreadyMember),
                Some(_) => return Err(TenantError::AccountElsewhere),
            }
        };
        let new = NewPerson {
            email: invitation.email,
            password: form.password,
            first_name: form.first_name,
            last_name: form.last_name,
        };
        let mut applicant = self.people.prepare(cx, new).await?;

        let tx = self.db.begin_system(cx, "an address is unique across tenants").await?;
        store::lock(&tx, invitation.tenant_id).await?;
        let invitation = acceptable(&tx, cx, &hash).await?;
        let id = invitation.tenant_id;
        let tenant = store::find(&tx, id).await?.unwrap_or_else(|| Tenant::without_row(id));
        if !tenant.status.lets_people_in() {
            return Err(TenantError::not_active(tenant.status));
        }
        self.require_room(&tx, &tenant).await?;
        let person = applicant.admit(&tx, cx, id, Role::from_stored(&invitation.role)).await?;
        if !invitations::accept(&tx, invitation.id, person, cx.now()).await? {
            return Err(TenantError::closed(InvitationStatus::Accepted));
        }
        let changes = Changes::default()
            .field("status", InvitationStatus::Pending.as_str(), InvitationStatus::Accepted.as_str())
            .field("accepted_by", serde_json::Value::Null, person.to_string());
        tx.audit(cx, &changes.of_invitation("invitation.accepted", InvitationId(invitation.id), id)).await?;
        tx.commit().await?;
        Ok(applicant.log_in(cx).await?)
    }
}

/// The invitation of a token, if it can be accepted now.
async fn acceptable(tx: &db::SystemTx, cx: &Ctx, hash: &[u8]) -> Result<Invitation, TenantError> {
    let found = invitations::find_by_token(tx, hash).await?;
    let invitation = found.ok_or(TenantError::InvitationNotFound)?.at(cx.now());
    match invitation.status {
        InvitationStatus::Pending => Ok(invitation),
        closed => Err(TenantError::closed(closed)),
    }
}
