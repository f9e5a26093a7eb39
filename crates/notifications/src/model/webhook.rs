//! Webhooks and what was posted to them.

use db::{FromRow, Row, get};
use jiff::Timestamp;
use kernel::Versioned;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::NotificationError;

/// `webhook_endpoints.id`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WebhookId(pub(crate) Uuid);

/// `webhook_deliveries.id`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeliveryId(pub(crate) Uuid);

/// Where events are posted to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    pub id: Uuid,
    /// Whose events it gets.
    pub tenant_id: Uuid,
    /// Where they are posted to.
    #[schema(example = "https://example.com/hooks")]
    pub url: String,
    /// What it is for.
    pub description: String,
    /// Which events: names, or `workspace.*` for all that begin so. Empty for all but `notification.created`.
    #[schema(example = json!(["workspace.*", "user.role_changed"]))]
    pub events: Vec<String>,
    /// Whether nothing is posted to it.
    pub disabled: bool,
    /// Why: `by_hand`, `failing` (nothing got through for three days) or `gone` (it answered 410).
    pub disabled_reason: Option<String>,
    /// Since when nothing got through; `null` while something does.
    pub failing_since: Option<Timestamp>,
    /// Until when the secret before the current one signs too.
    pub old_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

impl Versioned for Webhook {
    const BESIDE: &[&str] = &["failing_since"];
}

impl FromRow for Webhook {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            id: get(row, "id")?,
            tenant_id: get(row, "tenant_id")?,
            url: get(row, "url")?,
            description: get(row, "description")?,
            events: get(row, "events")?,
            disabled: get(row, "disabled")?,
            disabled_reason: get(row, "disabled_reason")?,
            failing_since: get(row, "failing_since")?,
            old_secret_until: get(row, "old_secret_until")?,
            created_at: get(row, "created_at")?,
            updated_at: get(row, "updated_at")?,
        })
    }
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Delivery {
    /// Its id; the receiver sees it as `webhook-id`, the same on every attempt.
    pub id: Uuid,
    /// To which webhook.
    pub webhook_id: Uuid,
    /// The event's name.
    pub event: String,
    /// `pending`, `delivered` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next; only while pending.
    pub next_attempt_at: Option<Timestamp>,
    /// What the last attempt was answered.
    pub status_code: Option<i32>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When it got through.
    pub delivered_at: Option<Timestamp>,
    /// When the event was dispatched.
    pub created_at: Timestamp,
    /// When it was last tried, or sent off again.
    pub updated_at: Timestamp,
}

impl FromRow for Delivery {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            id: get(row, "id")?,
            webhook_id: get(row, "endpoint_id")?,
            event: get(row, "event")?,
            state: get(row, "state")?,
            attempts: get(row, "attempts")?,
            next_attempt_at: get(row, "next_attempt_at")?,
            status_code: get(row, "status_code")?,
            error: get(row, "error")?,
            delivered_at: get(row, "delivered_at")?,
            created_at: get(row, "created_at")?,
            updated_at: get(row, "updated_at")?,
        })
    }
}

/// One attempt at a delivery.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Attempt {
    /// From 1.
    pub number: i32,
    /// What was answered; `null` when nothing was.
    pub status_code: Option<i32>,
    /// Why it failed; `null` when it did not.
    pub error: Option<String>,
    /// How long it took.
    pub duration_ms: i32,
    /// When it began.
    pub at: Timestamp,
}

impl FromRow for Attempt {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            number: get(row, "number")?,
            status_code: get(row, "status_code")?,
            error: get(row, "error")?,
            duration_ms: get(row, "duration_ms")?,
            at: get(row, "at")?,
        })
    }
}

/// A delivery with its whole story.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryStory {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// What is posted, byte for byte the same each time.
    #[schema(value_type = Object)]
    pub body: Box<RawValue>,
    /// Every attempt, the first one first.
    pub history: Vec<Attempt>,
}

/// Checked fields of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookFields {
    pub(crate) url: String,
    pub(crate) description: String,
    pub(crate) events: Vec<String>,
    pub(crate) disabled: bool,
}

/// The same as a client sends them; what is left out keeps its value.
#[derive(Debug, Default)]
pub(crate) struct NewWebhook {
    pub(crate) url: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) events: Option<Vec<String>>,
    pub(crate) disabled: Option<bool>,
}

impl NewWebhook {
    /// What becomes of `before`, but for the URL's safety.
    pub(crate) fn over(self, before: WebhookFields) -> Result<WebhookFields, NotificationError> {
        let fields = WebhookFields {
            url: self.url.map_or(before.url, |url| url.trim().to_owned()),
            description: self.description.unwrap_or(before.description),
            events: self.events.unwrap_or(before.events),
            disabled: self.disabled.unwrap_or(before.disabled),
        };
        if fields.description.chars().count() > 500 {
            return Err(NotificationError::invalid("description", "must be at most 500 characters long"));
        }
        if fields.events.len() > 50 {
            return Err(NotificationError::invalid("events", "must name at most 50 events"));
        }
        if !fields.events.iter().all(|event| is_filter(event)) {
            let message = "must be names such as workspace.created, or beginnings such as workspace.*";
            return Err(NotificationError::invalid("events", message));
        }
        Ok(fields)
    }
}

impl WebhookFields {
    /// What a webhook has that nothing is said about.
    pub(crate) const fn nothing() -> Self {
        Self { url: String::new(), description: String::new(), events: Vec::new(), disabled: false }
    }

    pub(crate) fn of(webhook: &Webhook) -> Self {
        let Webhook { url, description, events, disabled, .. } = webhook.clone();
        Self { url, description, events, disabled }
    }
}

fn is_filter(text: &str) -> bool {
    let name = text.strip_suffix(".*").unwrap_or(text);
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    text.len() <= 100 && name.split('.').all(word)
}

/// Whether a webhook with these `filters` wants `event`.
pub(crate) fn wants(filters: &[String], event: &str) -> bool {
    filters.is_empty() || names(filters, event)
}

/// Whether one of `filters` names `event`, wholly or by its beginning.
pub(crate) fn names(filters: &[String], event: &str) -> bool {
    filters.iter().any(|filter| match filter.strip_suffix('*') {
        Some(beginning) => event.starts_with(beginning),
        None => filter == event,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_names_or_beginnings() {
        for good in ["workspace.created", "workspace.*", "workspace.member.*", "user.new_device", "ping"] {
            assert!(is_filter(good), "{good}");
        }
        for bad in ["", "*", ".*", "workspace.", "workspace*", "*.created", "Workspace.created", "a..b", "a b"] {
            assert!(!is_filter(bad), "{bad}");
        }
    }

    #[test]
    fn a_webhook_gets_what_its_filters_name() {
        let filters = ["workspace.*".to_owned(), "user.created".to_owned()];
        for (event, wanted) in [
            ("workspace.created", true),
            ("workspace.member.added", true),
            ("workspaces.created", false),
            ("user.created", true),
            ("user.created_twice", false),
        ] {
            assert_eq!(wants(&filters, event), wanted, "{event}");
        }
        assert!(wants(&[], "anything") && !names(&[], "anything"));
    }
}
