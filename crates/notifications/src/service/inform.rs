//! People are told of something in the ways they want: in the application, by mail at once or in a digest, and by webhooks
//! of their own; all in the caller's transaction.

use std::collections::HashMap;

use db::TenantTx;
use db::events::Happened;
use jiff::Timestamp;
use kernel::{Ctx, UserId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::digest::Line;
use super::webhooks::fan_out::send_off;
use crate::model::{Category, Draft, Level, Preferences, Ways};
use crate::ports::Addressee;
use crate::store::channels::Mailbox;
use crate::store::mails::NewMail;
use crate::templates::{self, Feed, Mail, Texts};
use crate::{NotificationError, Notifications, store};

/// What people are told.
pub(crate) struct News {
    category: Category,
    kind: String,
    level: String,
    data: Map<String, Value>,
    expires_at: Option<Timestamp>,
    /// What whoever tells it wrote; else templates of its kind have the words.
    written: Option<Feed>,
}

impl News {
    /// Somebody's own words, filed under what `event` is about.
    pub(crate) fn written(event: &str, draft: Draft) -> Self {
        let Draft { kind, level, title, message, data, expires_at } = draft;
        // Whoever writes something may call it what they like, but it wakes nobody up.
        let category = Some(Category::of(event)).filter(|category| !category.is_urgent()).unwrap_or(Category::Other);
        Self { category, kind, level, data, expires_at, written: Some(Feed { title, message }) }
    }

    /// Worded for each reader.
    pub(crate) fn templated(event: &str, level: Level, data: &Value) -> Self {
        Self {
            category: Category::of(event),
            kind: event.to_owned(),
            level: level.as_str().to_owned(),
            data: data.as_object().cloned().unwrap_or_default(),
            expires_at: None,
            written: None,
        }
    }

    fn draft(&self, Feed { title, message }: Feed) -> Draft {
        let Self { kind, level, data, expires_at, .. } = self;
        let (kind, level, data) = (kind.clone(), level.clone(), data.clone());
        Draft { kind, level, title, message, data, expires_at: *expires_at }
    }
}

/// Somebody who is told things, as they want to be.
pub(super) struct Reader {
    pub(super) person: Addressee,
    pub(super) wishes: Preferences,
}

/// The words for each reader.
struct Words<'a> {
    news: &'a News,
    texts: Texts,
    now: Timestamp,
}

impl<'a> Words<'a> {
    async fn load(tx: &TenantTx, cx: &Ctx, news: &'a News) -> Result<Self, NotificationError> {
        let kind = if news.written.is_some() { WRITTEN } else { &news.kind };
        Ok(Self { news, texts: Texts::load(tx, kind).await?, now: cx.now() })
    }

    fn vars(&self, reader: &Reader) -> Value {
        match &self.news.written {
            None => templates::vars(&self.news.data, &reader.person, self.now),
            Some(Feed { title, message }) => {
                let data = [("title", title), ("message", message)];
                let data = data.map(|(name, text)| (name.to_owned(), Value::from(text.as_str())));
                templates::vars(&data.into_iter().collect(), &reader.person, self.now)
            }
        }
    }

    fn feed(&self, reader: &Reader) -> Feed {
        let worded = || self.texts.feed(&reader.wishes.locale, &self.vars(reader));
        self.news.written.clone().unwrap_or_else(worded)
    }

    fn mail(&self, reader: &Reader) -> Mail {
        self.texts.mail(&reader.wishes.locale, &self.vars(reader))
    }
}

/// The template that somebody's own words are mailed in.
const WRITTEN: &str = "notification";

impl Notifications {
    /// Tells `people` of `event`, each in the ways they want. Whom it was told before, it is not told again, and who has
    /// no living account is told nothing.
    pub(crate) async fn inform(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        event: Uuid,
        people: &[UserId],
        news: &News,
    ) -> Result<(), NotificationError> {
        let readers = self.readers(tx, people).await?;
        let words = Words::load(tx, cx, news).await?;
        // Neighbours who are told the same are told in one statement.
        let mut told: Vec<(Feed, Vec<UserId>)> = Vec::new();
        for reader in wanting(&readers, news, |ways| ways.in_app) {
            let (feed, id) = (words.feed(reader), reader.person.id);
            match told.last_mut().filter(|(same, _)| *same == feed) {
                Some((_, people)) => people.push(id),
                None => told.push((feed, vec![id])),
            }
        }
        for (feed, people) in told {
            self.put_into_feeds(tx, cx, event, &people, &news.draft(feed)).await?;
        }
        self.inform_elsewhere(tx, cx, event, &readers, &words).await
    }

    /// Tells one person, and puts it into the feed whatever they want.
    pub(crate) async fn inform_in_any_case(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        event: Uuid,
        person: UserId,
        news: &News,
    ) -> Result<(), NotificationError> {
        let readers = self.readers(tx, &[person]).await?;
        let words = Words::load(tx, cx, news).await?;
        for reader in &readers {
            self.put_into_feeds(tx, cx, event, &[reader.person.id], &news.draft(words.feed(reader))).await?;
        }
        self.inform_elsewhere(tx, cx, event, &readers, &words).await
    }

    /// Those of `people` who have a living account, in order, so that two of these cannot block each other for good.
    pub(super) async fn readers(&self, tx: &TenantTx, people: &[UserId]) -> Result<Vec<Reader>, NotificationError> {
        let mut addressees = self.people.addressees(tx, people).await?;
        addressees.sort_unstable_by_key(|person| person.id);
        let tenant = tx.tenant().0;
        let owners: Vec<Uuid> = addressees.iter().map(|person| person.id.0).chain([tenant]).collect();
        let mut chosen = store::preferences::of(tx, &owners).await?;
        let default = Preferences::default().with(&chosen.remove(&tenant).unwrap_or_default());
        let reader = |person: Addressee| {
            let own = chosen.remove(&person.id.0).unwrap_or_default();
            let wishes = default.clone().in_language(person.locale.as_deref()).with(&own);
            Reader { person, wishes }
        };
        Ok(addressees.into_iter().map(reader).collect())
    }

    async fn inform_elsewhere(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        event: Uuid,
        readers: &[Reader],
        words: &Words<'_>,
    ) -> Result<(), NotificationError> {
        if self.mailer.is_some() {
            self.inform_by_mail(tx, cx, event, readers, words).await?;
        }
        if !self.deliver {
            return Ok(());
        }
        let News { kind, level, data, .. } = words.news;
        let readers = by_id(wanting(readers, words.news, |ways| ways.webhook));
        let people: Vec<UserId> = readers.keys().copied().collect();
        for (webhook, user) in store::channels::webhooks(tx, &people).await? {
            let Some(reader) = readers.get(&user) else { continue };
            let Feed { title, message } = words.feed(reader);
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
        readers: &[Reader],
        words: &Words<'_>,
    ) -> Result<(), NotificationError> {
        let readers = by_id(wanting(readers, words.news, |ways| ways.email));
        let people: Vec<UserId> = readers.keys().copied().collect();
        let (mut mails, mut lines) = (Vec::new(), HashMap::new());
        for mailbox in store::channels::mailboxes(tx, &people).await? {
            let Some(reader) = readers.get(&mailbox.user) else { continue };
            let wishes = &reader.wishes;
            let urgent = words.news.category.is_urgent();
            if let Some(due) = wishes.digest_at(cx.now()).filter(|_| !urgent) {
                // One line, however many mailboxes.
                lines.entry(mailbox.user).or_insert_with(|| Line { due, feed: words.feed(reader) });
            } else {
                let at = if urgent { cx.now() } else { wishes.mail_at(cx.now()) };
                mails.push(self.mail_to(cx, mailbox, &words.mail(reader), at));
            }
        }
        self.write_mails(tx, cx, (event, &words.news.kind), mails).await?;
        self.collect(tx, cx, event, lines).await
    }

    /// A mail to somebody's own mailbox.
    pub(super) fn mail_to(&self, cx: &Ctx, mailbox: Mailbox, mail: &Mail, at: Timestamp) -> NewMail {
        let Mailbox { channel, user, address } = mailbox;
        let id: Uuid = cx.new_id();
        let content = self.close_mail(cx, id, mail);
        NewMail { id, user: Some(user), channel: Some(channel), recipient: address, content, at }
    }
}

fn wanting<'a>(readers: &'a [Reader], news: &News, wants: fn(Ways) -> bool) -> impl Iterator<Item = &'a Reader> {
    let category = news.category;
    readers.iter().filter(move |reader| wants(reader.wishes.ways(category)))
}

fn by_id<'a>(readers: impl Iterator<Item = &'a Reader>) -> HashMap<UserId, &'a Reader> {
    readers.map(|reader| (reader.person.id, reader)).collect()
}
