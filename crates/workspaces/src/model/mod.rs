//! Objects as the API shows them, and the rules their fields obey.
//!
//! Ids of people and tenants are text in the workspace tables (T-01), and old rows may hold text that is no UUID; they
//! are shown as they stand and compared as text.

mod audit_log;
mod base;
mod member;
mod project;
mod role;
mod workspace;

use db::{Row, get};
use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub use audit_log::AuditLog;
pub use base::AirtableBase;
pub use member::Member;
pub use project::Project;
pub use role::WorkspaceRole;
pub use workspace::Workspace;

pub(crate) use project::Status;

use crate::WorkspaceError;

/// A jsonb column that arrived as text and leaves as text. Anything but an object reads as `{}` (T-43).
fn object(row: &Row, column: &'static str) -> Result<Box<RawValue>, db::Error> {
    let text: Option<String> = get(row, column)?;
    let text = text.filter(|text| text.starts_with('{')).unwrap_or_else(|| "{}".to_owned());
    Ok(RawValue::from_string(text).unwrap_or_else(|_| RawValue::from_string("{}".to_owned()).unwrap_or_default()))
}

/// A time that old code could have left NULL.
fn time(row: &Row, column: &'static str) -> Result<Timestamp, db::Error> {
    Ok(get::<Option<Timestamp>>(row, column)?.unwrap_or(Timestamp::UNIX_EPOCH))
}

/// A name that may be stored: old code took an empty one, which no list could show (T-52).
pub(crate) fn name(text: String) -> Result<String, WorkspaceError> {
    if text.trim().is_empty() {
        return Err(WorkspaceError::invalid("name", "must not be empty"));
    }
    fits("name", &text, 255)?;
    Ok(text)
}

/// Refuses text that its column cannot hold; `characters` is the column's width.
pub(crate) fn fits(field: &'static str, text: &str, characters: usize) -> Result<(), WorkspaceError> {
    if text.chars().count() <= characters {
        return Ok(());
    }
    Err(WorkspaceError::invalid(field, format!("must be at most {characters} characters long")))
}

/// Refuses descriptions beyond what any screen shows; the column itself has no width.
pub(crate) fn description(text: String) -> Result<String, WorkspaceError> {
    fits("description", &text, 100_000)?;
    Ok(text)
}

/// Settings as the column takes them.
pub(crate) fn settings_text(settings: Map<String, Value>) -> String {
    Value::Object(settings).to_string()
}

/// A person's id as the tables hold it: canonical if it is a UUID, else as it stands.
pub(crate) fn canonical(id: &str) -> String {
    id.parse::<kernel::UserId>().map_or_else(|_| id.to_owned(), |id| id.to_string())
}
