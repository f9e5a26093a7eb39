//! Somebody without an account is asked to join.

use db::TenantTx;
use jiff::Timestamp;
use kernel::{Ctx, Redacted};
use uuid::Uuid;

use crate::mail::Letter;
use crate::store::mails::NewMail;
use crate::Notifications;

/// What an invitation says.
pub struct InvitationMail<'a> {
    /// Whom it is sent to. Nobody has verified the address: accepting the invitation does.
    pub email: &'a str,
    /// What they are asked to join.
    pub tenant_name: &'a str,
    /// As what.
    pub role: &'a str,
    /// What it is accepted with.
    pub token: &'a Redacted<String>,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Notifications {
    /// Leaves the mail behind for when the caller's transaction is committed; nothing where there is no e-mail.
    pub async fn mail_invitation(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        invitation: &InvitationMail<'_>,
    ) -> Result<(), db::Error> {
        if self.mailer.is_none() {
            return Ok(());
        }
        let InvitationMail { email, tenant_name, role, token, expires_at } = invitation;
        let link = self.invitation_url.as_ref().map(|url| url.replace("{token}", token.expose())).unwrap_or_default();
        let letter = Letter::plain(
            &format!("You are invited to {tenant_name}"),
            &format!("As {role}, until {expires_at}. {link} Your token: {}", token.expose()),
        );
        let id: Uuid = cx.new_id();
        let content = self.close_letter(cx, id, &letter);
        let mail = NewMail { id, user: None, channel: None, recipient: (*email).to_owned(), content, at: cx.now() };
        self.write_mails(tx, cx, (cx.new_id(), "tenant.invitation"), vec![mail]).await
    }
}
