//! Ids that each side made: which of the old one's stands for which of the new one's. Whatever holds such an id, a column,
//! a field of a JSON value or an answer, is compared by what it stands for.

use std::collections::{BTreeMap, BTreeSet};

/// Pairs of ids and of tokens.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids {
    /// From the old side's to the new side's.
    pairs: BTreeMap<String, String>,
    /// And back.
    back: BTreeMap<String, String>,
    /// Ids that stand for themselves: sent in requests, or found alike on both sides.
    known: BTreeSet<String>,
}

impl Ids {
    /// Everything that looks like an id in `text` stands for itself, unless it is paired already.
    pub(super) fn know(&mut self, text: &str) {
        for id in uuids(text) {
            if !self.pairs.contains_key(id) && !self.back.contains_key(id) {
                self.known.insert(id.to_owned());
            }
        }
    }

    /// Both were made just now and stand for the same thing. Says no where one of them is known already, and so cannot
    /// have been: that is a difference.
    pub(super) fn learn(&mut self, old: &str, new: &str) -> bool {
        if old == new {
            return true;
        }
        if let Some(known) = self.pairs.get(old) {
            return known == new;
        }
        if self.back.contains_key(new) || self.known.contains(old) || self.known.contains(new) {
            return false;
        }
        self.pairs.insert(old.to_owned(), new.to_owned());
        self.back.insert(new.to_owned(), old.to_owned());
        true
    }

    /// Whether this id, as the old side has it, is known in any way.
    pub(super) fn has(&self, old: &str) -> bool {
        self.pairs.contains_key(old) || self.known.contains(old)
    }

    /// What the new side's id is on the old side.
    pub(super) fn original(&self, new: &str) -> String {
        self.back.get(new).cloned().unwrap_or_else(|| new.to_owned())
    }

    /// `text` of the old side as the new side should have it.
    pub(super) fn translated(&self, text: &str) -> String {
        if let Some(whole) = self.pairs.get(text) {
            return whole.clone();
        }
        let mut out = text.to_owned();
        let found: BTreeSet<&str> = uuids(text).collect();
        for id in found {
            if let Some(new) = self.pairs.get(id) {
                out = out.replace(id, new);
            }
        }
        out
    }
}

/// Whether the whole text is an id.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == LENGTH && uuids(text).next().is_some()
}

const LENGTH: usize = 36;

/// Everything in `text` that looks like an id.
pub(super) fn uuids(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let is_one = |window: &[u8]| {
        window.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let mut at = 0;
    std::iter::from_fn(move || {
        while at + LENGTH <= bytes.len() {
            let window = &bytes[at..at + LENGTH];
            if is_one(window) {
                at += LENGTH;
                return std::str::from_utf8(window).ok();
            }
            at += 1;
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::{Ids, is_uuid, uuids};

    const A: &str = "00000000-0000-4000-8000-00000000000a";
    const B: &str = "00000000-0000-4000-8000-00000000000b";
    const C: &str = "00000000-0000-4000-8000-00000000000c";

    #[test]
    fn ids_are_found_wherever_they_stand() {
        let text = format!("{{\"é\": \"{A}\", \"x\": [\"{B}{C}\"]}} {}", &A[1..]);
        assert_eq!(uuids(&text).collect::<Vec<_>>(), [A, B, C]);
        assert!(is_uuid(A) && !is_uuid(&A[1..]) && !is_uuid("") && !is_uuid(&format!("{A} ")));
    }

    #[test]
    fn ids_made_by_both_stand_for_each_other_and_for_nothing_else() {
        let mut ids = Ids::default();
        assert!(ids.learn(A, B));
        assert_eq!(ids.translated(&format!("[{A}] {C}")), format!("[{B}] {C}"));
        assert!(!ids.learn(A, C), "one thing is one thing");
        assert!(!ids.learn(C, B), "and no other");
    }

    #[test]
    fn an_id_that_was_there_before_was_not_made_just_now() {
        let mut ids = Ids::default();
        ids.know(A);
        assert!(!ids.learn(A, B) && !ids.learn(B, A) && ids.learn(A, A));
        assert_eq!(ids.translated(A), A);
    }
}
