//! The words of one kind of event in one language.

use db::{FromRow, Row, get};
use jiff::Timestamp;
use kernel::Versioned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::NotificationError;

/// What a template is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Title,
    Message,
    Subject,
    Body,
}

impl Part {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Message => "message",
            Self::Subject => "subject",
            Self::Body => "body",
        }
    }

    /// The most characters of a template.
    const fn longest(self) -> usize {
        match self {
            Self::Title | Self::Subject => 1_000,
            Self::Message => 10_000,
            Self::Body => 20_000,
        }
    }
}

/// The parts of a template; those that are `null` are said in the program's words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Parts {
    /// One line in the feed.
    #[schema(max_length = 1000, example = "Welcome to {{ workspace_name }}")]
    pub title: Option<String>,
    /// The rest in the feed.
    #[schema(max_length = 10_000, example = "You are {{ role }} now.")]
    pub message: Option<String>,
    /// A mail's subject; the title if there is none.
    #[schema(max_length = 1000)]
    pub subject: Option<String>,
    /// A mail's text; the message if there is none.
    #[schema(max_length = 20_000)]
    pub body: Option<String>,
}

impl Parts {
    pub(crate) fn get(&self, part: Part) -> Option<&str> {
        match part {
            Part::Title => self.title.as_deref(),
            Part::Message => self.message.as_deref(),
            Part::Subject => self.subject.as_deref(),
            Part::Body => self.body.as_deref(),
        }
    }

    pub(crate) fn take(self, part: Part) -> Option<String> {
        match part {
            Part::Title => self.title,
            Part::Message => self.message,
            Part::Subject => self.subject,
            Part::Body => self.body,
        }
    }

    /// Those that there are.
    pub(crate) fn present(&self) -> impl Iterator<Item = (Part, &str)> {
        let all = [Part::Title, Part::Message, Part::Subject, Part::Body];
        all.into_iter().filter_map(|part| Some((part, self.get(part)?)))
    }

    /// These, and where there is none that of `other`.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            title: self.title.or(other.title),
            message: self.message.or(other.message),
            subject: self.subject.or(other.subject),
            body: self.body.or(other.body),
        }
    }

    /// Refuses what is too long or blank.
    pub(crate) fn check(&self) -> Result<(), NotificationError> {
        for (part, source) in self.present() {
            if source.trim().is_empty() {
                return Err(NotificationError::invalid(
                    part.name(),
                    "must not be empty: left out, the built-in text is used",
                ));
            }
            if source.chars().count() > part.longest() {
                let message = format!("must be at most {} characters long", part.longest());
                return Err(NotificationError::invalid(part.name(), message));
            }
        }
        Ok(())
    }
}

/// A tenant's own words, as they are stored.
#[derive(Debug, Clone)]
pub(crate) struct Override {
    pub(crate) kind: String,
    pub(crate) locale: String,
    pub(crate) parts: Parts,
    pub(crate) updated_at: Timestamp,
}

impl FromRow for Override {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let parts = Parts {
            title: get(row, "title")?,
            message: get(row, "message")?,
            subject: get(row, "subject")?,
            body: get(row, "body")?,
        };
        Ok(Self { kind: get(row, "kind")?, locale: get(row, "locale")?, parts, updated_at: get(row, "updated_at")? })
    }
}

/// The words of one kind of event in one language.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Template {
    /// The event, or what is only sent by mail.
    #[schema(example = "workspace.member.added")]
    pub kind: String,
    /// The language.
    #[schema(example = "de")]
    pub locale: String,
    /// Whether the tenant has words of its own.
    pub overridden: bool,
    /// The tenant's own parts.
    #[serde(flatten)]
    pub parts: Parts,
    /// The program's; all `null` in languages that it does not speak.
    pub built_in: Parts,
    /// When the tenant's own were written.
    pub updated_at: Option<Timestamp>,
}

impl Versioned for Template {}
