//! Notifications.

use db::{FromRow, Row, get};
use jiff::Timestamp;
use kernel::{TenantId, UserId, Versioned};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

/// `user_notifications.id`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotificationId(pub(crate) Uuid);

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Info,
    Success,
    Warning,
    Error,
}

impl Level {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Info, Self::Success, Self::Warning, Self::Error].into_iter().find(|level| level.as_str() == word)
    }
}

/// Something a person is told.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Notification {
    /// Its id.
    pub id: Uuid,
    /// Whom it tells.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// The person's tenant.
    #[schema(value_type = Uuid)]
    pub tenant_id: TenantId,
    /// What it is about; an event's name, or what its sender chose.
    #[serde(rename = "type")]
    #[schema(example = "workspace.member.added")]
    pub kind: String,
    /// `info`, `success`, `warning` or `error`.
    pub level: String,
    /// One line.
    pub title: String,
    /// The rest.
    pub message: String,
    /// Free-form; `{}` by default.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
    /// Whether the person has read it.
    pub is_read: bool,
    /// The same as `is_read`; dashboards read this one (T-63).
    pub read: bool,
    /// When it was read; `null` while it is not.
    pub read_at: Option<Timestamp>,
    /// When it is no longer shown; `null` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The same as `created_at`; dashboards read this one.
    pub time: Timestamp,
    /// When it was made or read.
    pub updated_at: Timestamp,
    /// Its place in the person's feed; the event id of the stream.
    #[serde(skip)]
    pub number: i64,
}

impl Versioned for Notification {}

impl FromRow for Notification {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let (is_read, created_at) = (get(row, "is_read")?, get(row, "created_at")?);
        Ok(Self {
            id: get(row, "id")?,
            user_id: UserId(get(row, "user_id")?),
            tenant_id: TenantId(get(row, "tenant_id")?),
            kind: get(row, "type")?,
            level: get(row, "level")?,
            title: get(row, "title")?,
            message: get(row, "message")?,
            data: RawValue::from_string(get(row, "data")?).unwrap_or_default(),
            is_read,
            read: is_read,
            read_at: get(row, "read_at")?,
            expires_at: get(row, "expires_at")?,
            created_at,
            time: created_at,
            updated_at: get(row, "updated_at")?,
            number: get(row, "number")?,
        })
    }
}
