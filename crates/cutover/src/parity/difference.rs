//! One difference, and as much of its values as may be shown.

use serde::Serialize;

/// A longer value helps nobody.
const LONGEST: usize = 80;
/// Parts of names whose values are shown as a hash only.
const SECRET: [&str; 5] = ["password", "hash", "token", "secret", "redis"];

/// Something both sides did differently.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Found {
    /// Where: `status`, a path of the answer such as `$.name`, or `table.column`; behind the column of a JSON value the
    /// path in it.
    pub field: String,
    /// In what way; the kinds of the shadow's register.
    pub kind: &'static str,
    /// The row, as the old side names it, or the new side where only that has it.
    pub key: Vec<String>,
    /// What the old side has.
    pub old: String,
    /// What the new side has.
    pub new: String,
}

/// A value as it may be shown.
pub(super) fn shown(field: &str, value: Option<&str>) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    let field = field.to_ascii_lowercase();
    if SECRET.iter().any(|part| field.contains(part)) {
        let hash = crate::files::sha256(value);
        return format!("#{}", &hash[..12]);
    }
    if value.chars().count() > LONGEST {
        let start: String = value.chars().take(LONGEST).collect();
        return format!("{start:?}... of {} characters", value.chars().count());
    }
    format!("{value:?}")
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn secrets_are_not_shown_and_long_values_are_cut() {
        assert_eq!(shown("public.users.email", Some("a\"b")), "\"a\\\"b\"");
        assert_eq!(shown("public.users.bio", None), "NULL");
        assert_eq!(shown("public.users.bio", Some("")), "\"\"");
        let hash = shown("public.users.password_hash", Some("$2a$10$"));
        assert!(hash.starts_with('#') && hash.len() == 13, "{hash}");
        assert!(shown("x", Some(&"é".repeat(100))).ends_with("of 100 characters"));
    }
}
