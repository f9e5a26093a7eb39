//! Differences between the two sides that are meant, each with its reason. Whatever else differs is a mismatch, and
//! `scripts/coexistence` counts it.

/// Where the difference shows, what it is, and why it is meant. A `*` stands for any text.
const INTENDED: &[(&str, &str, &str)] = &[
    (
        "generated",
        "*: old shows year one, new 1970",
        "a time that is NULL: the old side has no value for it, and clients of the new one cannot all read year one (T-43)",
    ),
    (
        "profiles",
        "*.display_name: old \"*\", new \"*\"",
        "the profile's name is in user_profiles; user-service's column of that name in `users` is a third shape that is not \
         written (T-42)",
    ),
    (
        "profiles",
        "*.phone: only old shows it",
        "the telephone number is the profile's; what user-service writes into `users` stays its own (T-42)",
    ),
    (
        "profiles",
        "old reads whom new deleted: 200 OK instead of 404",
        "deleting marks the profile and switches the account off, which is what auth-service obeys (T-55); user-service \
         looks at neither",
    ),
    (
        "profiles",
        "new reads whom old deleted: 200 OK instead of 404",
        "user-service's mark is one that auth-service does not see either: whoever it deletes can still log in on both \
         sides (T-55)",
    ),
];

/// Why a difference is meant, if it is.
pub(super) fn reason(subject: &str, line: &str) -> Option<&'static str> {
    INTENDED.iter().find(|(of, pattern, _)| *of == subject && fits(pattern, line)).map(|(_, _, why)| *why)
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| fits(rest, &text[at..]))
        }),
    }
}

#[test]
fn coexistence_only_listed_differences_are_intended() {
    let why = |line| reason("generated", line).is_some();
    assert!(why("members.members[].joined_at: old shows year one, new 1970"));
    assert!(!why("members.members[].joined_at: old shows year one, new 1971"));
    assert!(!why("members.members[].joined_at: old is 9 h off"));
    assert!(reason("accounts", "x: old shows year one, new 1970").is_none(), "of another subject");
    for (_, pattern, why) in INTENDED {
        assert!(pattern.contains(": ") && why.contains("(T-"), "{pattern}");
    }
}
