//! Slugs: 3 to 50 characters of `a-z`, `0-9` and `-`, no hyphen first or last.

use std::str::FromStr;

use kernel::TenantId;

use crate::TenantError;

const SHORTEST: usize = 3;
const LONGEST: usize = 50;

/// A word that names a tenant in addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slug(String);

impl Slug {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = TenantError;

    fn from_str(text: &str) -> Result<Self, TenantError> {
        let letters = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let length = (SHORTEST..=LONGEST).contains(&text.len());
        if letters && length && !text.starts_with('-') && !text.ends_with('-') {
            return Ok(Self(text.to_owned()));
        }
        Err(TenantError::invalid(
            "Invalid slug",
            "slug",
            "must be 3 to 50 characters of a-z, 0-9 and -, with no hyphen first or last",
        ))
    }
}

/// The slug a name suggests; one made with the id when the name yields none that obeys the rules.
pub(crate) fn slug_of(name: &str, id: TenantId) -> Slug {
    let slug = hyphenated(name, LONGEST);
    slug.trim_matches('-').parse().unwrap_or_else(|_| unique_slug(name, id))
}

/// A slug made of a name and the end of the id: unique without asking.
pub(crate) fn unique_slug(name: &str, id: TenantId) -> Slug {
    let slug = hyphenated(name, 36);
    let base = slug.trim_matches('-');
    let base = if base.is_empty() { "tenant" } else { base };
    // The last twelve digits of a version 7 id are random.
    let digits = id.0.simple().to_string();
    Slug(format!("{base}-{}", &digits[20..]))
}

fn hyphenated(name: &str, most: usize) -> String {
    let mut slug = String::with_capacity(LONGEST);
    for character in name.chars() {
        if slug.len() == most {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::{Slug, slug_of, unique_slug};

    #[test]
    fn slug_of_any_name_obeys_the_rules() {
        let id = "0199c0de-0000-7000-8000-00000000abcd".parse().unwrap();
        assert_eq!(unique_slug("Ada Lovelace", id).as_str(), "ada-lovelace-00000000abcd");
        assert_eq!(slug_of("Ada_Lovelace & Co.", id).as_str(), "ada-lovelace-co");
        for name in ["", "---", "日本", "a", "  Ärger & Söhne  ", &"x".repeat(300), &"- ".repeat(90)] {
            for slug in [unique_slug(name, id), slug_of(name, id)] {
                assert!(slug.as_str().parse::<Slug>().is_ok(), "{slug:?}");
            }
        }
    }

    #[test]
    fn slug_breaking_a_rule_is_refused() {
        let long = "a".repeat(51);
        for bad in ["", "ab", "-abc", "abc-", "Abc", "a_b", "a b", "äbc", "a.b", &long] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
        for good in ["abc", "a-1", "123", &"a".repeat(50)] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
    }
}
