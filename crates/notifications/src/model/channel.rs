//! Where else than in the application somebody is told of things.

use std::str::FromStr as _;

use db::{FromRow, Row, get};
use jiff::{SignedDuration, Timestamp};
use kernel::{Email, Rng, UserId, Versioned};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::NotificationError;

/// `notification_channels.id`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChannelId(pub(crate) Uuid);

/// How long a code can be used.
pub(crate) const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// How often a code may be guessed.
pub(crate) const CODE_TRIES: i32 = 5;

/// An address.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Channel {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// `email` or `webhook`.
    #[serde(rename = "type")]
    pub kind: String,
    /// An e-mail address or a URL.
    #[schema(example = "ada@example.com")]
    pub address: String,
    /// Whether it is used.
    pub is_active: bool,
    /// Whether its owner has shown to read what is sent there; nothing but codes is sent before.
    pub verified: bool,
    /// When.
    pub verified_at: Option<Timestamp>,
    /// When the last mail went out.
    pub last_sent_at: Option<Timestamp>,
    /// Why the last mail did not.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

impl Versioned for Channel {
    const BESIDE: &[&str] = &["last_sent_at", "last_error"];
}

impl FromRow for Channel {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let verified_at: Option<Timestamp> = get(row, "verified_at")?;
        Ok(Self {
            id: get(row, "id")?,
            user_id: UserId(get(row, "user_id")?),
            kind: get(row, "type")?,
            address: get(row, "address")?,
            is_active: get(row, "is_active")?,
            verified: verified_at.is_some(),
            verified_at,
            last_sent_at: get(row, "last_sent_at")?,
            last_error: get(row, "last_error")?,
            created_at: get(row, "created_at")?,
            updated_at: get(row, "updated_at")?,
        })
    }
}

/// A new channel, as far as it can be checked without looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Email(Email),
    Webhook(String),
}

impl Address {
    pub(crate) fn parse(kind: &str, address: &str) -> Result<Self, NotificationError> {
        let address = address.trim();
        match kind {
            "email" => Email::from_str(address)
                .map(Self::Email)
                .map_err(|_| NotificationError::invalid("address", "must be an e-mail address")),
            "webhook" => Ok(Self::Webhook(address.to_owned())),
            _ => Err(NotificationError::invalid("type", "must be email or webhook")),
        }
    }

    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Webhook(url) => url,
        }
    }
}

/// Eight digits. With five tries and ten codes an hour, guessing one takes centuries.
pub(crate) fn new_code(rng: &dyn Rng) -> String {
    // Of 2^64 the remainder favours no digit by more than one in 10^11.
    format!("{:08}", u64::from_be_bytes(rng.bytes()) % 100_000_000)
}
