//! People are told of something in the ways they want: in the application, by mail at once or in a digest, and by webhooks
//! of their own; all in the caller's transaction.

use std::collections::HashMap;

use db::TenantTx;
use db::events::Happened;
use kernel::{Ctx, UserId};
use serde_json::json;
use uuid::Uuid;

use super::webhooks::fan_out::send_off;
use crate::model::{Category, Draft, Preferences};
use crate::store::digests::Item;
use crate::store::mails::NewMail;
use crate::{NotificationError, Notifications, store};

/// What people are told.
pub(crate) struct News {
    pub(crate) category: Category,
    pub(crate) draft: Draft,
}

impl News {
    /// Filed under what it tells of.
    pub(crate) fn of(event: &str, draft: Draft) -> Self {
        Self { category: Category::of(event), draft }
    }
}

impl Notifications {
    /// Tells `people` of `event`, each in the ways they want. Whom it was told before, it is not told again.
    pub(crate) async fn inform(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        event: Uuid,
        people: &[UserId],
        news: &News,
    ) -> Result<(), NotificationError> {
        let wishes = self.wishes(tx, people).await?;
        let in_app = wanting(&wishes, |wishes| wishes.ways(news.category).in_app);
        if !in_app.is_empty() {
            store::feed::insert(tx, cx, event, &in_app, &news.draft).await?;
        }
        self.inform_elsewhere(tx, cx, event, &wishes, news).await
    }

    /// The same, and into the feed whatever they want.
    pub(crate) async fn inform_in_any_case(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        event: Uuid,
        person: UserId,
        news: &News,
    ) -> Result<(), NotificationError> {
        store::feed::insert(tx, cx, event, &[person], &news.draft).await?;
        let wishes = self.wishes(tx, &[person]).await?;
        self.inform_elsewhere(tx, cx, event, &wishes, news).await
    }

    /// What each of these wants, in their order.
    pub(super) async fn wishes(
        &self,
        tx: &TenantTx,
        people: &[UserId],
    ) -> Result<Vec<(UserId, Preferences)>, NotificationError> {
        let tenant = tx.tenant().0;
        let owners: Vec<Uuid> = people.iter().map(|person| person.0).chain([tenant]).collect();
        let chosen = store::preferences::of(tx, &owners).await?;
        let default = Preferences::default();
        let default = chosen.get(&tenant).map_or(default.clone(), |choices| default.with(choices));
        let of = |person: &UserId| {
            let wishes = default.clone();
            (*person, chosen.get(&person.0).map_or(wishes.clone(), |choices| wishes.with(choices)))
        };
        Ok(people.iter().map(of).collect())
    }

    async fn inform_elsewhere(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        event: Uuid,
        wishes: &[(UserId, Preferences)],
        news: &News,
    ) -> Result<(), NotificationError> {
        self.inform_by_mail(tx, cx, event, wishes, news).await?;
        if !self.deliver {
            return Ok(());
        }
        let Draft { kind, level, title, message, data, .. } = &news.draft;
        let people = wanting(wishes, |wishes| wishes.ways(news.category).webhook);
        for (webhook, user) in store::channels::webhooks(tx, &people).await? {
            let data = json!({
                "user_id": user, "type": kind, "level": level, "title": title, "message": message, "data": data,
            });
            let happened = Happened { event: "notification.created".to_owned(), data, at: cx.now(), actor: None };
            send_off(tx, cx, webhook, event, &happened).await?;
        }
        Ok(())
    }

    async fn inform_by_mail(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        event: Uuid,
        wishes: &[(UserId, Preferences)],
        news: &News,
    ) -> Result<(), NotificationError> {
        let people = wanting(wishes, |wishes| wishes.ways(news.category).email);
        if self.mailer.is_none() || people.is_empty() {
            return Ok(());
        }
        let wishes: HashMap<_, _> = wishes.iter().map(|(person, wishes)| (*person, wishes)).collect();
        let (mut now, mut later) = (Vec::new(), HashMap::new());
        for mailbox in store::channels::mailboxes(tx, &people).await? {
            let Some(wishes) = wishes.get(&mailbox.user) else { continue };
            if news.category.is_urgent() {
                now.push((mailbox, cx.now()));
            } else if let Some(due) = wishes.digest_at(cx.now()) {
                later.insert(mailbox.user, due);
            } else {
                let at = wishes.mail_at(cx.now());
                now.push((mailbox, at));
            }
        }
        let Draft { kind, title, message, .. } = &news.draft;
        let letter = crate::mail::Letter::plain(title, message);
        let mails = now.into_iter().map(|(mailbox, at)| {
            let id: Uuid = cx.new_id();
            let content = self.close_letter(cx, id, &letter);
            let (user, channel) = (Some(mailbox.user), Some(mailbox.channel));
            NewMail { id, user, channel, recipient: mailbox.address, content, at }
        });
        self.write_mails(tx, cx, (event, kind), mails.collect()).await?;
        let item = Item { title: title.clone(), message: message.clone(), created_at: cx.now(), event };
        self.collect(tx, cx, later, &item).await
    }
}

fn wanting(wishes: &[(UserId, Preferences)], wants: impl Fn(&Preferences) -> bool) -> Vec<UserId> {
    wishes.iter().filter(|(_, wishes)| wants(wishes)).map(|(person, _)| *person).collect()
}
