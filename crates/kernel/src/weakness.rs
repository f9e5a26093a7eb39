//! Secrets that are none: short, copied from an example, or typed by hand.

/// What HS256 asks for: a key as long as its digest.
const MINIMUM_BYTES: usize = 32;
/// Random text of 32 characters has more than this practically always.
const MINIMUM_DISTINCT: usize = 8;

/// Values that stand in examples, compose files and defaults of the old services (contract 3.1).
const PLACEHOLDERS: &[&str] = &[
    "your-secret-key",
    "your-secret-key-change-in-production",
    "default-secret-change-in-production",
    "secret",
    "jwt-secret",
    "secret-key",
    "password",
    "test",
    "development",
];

/// Words that are left in a value only when nobody replaced it. Random text has none of them by chance.
const TELLING: &[&str] = &[
    "your-secret",
    "your_secret",
    "your-super",
    "your_super",
    "your-jwt",
    "your_jwt",
    "your-api",
    "your_api",
    "yoursecret",
    "change-me",
    "change_me",
    "changeme",
    "change-in",
    "change_in",
    "change-this",
    "change_this",
    "changethis",
    "replace-me",
    "replace_me",
    "replaceme",
    "replace-with",
    "replace_with",
    "placeholder",
    "default-secret",
    "default_secret",
    "example-secret",
    "example_secret",
    "secret-key",
    "secret_key",
    "secretkey",
    "dev-secret",
    "dev_secret",
    "test-secret",
    "test_secret",
    "supersecret",
    "super-secret",
    "super_secret",
    "not-so-secret",
    "insecure",
    "password",
];

/// Why `secret` protects nothing, in words that do not repeat it.
pub fn weakness(secret: &str) -> Option<String> {
    let distinct = secret.chars().collect::<std::collections::BTreeSet<_>>().len();
    if is_placeholder(secret) || decoded(secret).is_some_and(|text| is_placeholder(&text)) {
        Some("it is a well-known placeholder that anybody can try".to_owned())
    } else if secret.len() < MINIMUM_BYTES {
        Some(format!("it has {} bytes, at least {MINIMUM_BYTES} are needed", secret.len()))
    } else if distinct < MINIMUM_DISTINCT {
        Some(format!("it has only {distinct} different characters: it can be guessed"))
    } else if repeats(secret) || counts(secret) {
        Some("it repeats a short text or counts up: it can be guessed".to_owned())
    } else {
        None
    }
}

fn is_placeholder(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    PLACEHOLDERS.contains(&text.as_str()) || TELLING.iter().any(|word| text.contains(word))
}

/// A placeholder in base64 is one still; manifests carry them that way.
fn decoded(text: &str) -> Option<String> {
    let digit = |byte: u8| {
        Some(match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        })
    };
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::new());
    for byte in text.trim().trim_end_matches('=').bytes() {
        bits = bits << 6 | u32::from(digit(byte)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff).to_le_bytes()[0]);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Whether it is one text of at most 16 bytes over and over.
fn repeats(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=16.min(bytes.len() / 2)).any(|period| bytes[period..] == bytes[..bytes.len() - period])
}

/// Whether most characters are the one before or its successor: `abcdef...`, `012345...`.
fn counts(text: &str) -> bool {
    let steps = text.as_bytes().windows(2).filter(|pair| matches!(pair[1].wrapping_sub(pair[0]), 0 | 1 | 255)).count();
    steps * 4 > text.len() * 3
}

#[cfg(test)]
mod tests {
    use super::{decoded, weakness};

    #[test]
    fn random_secrets_pass() {
        for good in [
            "Jx3vQ0m7bq9bW1kq3GZlY5yqk8oV2Tt0u4n6rA1cE5s=",
            "0f2c91d7b8a64e3f95d1c07ab2e84f6d",
            "correct-horse-battery-staple-0417-violet",
        ] {
            assert_eq!(weakness(good), None, "{good}");
        }
    }

    #[test]
    fn secrets_that_are_none_are_found() {
        for bad in [
            "secret",
            "your-secret-key-change-in-production",
            "YOUR-SECRET-KEY-CHANGE-IN-PRODUCTION",
            "eW91ci1zZWNyZXQta2V5LWNoYW5nZS1pbi1wcm9kdWN0aW9u",
            "ZGVmYXVsdC1zZWNyZXQtY2hhbmdlLWluLXByb2R1Y3Rpb24=",
            "c2VjcmV0",
            "my-very-long-value-changeme-my-very-long-value",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "0123456789abcdef0123456789abcdef",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "short-but-fine-9Qx",
        ] {
            assert!(weakness(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn base64_is_read_in_both_alphabets() {
        assert_eq!(decoded("c2VjcmV0").as_deref(), Some("secret"));
        assert_eq!(decoded("c2VjcmV0LQ==").as_deref(), Some("secret-"));
        assert_eq!(decoded("no base64"), None);
    }
}
