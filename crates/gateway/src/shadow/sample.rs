//! One value of a difference, as much of it as may be shown.
//!
//! What is shown to everybody is its type, its length, and a mark that is equal for equal values. The text itself is shown
//! on request only, is never written to a log, and never exists for fields and values that look like secrets or addresses.

use std::fmt::Display;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;

use serde_json::Value;

/// A longer text helps nobody.
const LONGEST: usize = 80;

/// Parts of names of fields whose values nobody needs to see.
const SECRET: [&str; 9] =
    ["token", "secret", "password", "passwd", "email", "authorization", "api_key", "apikey", "hash"];

/// A value, redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    redacted: String,
    text: Option<String>,
}

impl Sample {
    /// The field is not there.
    pub(super) fn nothing() -> Self {
        Self { redacted: "nothing".to_owned(), text: None }
    }

    /// What is no secret of anybody: a status, a media type.
    pub(super) fn shown(value: impl Display) -> Self {
        let text = value.to_string();
        Self { redacted: text.clone(), text: Some(text) }
    }

    /// Whether it may be shown and is this.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text.as_deref() == Some(text)
    }

    pub(super) fn bytes(body: &[u8]) -> Self {
        Self { redacted: format!("{} bytes #{}", body.len(), mark(body)), text: None }
    }

    pub(super) fn list(items: &[Value]) -> Self {
        Self { redacted: format!("list of {}", items.len()), text: None }
    }

    pub(super) fn of(path: &str, value: &Value) -> Self {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let redacted = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => format!("bool #{}", mark(text.as_bytes())),
            Value::Number(_) => format!("number #{}", mark(text.as_bytes())),
            Value::String(_) => format!("text of {} #{}", text.chars().count(), mark(text.as_bytes())),
            Value::Array(items) => format!("list of {}", items.len()),
            Value::Object(fields) => format!("object of {}", fields.len()),
        };
        let may_be_shown = text.len() <= LONGEST
            && !matches!(value, Value::Array(_) | Value::Object(_))
            && !is_secret(path)
            && !text.contains('@')
            && !text.starts_with("eyJ");
        Self { redacted, text: may_be_shown.then_some(text) }
    }

    /// Its type, its length and its mark.
    pub fn redacted(&self) -> &str {
        &self.redacted
    }

    /// Itself, if it may be shown to whoever asks for it.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

fn is_secret(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    SECRET.iter().any(|part| path.contains(part))
}

/// Four hexadecimal digits, keyed with a number of this process, so that they cannot be looked up elsewhere.
fn mark(bytes: &[u8]) -> String {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    format!("{:04x}", KEY.get_or_init(RandomState::new).hash_one(bytes) & 0xffff)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Sample;

    #[test]
    fn secrets_and_addresses_are_never_kept() {
        for (path, value) in [
            ("$.user.email", json!("ada")),
            ("$.name", json!("ada@example.com")),
            ("$.data.access_token", json!("abc")),
            ("$.x", json!("eyJhbGciOi")),
            ("$.passwordHash", json!("$2a$10$abc")),
            ("$.user", json!({"email": "ada@example.com"})),
            ("$.bio", json!("x".repeat(81))),
        ] {
            let sample = Sample::of(path, &value);
            assert_eq!(sample.text(), None, "{path}");
            assert!(!sample.redacted().contains("ada") && !sample.redacted().contains("abc"), "{}", sample.redacted());
        }
        let (one, same, other) = (json!("Ada"), json!("Ada"), json!("Bob"));
        assert_eq!(Sample::of("$.name", &one), Sample::of("$.name", &same));
        assert_ne!(Sample::of("$.name", &one), Sample::of("$.name", &other));
        assert_eq!(Sample::of("$.name", &one).text(), Some("Ada"));
        assert!(Sample::of("$.name", &one).redacted().starts_with("text of 3 #"));
    }
}
