//! Slugs.

use kernel::TenantId;

/// A slug made of a name and the end of the id: unique without asking, 3 to 50 characters of `a-z`, `0-9` and `-`,
/// no hyphen first or last.
pub(crate) fn unique_slug(name: &str, id: TenantId) -> String {
    let mut slug = String::with_capacity(50);
    for character in name.chars() {
        if slug.len() == 36 {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let base = slug.trim_matches('-');
    let base = if base.is_empty() { "tenant" } else { base };
    // The last twelve digits of a version 7 id are random.
    let digits = id.0.simple().to_string();
    format!("{base}-{}", &digits[20..])
}

#[cfg(test)]
mod tests {
    use super::unique_slug;

    #[test]
    fn slug_of_any_name_obeys_the_rules() {
        let id = "0199c0de-0000-7000-8000-00000000abcd".parse().unwrap();
        assert_eq!(unique_slug("Ada Lovelace", id), "ada-lovelace-00000000abcd");
        for name in ["", "---", "日本", "  Ärger & Söhne  ", &"x".repeat(300), &"- ".repeat(90)] {
            let slug = unique_slug(name, id);
            assert!((3..=50).contains(&slug.len()), "{slug}");
            assert!(
                slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{slug}"
            );
            assert!(!slug.starts_with('-') && !slug.ends_with('-'), "{slug}");
        }
    }
}
