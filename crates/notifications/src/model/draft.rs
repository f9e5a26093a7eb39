//! What is to be told, before it is known to whom.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Level;
use crate::NotificationError;

/// A checked text for one or many people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Draft {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) level: String,
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) data: Map<String, Value>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// The same as a client sends it.
#[derive(Debug, Default)]
pub(crate) struct NewDraft {
    pub(crate) kind: String,
    pub(crate) level: Option<String>,
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) data: Option<Map<String, Value>>,
    pub(crate) expires_at: Option<String>,
}

impl Draft {
    pub(crate) fn parse(new: NewDraft, now: Timestamp) -> Result<Self, NotificationError> {
        let expires_at = new.expires_at.as_deref().filter(|text| !text.is_empty()).map(instant).transpose()?;
        if expires_at.is_some_and(|at| at <= now) {
            return Err(NotificationError::invalid("expires_at", "must lie in the future"));
        }
        let level = new.level.as_deref().filter(|word| !word.is_empty()).unwrap_or("info");
        let level = Level::parse(level)
            .ok_or_else(|| NotificationError::invalid("level", "must be info, success, warning or error"))?;
        Ok(Self {
            kind: text("type", new.kind, 100)?,
            level: level.as_str().to_owned(),
            title: text("title", new.title, 500)?,
            message: text("message", new.message, 10_000)?,
            data: new.data.unwrap_or_default(),
            expires_at,
        })
    }
}

fn instant(text: &str) -> Result<Timestamp, NotificationError> {
    text.parse().map_err(|_| NotificationError::invalid("expires_at", "must be an RFC 3339 time"))
}

fn text(field: &'static str, text: String, most: usize) -> Result<String, NotificationError> {
    match text.chars().count() {
        _ if text.trim().is_empty() => Err(NotificationError::invalid(field, "must not be empty")),
        count if count > most => {
            Err(NotificationError::invalid(field, format!("must be at most {most} characters long")))
        }
        _ => Ok(text),
    }
}
