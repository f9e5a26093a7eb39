//! A new address.

use kernel::{Ctx, UserId};
use serde_json::json;
use uuid::Uuid;

use super::super::own;
use super::record;
use crate::model::{Address, Channel, ChannelId, WebhookFields, WebhookId};
use crate::webhooks::Secret;
use crate::{NotificationError, Notifications, store};

/// How many a person may have.
const MOST: i64 = 10;

impl Notifications {
    /// Adds an address and sends a code to it, unless it is known to be the caller's; returns a webhook's secret too, which
    /// is not shown again. Without an `address`, the account's own is meant.
    pub(crate) async fn create_channel(
        &self,
        cx: &Ctx,
        kind: &str,
        address: Option<&str>,
    ) -> Result<(Channel, Option<String>), NotificationError> {
        let user = own(cx)?;
        let tx = self.db.begin(cx).await?;
        let account = self.people.addressees(&tx, &[user]).await?.pop();
        let given = address.filter(|address| !address.trim().is_empty());
        let address = given.or(account.as_ref().filter(|_| kind == "email").map(|account| account.email.as_str()));
        let address = Address::parse(kind, address.unwrap_or_default())?;
        self.can_send_to(&address)?;
        if store::channels::count_locked(&tx, user).await? >= MOST {
            return Err(NotificationError::TooManyChannels(MOST));
        }
        let theirs = account.is_some_and(|account| {
            account.email_verified && account.email.eq_ignore_ascii_case(address.as_str()) && address.kind() == "email"
        });
        let id = ChannelId(cx.new_id::<Uuid>());
        if !store::channels::insert(&tx, (id, user), &address, theirs.then(|| cx.now()), cx.now()).await? {
            return Err(NotificationError::ChannelExists);
        }
        let secret = match &address {
            Address::Webhook(url) => Some(self.create_webhook_of(&tx, cx, id, url).await?),
            Address::Email(_) => None,
        };
        let made = store::channels::find(&tx, user, id).await?.ok_or(NotificationError::ChannelNotFound)?;
        if !made.verified {
            self.send_code(&tx, cx, user, &made).await?;
        }
        let changes =
            json!({ "type": { "old": null, "new": made.kind }, "address": { "old": null, "new": made.address } });
        tx.audit(cx, &record(&tx, "notification_channel.created", id, &changes)).await?;
        tx.commit().await?;
        Ok((made, secret))
    }

    /// Sends a new code to an address that is not verified yet.
    pub(crate) async fn resend_code(&self, cx: &Ctx, id: ChannelId) -> Result<Channel, NotificationError> {
        let user: UserId = own(cx)?;
        let tx = self.db.begin(cx).await?;
        let channel = store::channels::lock(&tx, user, id).await?.ok_or(NotificationError::ChannelNotFound)?;
        if channel.verified {
            return Err(NotificationError::ChannelVerified);
        }
        self.can_send_to(&Address::parse(&channel.kind, &channel.address)?)?;
        self.send_code(&tx, cx, user, &channel).await?;
        tx.audit(cx, &record(&tx, "notification_channel.code_sent", id, &json!({}))).await?;
        tx.commit().await?;
        Ok(channel)
    }

    /// Refuses what nothing would ever be sent to.
    fn can_send_to(&self, address: &Address) -> Result<(), NotificationError> {
        match address {
            Address::Email(_) if self.mailer.is_none() => Err(NotificationError::MailOff),
            Address::Webhook(_) if !self.deliver => Err(NotificationError::DeliveriesOff),
            Address::Webhook(url) => {
                self.client.target(url).map(drop).map_err(|message| NotificationError::invalid("address", message))
            }
            Address::Email(_) => Ok(()),
        }
    }

    async fn create_webhook_of(
        &self,
        tx: &db::TenantTx,
        cx: &Ctx,
        channel: ChannelId,
        url: &str,
    ) -> Result<String, NotificationError> {
        let (id, secret) = (WebhookId(cx.new_id::<Uuid>()), Secret::new(cx.rng()));
        let sealed = secret.sealed(&self.seal, cx.rng(), id.0);
        let fields = WebhookFields { url: url.to_owned(), ..WebhookFields::nothing() };
        store::webhooks::insert(tx, (id, Some(channel)), &fields, &sealed, cx.now()).await?;
        Ok(secret.shown())
    }
}
