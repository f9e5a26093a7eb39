//! Somebody without an account is asked to join.

use db::TenantTx;
use jiff::Timestamp;
use kernel::{Ctx, Redacted, UserId};
use serde_json::json;
use uuid::Uuid;

use crate::model::Preferences;
use crate::store::mails::NewMail;
use crate::templates::Texts;
use crate::{NotificationError, Notifications, store};

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
    /// Who asks; nobody when a service does.
    pub inviter: Option<UserId>,
}

/// The template.
const KIND: &str = "tenant.invitation";

impl Notifications {
    /// Leaves the mail behind for when the caller's transaction is committed; nothing where there is no e-mail.
    pub async fn mail_invitation(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        invitation: &InvitationMail<'_>,
    ) -> Result<(), NotificationError> {
        if self.mailer.is_none() {
            return Ok(());
        }
        let InvitationMail { email, tenant_name, role, token, expires_at, inviter } = invitation;
        let inviter = self.display_name(tx, *inviter).await?;
        let link = self.invitation_url.as_ref().map(|url| url.replace("{token}", token.expose())).unwrap_or_default();
        let vars = json!({
            "tenant_name": tenant_name, "inviter": inviter, "role": role, "token": token.expose(), "link": link,
            "expires_at": expires_at, "now": cx.now(),
        });
        let texts = Texts::load(tx, KIND).await?;
        // Nobody knows what language somebody reads who is not there yet: the tenant's, most likely.
        let mail = texts.mail(&self.default_locale(tx).await?, &vars);
        let id: Uuid = cx.new_id();
        let content = self.close_mail(cx, id, &mail);
        let mail = NewMail { id, user: None, channel: None, recipient: (*email).to_owned(), content, at: cx.now() };
        self.write_mails(tx, cx, (cx.new_id(), KIND), vec![mail]).await?;
        Ok(())
    }

    async fn default_locale(&self, tx: &TenantTx) -> Result<String, NotificationError> {
        let tenant = tx.tenant().0;
        let chosen = store::preferences::of(tx, &[tenant]).await?.remove(&tenant).unwrap_or_default();
        Ok(Preferences::default().with(&chosen).locale)
    }

    /// Empty for nobody, and for somebody of another tenant.
    async fn display_name(&self, tx: &TenantTx, person: Option<UserId>) -> Result<String, NotificationError> {
        let Some(person) = person else { return Ok(String::new()) };
        let person = self.people.addressees(tx, &[person]).await?.pop();
        Ok(person.map(|person| person.display_name).unwrap_or_default())
    }
}
