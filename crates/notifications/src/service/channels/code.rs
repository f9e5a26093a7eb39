//! Codes: whoever can repeat what was sent to an address reads what is sent there.

use db::TenantTx;
use db::events::Happened;
use jiff::{SignedDuration, Timestamp};
use kernel::{Ctx, UserId};
use serde_json::json;
use uuid::Uuid;

use super::super::inform::Reader;
use super::super::webhooks::fan_out::send_off;
use crate::model::{CODE_LIFETIME, Channel, ChannelId, new_code};
use crate::store::mails::NewMail;
use crate::templates::{self, Texts};
use crate::{NotificationError, Notifications, store};

/// How many codes one person may have sent in an hour, to whatever addresses: they may be somebody else's.
const MOST: i64 = 10;
/// The event, and the template of the mail.
const VERIFICATION: &str = "channel.verification";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

impl Notifications {
    /// Sends a new code to an address; the one before is void.
    pub(super) async fn send_code(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        user: UserId,
        channel: &Channel,
    ) -> Result<(), NotificationError> {
        let now = cx.now();
        let sent = store::codes::sent_since_locked(tx, user, now - HOUR).await?;
        if sent.count >= MOST {
            let wait = sent.first.unwrap_or(now) + HOUR;
            let seconds = u32::try_from((wait - now).get_seconds()).unwrap_or(3600);
            return Err(NotificationError::TooManyCodes(seconds.max(1)));
        }
        let (id, code, expires_at): (Uuid, _, Timestamp) = (cx.new_id(), new_code(cx.rng()), now + CODE_LIFETIME);
        let digest = self.seal.digest(id, &code);
        let to = ChannelId(channel.id);
        store::codes::insert(tx, (id, user, to), &digest, now, expires_at).await?;
        if let Some(webhook) = store::channels::webhook_of(tx, to).await? {
            let data = json!({ "channel_id": channel.id, "code": code, "expires_at": expires_at });
            let happened = Happened { event: VERIFICATION.to_owned(), data, at: now, actor: None };
            send_off(tx, cx, webhook, id, &happened).await?;
            return Ok(());
        }
        let Some(Reader { person, wishes }) = self.readers(tx, &[user]).await?.pop() else {
            return Err(NotificationError::NoPerson);
        };
        let (first, last) = code.split_at(4);
        let data = json!({
            "code": format!("{first} {last}"), "minutes": CODE_LIFETIME.as_mins(), "address": channel.address,
        });
        let vars = templates::vars(&data.as_object().cloned().unwrap_or_default(), &person, now);
        let mail = Texts::load(tx, VERIFICATION).await?.mail(&wishes.locale, &vars);
        let own: Uuid = cx.new_id();
        let content = self.close_mail(cx, own, &mail);
        let recipient = channel.address.clone();
        let mail = NewMail { id: own, user: Some(user), channel: Some(to), recipient, content, at: now };
        Ok(self.write_mails(tx, cx, (id, VERIFICATION), vec![mail]).await?)
    }
}
