//! What a request demands besides its content: that an object has not changed since the client read it (`If-Match`),
//! and that it is carried out once however often it is sent (`Idempotency-Key`).

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// An object that clients change, and whose state has a version.
pub trait Versioned: Serialize {
    /// Fields that are shown with the object and are not its own, such as counts of what it holds: whoever renames a
    /// workspace need not know how many projects it has meanwhile.
    const BESIDE: &[&str] = &[];
}

/// Free-form objects are all their own.
impl Versioned for Map<String, Value> {}

/// Names one state of an object: a digest of its own fields as a client sees them. It is not stored, so rows that the
/// old services write have one too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version([u8; 16]);

impl Version {
    /// The version of `object` as it stands.
    pub fn of<T: Versioned>(object: &T) -> Self {
        // Objects of the API always serialise; should one not, its versions are merely all the same.
        let mut state = serde_json::to_value(object).unwrap_or_default();
        if let Value::Object(fields) = &mut state {
            fields.retain(|name, _| !T::BESIDE.contains(&name.as_str()));
        }
        let digest = Sha256::digest(state.to_string());
        let mut version = [0; 16];
        version.copy_from_slice(&digest[..16]);
        Self(version)
    }
}

/// As an entity tag shows it, without the quotes.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The versions of an object that a client is ready to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: whichever it is, as long as it exists.
    Any,
    /// One of these, as entity tags show them.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Reads the header's value: `*`, or a list of quoted tags. `None` when it is neither. Weak tags are kept out,
    /// because they never match here (RFC 9110, 8.8.3.2).
    pub fn parse(header: &str) -> Option<Self> {
        let mut rest = header.trim();
        if rest == "*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        loop {
            let (weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |quoted| (true, quoted));
            let (tag, after) = quoted.strip_prefix('"')?.split_once('"')?;
            if !weak {
                tags.push(tag.to_owned());
            }
            rest = after.trim_start();
            if rest.is_empty() {
                return Some(Self::OneOf(tags));
            }
            rest = rest.strip_prefix(',')?.trim_start();
        }
    }

    fn holds_for(&self, object: &impl Versioned) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.contains(&Version::of(object).to_string()),
        }
    }
}

/// The demands of one request.
#[derive(Debug, Default)]
pub struct Conditions {
    if_match: Option<IfMatch>,
    compared: AtomicBool,
    claim: Option<Uuid>,
    applied: AtomicBool,
}

impl Conditions {
    /// A change of an object, if it is still as the client knows it.
    pub fn if_match(if_match: IfMatch) -> Self {
        Self { if_match: Some(if_match), ..Self::default() }
    }

    /// Something to be carried out once, under the claim with this id.
    pub fn once(claim: Uuid) -> Self {
        Self { claim: Some(claim), ..Self::default() }
    }

    /// Whether `object`, about to be changed, is as the client knows it. Without a demand it always is.
    pub fn hold_for(&self, object: &impl Versioned) -> bool {
        self.compared.store(true, Ordering::Relaxed);
        self.if_match.as_ref().is_none_or(|if_match| if_match.holds_for(object))
    }

    /// Whether a demand about an object's version was made that nobody has looked at.
    pub fn are_unmet(&self) -> bool {
        self.if_match.is_some() && !self.compared.load(Ordering::Relaxed)
    }

    /// The claim that changes are made under.
    pub const fn claim(&self) -> Option<Uuid> {
        self.claim
    }

    /// A change was committed under the claim.
    pub fn mark_applied(&self) {
        self.applied.store(true, Ordering::Relaxed);
    }

    /// Whether a change was committed under the claim.
    pub fn is_applied(&self) -> bool {
        self.applied.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Thing {
        name: &'static str,
        parts: u32,
    }

    impl Versioned for Thing {
        const BESIDE: &[&str] = &["parts"];
    }

    fn one_of(tags: &[&str]) -> IfMatch {
        IfMatch::OneOf(tags.iter().map(|&tag| tag.to_owned()).collect())
    }

    #[test]
    fn if_match_reads_lists_and_leaves_weak_tags_out() {
        assert_eq!(IfMatch::parse(" * "), Some(IfMatch::Any));
        assert_eq!(IfMatch::parse("\"a\""), Some(one_of(&["a"])));
        assert_eq!(IfMatch::parse("\"a\", W/\"b\" ,\"c,d\""), Some(one_of(&["a", "c,d"])));
        assert_eq!(IfMatch::parse("W/\"b\""), Some(one_of(&[])));
        for malformed in ["", "a", "\"a", "a\"", "\"a\" \"b\"", "\"a\",", "*, \"a\"", "w/\"a\""] {
            assert_eq!(IfMatch::parse(malformed), None, "{malformed:?}");
        }
    }

    #[test]
    fn a_condition_holds_for_the_version_it_names_and_no_other() {
        let thing = |name| Thing { name, parts: 1 };
        let tag = Version::of(&thing("before")).to_string();
        let conditions = Conditions::if_match(IfMatch::OneOf(vec!["other".to_owned(), tag]));
        assert!(conditions.are_unmet());
        assert!(conditions.hold_for(&thing("before")));
        assert!(conditions.hold_for(&Thing { name: "before", parts: 2 }));
        assert!(!conditions.hold_for(&thing("after")));
        assert!(!conditions.are_unmet());
        assert!(Conditions::default().hold_for(&thing("anything")));
        assert!(!Conditions::default().are_unmet());
    }
}
