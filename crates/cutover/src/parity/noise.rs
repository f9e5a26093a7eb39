//! What may differ between two sides that do the same: moments, salts, and tokens. Declared here and nowhere else, each
//! with the condition under which it is noise.

use jiff::{SignedDuration, Timestamp};

use super::scene::Both;

/// How far the moments of a request may be apart, measured from when it was sent to each side.
const APART: SignedDuration = SignedDuration::from_secs(3);
/// Fields of JSON that hold tokens.
const TOKENS: [&str; 3] = ["access_token", "refresh_token", "token"];

/// What is known about a request when its traces are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances<'a> {
    /// When it was sent to the old side and to the new one.
    pub(super) sent: (Timestamp, Timestamp),
    /// What hashes may be of.
    pub(super) passwords: &'a [String],
}

/// Why two values that differ are the same, if they are.
pub(super) fn reason(old: &str, new: &str, of: Circumstances<'_>) -> Option<&'static str> {
    if same_moment(old, new, of) {
        return Some("moment");
    }
    same_password(old, new, of.passwords).then_some("salt")
}

/// Both are times as far from when the request was sent: made for it, or counted from it. A time without a zone must be
/// one in the same zone on both sides (T-51).
fn same_moment(old: &str, new: &str, of: Circumstances<'_>) -> bool {
    let (Some((old, old_zone)), Some((new, new_zone))) = (moment(old), moment(new)) else { return false };
    let apart = old.duration_since(of.sent.0) - new.duration_since(of.sent.1);
    old_zone == new_zone && apart.abs() <= APART
}

/// A time as PostgreSQL or JSON writes it, and whether it has a zone.
fn moment(text: &str) -> Option<(Timestamp, bool)> {
    let date = text.as_bytes().get(..10)?;
    if text.len() < 19 || date.get(4) != Some(&b'-') || date.get(7) != Some(&b'-') {
        return None;
    }
    let text = text.replacen(' ', "T", 1);
    let (_, clock) = text.split_once('T')?;
    let zoned = clock.contains(['Z', '+', '-']);
    let whole = match (zoned, text.strip_suffix("+00")) {
        (_, Some(start)) => format!("{start}Z"),
        (true, None) => text,
        (false, None) => format!("{text}Z"),
    };
    Some((whole.parse().ok()?, zoned))
}

/// Both are bcrypt in the same form and of the same cost, and of the same password.
fn same_password(old: &str, new: &str, passwords: &[String]) -> bool {
    let form = |hash: &str| hash.get(..7).filter(|form| form.starts_with("$2") && hash.len() == 60).map(str::to_owned);
    form(old).is_some()
        && form(old) == form(new)
        && passwords.iter().any(|password| {
            let fits = |hash| bcrypt::verify(password, hash).unwrap_or(false);
            fits(old) && fits(new)
        })
}

/// Whether a field holds a token.
pub(super) fn is_token(field: &str) -> bool {
    TOKENS.contains(&field)
}

/// Whether two refresh tokens that differ have the same form: length and alphabet.
pub(super) fn same_form(tokens: &Both) -> bool {
    let kind = |byte: u8| match byte {
        b'=' => 1,
        b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => 2,
        _ => 3,
    };
    let form =
        |text: &str| (text.len(), text.bytes().map(kind).max(), text.bytes().filter(|byte| *byte == b'=').count());
    form(&tokens.old).0 == form(&tokens.new).0
        && form(&tokens.old).2 == form(&tokens.new).2
        && form(&tokens.old).1 == form(&tokens.new).1
}

#[cfg(test)]
mod tests {
    use super::{Circumstances, reason, same_form};
    use crate::parity::scene::Both;

    fn circumstances(passwords: &[String]) -> Circumstances<'_> {
        Circumstances {
            sent: ("2026-03-01T12:00:00Z".parse().unwrap(), "2026-03-01T12:00:05Z".parse().unwrap()),
            passwords,
        }
    }

    #[test]
    fn moments_are_noise_when_they_are_as_far_from_the_request() {
        let of = circumstances(&[]);
        for (old, new) in [
            ("2026-03-01 12:00:00.1+00", "2026-03-01 12:00:05.123456+00"),
            ("2026-03-01 12:00:00.1", "2026-03-01 12:00:05"),
            ("2026-03-08T12:00:00Z", "2026-03-08T12:00:05Z"),
        ] {
            assert_eq!(reason(old, new, of), Some("moment"), "{old} {new}");
        }
        for (old, new) in [
            ("2026-03-01 12:00:00+00", "2026-03-01 12:00:10+00"),
            ("2026-03-01 21:00:00", "2026-03-01 12:00:05"),
            ("2026-03-01 12:00:00", "2026-03-01 12:00:05+00"),
            ("2026-03-01 12:00:00+00", ""),
            ("2025-03-01 12:00:00+00", "2026-03-01 12:00:05+00"),
            ("x", "y"),
        ] {
            assert_eq!(reason(old, new, of), None, "{old} {new}");
        }
    }

    #[test]
    fn hashes_are_noise_when_they_are_of_one_password_and_form() {
        let passwords = ["good".to_owned()];
        let of = circumstances(&passwords);
        let hash = |password: &str, cost, version| {
            bcrypt::hash_with_salt(password, cost, [7; 16]).unwrap().format_for_version(version)
        };
        let two_a = |password, cost| hash(password, cost, bcrypt::Version::TwoA);
        let other_salt = bcrypt::hash_with_salt("good", 4, [9; 16]).unwrap().format_for_version(bcrypt::Version::TwoA);
        assert_eq!(reason(&two_a("good", 4), &other_salt, of), Some("salt"));
        assert_eq!(reason(&two_a("good", 4), &two_a("good", 5), of), None, "another cost");
        assert_eq!(reason(&two_a("good", 4), &hash("good", 4, bcrypt::Version::TwoB), of), None, "another form");
        assert_eq!(reason(&two_a("good", 4), &two_a("bad", 4), of), None, "another password");
    }

    #[test]
    fn tokens_have_a_form() {
        let both = |old: &str, new: &str| Both { old: old.to_owned(), new: new.to_owned() };
        assert!(same_form(&both("ab_-=", "Cd12=")));
        assert!(
            !same_form(&both("ab_-=", "Cd12==")) && !same_form(&both("abc", "ab=")) && !same_form(&both("abc", "a.c"))
        );
    }
}
