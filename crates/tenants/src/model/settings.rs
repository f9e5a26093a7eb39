//! Settings of one tenant: the ones clients know, with their defaults, and whatever else a client keeps there.
//!
//! They are kept for the dashboards. Nothing in this program obeys them yet, and none can switch a safeguard off:
//! the audit trail is written whatever `enable_audit_logs` says.

use serde_json::{Map, Value};

use crate::TenantError;

/// A tenant's settings, known ones under their snake-case names.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Settings(Map<String, Value>);

enum Kind {
    Flag(bool),
    /// Default, least, most.
    Number(i64, i64, i64),
    /// Empty by default; at most so many characters.
    Text(usize),
}

struct Known {
    name: &'static str,
    /// Whether the dashboards' object shows it.
    on_dashboards: bool,
    kind: Kind,
}

const fn known(name: &'static str, on_dashboards: bool, kind: Kind) -> Known {
    Known { name, on_dashboards, kind }
}

/// Defaults are the domain model's (contract 1.4).
const KNOWN: [Known; 12] = [
    known("allow_user_registration", true, Kind::Flag(false)),
    known("require_email_verification", true, Kind::Flag(false)),
    known("enable_audit_logs", true, Kind::Flag(true)),
    known("data_retention_days", true, Kind::Number(365, 1, 3_650)),
    known("custom_domain", true, Kind::Text(255)),
    known("sso_enabled", true, Kind::Flag(false)),
    known("session_timeout_hours", false, Kind::Number(24, 1, 720)),
    known("password_min_length", false, Kind::Number(8, 8, 128)),
    known("password_require_uppercase", false, Kind::Flag(true)),
    known("password_require_lowercase", false, Kind::Flag(true)),
    known("password_require_digit", false, Kind::Flag(true)),
    known("password_max_age_days", false, Kind::Number(90, 0, 3_650)),
];

/// Far more than any dashboard keeps; the object is read with every tenant.
const MOST_BYTES: usize = 64 * 1024;

impl Settings {
    /// Reads a stored object; anything else counts as empty (T-43).
    pub(crate) fn from_stored(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    pub(crate) fn to_stored(&self) -> String {
        self.chosen().to_string()
    }

    /// What was set, without the defaults.
    pub(crate) fn chosen(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// All settings, defaults included.
    pub(crate) fn effective(&self) -> Map<String, Value> {
        let mut all: Map<String, Value> =
            KNOWN.iter().map(|known| (known.name.to_owned(), known.kind.default())).collect();
        all.extend(self.0.clone());
        all
    }

    /// The dashboards' camel-case object: the settings they know and nothing else.
    pub(crate) fn for_dashboards(&self) -> Map<String, Value> {
        let all = self.effective();
        let shown = KNOWN.iter().filter(|known| known.on_dashboards);
        shown.map(|known| (camel(known.name), all.get(known.name).cloned().unwrap_or_default())).collect()
    }

    /// The settings after a change: what is given overwrites, `null` goes back to the default.
    pub(crate) fn changed(&self, change: Map<String, Value>) -> Result<Self, TenantError> {
        let mut all = self.0.clone();
        for (name, value) in change {
            let known = KNOWN.iter().find(|known| known.name == name || camel(known.name) == name);
            let name = known.map_or(name, |known| known.name.to_owned());
            if value.is_null() {
                all.remove(&name);
                continue;
            }
            if let Some(known) = known {
                known.check(&value)?;
            }
            all.insert(name, value);
        }
        let after = Self(all);
        if after.to_stored().len() > MOST_BYTES {
            return Err(TenantError::invalid("Invalid settings", "settings", "must be at most 64 KB of JSON"));
        }
        Ok(after)
    }
}

impl Kind {
    fn default(&self) -> Value {
        match self {
            Self::Flag(on) => Value::Bool(*on),
            Self::Number(number, _, _) => Value::from(*number),
            Self::Text(_) => Value::from(""),
        }
    }
}

impl Known {
    fn check(&self, value: &Value) -> Result<(), TenantError> {
        let problem = match (&self.kind, value) {
            (Kind::Flag(_), Value::Bool(_)) => None,
            (Kind::Flag(_), _) => Some("must be true or false".to_owned()),
            (Kind::Number(_, least, most), value) => {
                let fits = value.as_i64().is_some_and(|number| (*least..=*most).contains(&number));
                (!fits).then(|| format!("must be a whole number from {least} to {most}"))
            }
            (Kind::Text(most), Value::String(text)) if text.chars().count() <= *most => None,
            (Kind::Text(most), _) => Some(format!("must be a text of at most {most} characters")),
        };
        match problem {
            None => Ok(()),
            Some(problem) => Err(TenantError::invalid("Invalid settings", self.name, problem)),
        }
    }
}

fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut words = name.split('_');
    out.push_str(words.next().unwrap_or_default());
    for word in words {
        let (first, rest) = word.split_at(1);
        out.push_str(&first.to_ascii_uppercase());
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Settings;

    fn changed(before: &Settings, change: Value) -> Result<Settings, String> {
        let Value::Object(change) = change else { panic!("an object") };
        before.changed(change).map_err(|error| error.to_string())
    }

    #[test]
    fn settings_overwrite_what_is_given_and_forget_what_is_null() {
        let first = changed(&Settings::default(), json!({"dataRetentionDays": 30, "colour": "red"})).unwrap();
        assert_eq!(first.effective()["data_retention_days"], 30);
        assert_eq!(first.for_dashboards()["dataRetentionDays"], 30);
        assert_eq!(first.effective()["colour"], "red");
        assert_eq!(first.for_dashboards().get("colour"), None);
        let second = changed(&first, json!({"data_retention_days": null})).unwrap();
        assert_eq!(second.effective()["data_retention_days"], 365);
        assert_eq!(second.effective()["colour"], "red");
        assert_eq!(Settings::from_stored(&second.to_stored()), second);
    }

    #[test]
    fn settings_of_the_wrong_kind_are_refused() {
        for bad in [
            json!({"sso_enabled": "yes"}),
            json!({"data_retention_days": 0}),
            json!({"data_retention_days": 1.5}),
            json!({"customDomain": 7}),
            json!({"free": "x".repeat(70_000)}),
        ] {
            assert!(changed(&Settings::default(), bad).is_err());
        }
    }

    #[test]
    fn settings_that_are_no_object_read_as_empty() {
        for stored in ["null", "[]", "", "7"] {
            assert_eq!(Settings::from_stored(stored), Settings::default());
        }
    }
}
