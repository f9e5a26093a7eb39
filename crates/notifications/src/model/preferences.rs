//! What people want to be told of, where and when. Stored is only what was chosen; the rest comes from the tenant's
//! choices, and then from the program's.

use std::collections::BTreeMap;

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use kernel::Versioned;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::NotificationError;
use crate::templates::parse_locale;

/// What a notification is about, as far as people choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Log-ins and passwords. Always in the application, and never later than at once.
    Security,
    /// One's own account and organisation.
    Account,
    /// Workspaces one is in.
    Workspaces,
    /// What admins announce.
    Announcements,
    /// Everything else.
    Other,
}

impl Category {
    const ALL: [Self; 5] = [Self::Security, Self::Account, Self::Workspaces, Self::Announcements, Self::Other];

    /// Of what an event tells.
    pub(crate) fn of(event: &str) -> Self {
        match event.split('.').next().unwrap_or_default() {
            "user" if event == "user.role_changed" => Self::Account,
            "user" => Self::Security,
            "tenant" | "webhook" => Self::Account,
            "workspace" => Self::Workspaces,
            "announcement" => Self::Announcements,
            _ => Self::Other,
        }
    }

    /// Whether it waits for nothing.
    pub(crate) const fn is_urgent(self) -> bool {
        matches!(self, Self::Security)
    }
}

/// Where the notifications of a category go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ways {
    /// Into the feed.
    pub in_app: bool,
    /// To verified addresses.
    pub email: bool,
    /// To verified webhooks of one's own.
    pub webhook: bool,
}

/// How often mails come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    /// One mail a notification.
    Never,
    /// One mail a day, at eight in the morning.
    Daily,
    /// One mail a week, on Monday at eight in the morning.
    Weekly,
}

impl Digest {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }
}

/// When no mails are wanted; what comes up then is sent afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuietHours {
    /// Whether there are any.
    pub enabled: bool,
    /// From when on, `HH:MM` in the person's time zone.
    #[schema(example = "22:00")]
    pub start: String,
    /// Until when; before `start` for the next morning.
    #[schema(example = "07:00")]
    pub end: String,
}

/// What holds for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Preferences {
    /// Where which notifications go.
    #[schema(value_type = std::collections::BTreeMap<String, Ways>)]
    pub categories: BTreeMap<Category, Ways>,
    /// How often mails come.
    pub digest: Digest,
    /// When none do.
    pub quiet_hours: QuietHours,
    /// IANA name of the time zone that hours are meant in.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// The language of notifications, as a BCP 47 tag.
    #[schema(example = "en")]
    pub locale: String,
}

impl Versioned for Preferences {}

/// What somebody chose; the rest is left to the next one asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Choices {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    categories: BTreeMap<Category, ChosenWays>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(skip_serializing_if = "ChosenHours::is_empty")]
    quiet_hours: ChosenHours,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ChosenWays {
    #[serde(skip_serializing_if = "Option::is_none")]
    in_app: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ChosenHours {
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
}

impl ChosenHours {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

const FIELDS: [&str; 5] = ["categories", "digest", "quiet_hours", "time_zone", "locale"];

impl Choices {
    /// Reads a stored object; what cannot be read counts as not chosen.
    pub(crate) fn from_stored(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    pub(crate) fn to_stored(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// After a change: what is given overwrites, `null` goes back to the default, at every depth.
    pub(crate) fn changed(&self, change: Map<String, Value>) -> Result<Self, NotificationError> {
        if let Some(unknown) = change.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            let message = format!("has no field `{unknown}`: use {}", FIELDS.join(", "));
            return Err(NotificationError::invalid("preferences", message));
        }
        let mut all = self.to_stored();
        merge(&mut all, Value::Object(change));
        let after = Self {
            categories: part(&all, "categories")?,
            digest: part(&all, "digest")?,
            quiet_hours: part(&all, "quiet_hours")?,
            time_zone: part(&all, "time_zone")?,
            locale: part(&all, "locale")?,
        };
        after.check()?;
        Ok(after)
    }

    fn check(&self) -> Result<(), NotificationError> {
        if self.categories.get(&Category::Security).is_some_and(|ways| ways.in_app == Some(false)) {
            let message = "security cannot be kept out of the application: it may be the only warning";
            return Err(NotificationError::invalid("categories", message));
        }
        let hours = [&self.quiet_hours.start, &self.quiet_hours.end];
        if hours.into_iter().flatten().any(|text| hour(text).is_none()) {
            return Err(NotificationError::invalid("quiet_hours", "must have start and end as HH:MM, such as 22:00"));
        }
        if self.time_zone.as_ref().is_some_and(|name| TimeZone::get(name).is_err()) {
            let message = "must be the IANA name of a time zone, such as Europe/Berlin";
            return Err(NotificationError::invalid("time_zone", message));
        }
        if self.locale.as_ref().is_some_and(|locale| parse_locale(locale).is_none()) {
            return Err(NotificationError::invalid("locale", "must be a language tag, such as en or de-AT"));
        }
        Ok(())
    }
}

fn part<T: DeserializeOwned + Default>(all: &Value, name: &'static str) -> Result<T, NotificationError> {
    match all.get(name) {
        None | Some(Value::Null) => Ok(T::default()),
        Some(value) => {
            T::deserialize(value).map_err(|error| NotificationError::invalid(name, format!("cannot be used: {error}")))
        }
    }
}

/// JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(target) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

fn hour(text: &str) -> Option<Time> {
    (text.len() == 5).then(|| Time::strptime("%H:%M", text).ok()).flatten()
}

impl Default for Preferences {
    fn default() -> Self {
        let all = Ways { in_app: true, email: true, webhook: true };
        Self {
            categories: Category::ALL.map(|category| (category, all)).into(),
            digest: Digest::Never,
            quiet_hours: QuietHours { enabled: false, start: "22:00".to_owned(), end: "07:00".to_owned() },
            time_zone: "UTC".to_owned(),
            locale: "en".to_owned(),
        }
    }
}

impl Preferences {
    /// These, but for what was chosen.
    pub(crate) fn with(mut self, choices: &Choices) -> Self {
        for (category, chosen) in &choices.categories {
            if let Some(ways) = self.categories.get_mut(category) {
                ways.in_app = chosen.in_app.unwrap_or(ways.in_app);
                ways.email = chosen.email.unwrap_or(ways.email);
                ways.webhook = chosen.webhook.unwrap_or(ways.webhook);
            }
        }
        let ChosenHours { enabled, start, end } = &choices.quiet_hours;
        let hours = &mut self.quiet_hours;
        hours.enabled = enabled.unwrap_or(hours.enabled);
        hours.start = start.clone().unwrap_or_else(|| std::mem::take(&mut hours.start));
        hours.end = end.clone().unwrap_or_else(|| std::mem::take(&mut hours.end));
        self.digest = choices.digest.unwrap_or(self.digest);
        self.time_zone = choices.time_zone.clone().unwrap_or(self.time_zone);
        self.locale = choices.locale.clone().unwrap_or(self.locale);
        self
    }

    pub(crate) fn ways(&self, category: Category) -> Ways {
        self.categories.get(&category).copied().unwrap_or(Ways { in_app: true, email: false, webhook: false })
    }

    /// The language that somebody chose for everything else holds here too, unless they say otherwise.
    pub(crate) fn in_language(mut self, locale: Option<&str>) -> Self {
        self.locale = locale.and_then(parse_locale).unwrap_or(self.locale);
        self
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// When a mail that comes up at `now` may go.
    pub(crate) fn mail_at(&self, now: Timestamp) -> Timestamp {
        let (Some(start), Some(end)) = (hour(&self.quiet_hours.start), hour(&self.quiet_hours.end)) else { return now };
        if !self.quiet_hours.enabled || start == end {
            return now;
        }
        let zone = self.zone();
        let here = zone.to_datetime(now);
        let time = here.time();
        let quiet = if start < end { (start..end).contains(&time) } else { time >= start || time < end };
        if !quiet {
            return now;
        }
        let day = if time < end { here.date() } else { here.date().tomorrow().unwrap_or(here.date()) };
        instant(&zone, day.to_datetime(end)).unwrap_or(now).max(now)
    }

    /// When the mail goes that collects what comes up at `now`; `None` when each gets a mail of its own.
    pub(crate) fn digest_at(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = self.zone();
        let here = zone.to_datetime(now);
        let morning = hour("08:00")?;
        let day = match self.digest {
            Digest::Never => return None,
            Digest::Daily if here.time() < morning => here.date(),
            Digest::Daily => here.date().tomorrow().ok()?,
            Digest::Weekly if here.date().weekday() == Weekday::Monday && here.time() < morning => here.date(),
            Digest::Weekly => here.date().nth_weekday(1, Weekday::Monday).ok()?,
        };
        let due = instant(&zone, day.to_datetime(morning)).or_else(|| now.checked_add(24.hours()).ok())?;
        Some(self.mail_at(due))
    }
}

/// Times that a change of the clocks leaves out are an hour later.
fn instant(zone: &TimeZone, at: DateTime) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(at).compatible().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn choices(value: &Value) -> Choices {
        Choices::default().changed(value.as_object().unwrap().clone()).unwrap()
    }

    fn of(value: &Value) -> Preferences {
        Preferences::default().with(&choices(value))
    }

    #[test]
    fn what_is_chosen_overrides_the_tenants_choices_and_those_the_defaults() {
        let tenant =
            choices(&json!({ "categories": { "other": { "email": false, "webhook": false } }, "locale": "de" }));
        let own = choices(&json!({ "categories": { "other": { "email": true } }, "digest": "weekly" }));
        let both = Preferences::default().with(&tenant).with(&own);
        assert_eq!(both.ways(Category::Other), Ways { in_app: true, email: true, webhook: false });
        assert_eq!((both.digest, both.locale.as_str()), (Digest::Weekly, "de"));
        let back = own.changed(json!({ "categories": null, "digest": null }).as_object().unwrap().clone()).unwrap();
        assert_eq!(back, Choices::default());
    }

    #[test]
    fn nonsense_is_refused_by_the_name_of_its_field() {
        for (change, field) in [
            (json!({ "categories": { "security": { "in_app": false } } }), "categories"),
            (json!({ "categories": { "weather": { "in_app": false } } }), "categories"),
            (json!({ "categories": { "other": { "sms": true } } }), "categories"),
            (json!({ "categories": 1 }), "categories"),
            (json!({ "digest": "hourly" }), "digest"),
            (json!({ "quiet_hours": { "start": "25:00" } }), "quiet_hours"),
            (json!({ "quiet_hours": { "end": "7:00" } }), "quiet_hours"),
            (json!({ "quiet_hours": { "from": "07:00" } }), "quiet_hours"),
            (json!({ "time_zone": "Middle-earth/Shire" }), "time_zone"),
            (json!({ "locale": "../en" }), "locale"),
            (json!({ "colour": "red" }), "preferences"),
        ] {
            match Choices::default().changed(change.as_object().unwrap().clone()) {
                Err(NotificationError::Invalid(detail)) => assert_eq!(detail.field, field, "{change}"),
                other => panic!("{change}: {other:?}"),
            }
        }
    }

    #[test]
    fn mails_wait_for_the_end_of_quiet_hours() {
        let quiet = |start: &str, end: &str| {
            of(&json!({ "time_zone": "Europe/Berlin", "quiet_hours": { "enabled": true, "start": start, "end": end } }))
        };
        let at = |preferences: &Preferences, now: &str| preferences.mail_at(now.parse().unwrap()).to_string();
        let night = quiet("22:00", "07:00");
        for (now, then) in [
            ("2026-03-01T20:59:59Z", "2026-03-01T20:59:59Z"),
            ("2026-03-01T21:00:00Z", "2026-03-02T06:00:00Z"),
            ("2026-03-02T05:59:59Z", "2026-03-02T06:00:00Z"),
            ("2026-03-02T06:00:00Z", "2026-03-02T06:00:00Z"),
            // The clocks go forward in this night.
            ("2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"),
        ] {
            assert_eq!(at(&night, now), then, "{now}");
        }
        assert_eq!(at(&quiet("12:00", "13:00"), "2026-03-01T11:30:00Z"), "2026-03-01T12:00:00Z");
        assert_eq!(at(&quiet("12:00", "12:00"), "2026-03-01T11:30:00Z"), "2026-03-01T11:30:00Z");
        // 02:30 does not exist in this night.
        assert_eq!(at(&quiet("22:00", "02:30"), "2026-03-28T23:00:00Z"), "2026-03-29T01:30:00Z");
    }

    #[test]
    fn digests_come_in_the_morning() {
        let digest = |word: &str, now: &str| {
            let at = of(&json!({ "digest": word, "time_zone": "America/New_York" })).digest_at(now.parse().unwrap());
            at.map(|at| at.to_string())
        };
        assert_eq!(digest("never", "2026-03-04T12:00:00Z"), None);
        assert_eq!(digest("daily", "2026-03-04T12:59:59Z").as_deref(), Some("2026-03-04T13:00:00Z"));
        assert_eq!(digest("daily", "2026-03-04T13:00:00Z").as_deref(), Some("2026-03-05T13:00:00Z"));
        assert_eq!(digest("weekly", "2026-03-04T13:00:00Z").as_deref(), Some("2026-03-09T12:00:00Z"));
        assert_eq!(digest("weekly", "2026-03-02T12:59:59Z").as_deref(), Some("2026-03-02T13:00:00Z"));
        assert_eq!(digest("weekly", "2026-03-02T13:00:00Z").as_deref(), Some("2026-03-09T12:00:00Z"));
    }

    #[test]
    fn events_have_categories() {
        for (event, category) in [
            ("user.password_changed", Category::Security),
            ("user.new_device", Category::Security),
            ("user.role_changed", Category::Account),
            ("tenant.suspended", Category::Account),
            ("webhook.disabled", Category::Account),
            ("workspace.member.added", Category::Workspaces),
            ("announcement.published", Category::Announcements),
            ("system_update", Category::Other),
        ] {
            assert_eq!(Category::of(event), category, "{event}");
        }
    }
}
