//! What the two sides show differently.

use std::fs::OpenOptions;
use std::io::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use testkit::Answer;
use testkit::legacy::layouts::Layout;

use super::intended;

/// Differences in the order they were first met, each with how often.
#[derive(Default)]
pub(super) struct Findings {
    lines: Vec<(String, usize)>,
    compared: usize,
}

impl Findings {
    /// Both answer 200, and the new one has every field of the old one with the same value; it may have more.
    pub(super) fn same(&mut self, after: &str, old: &Answer, new: &Answer) {
        self.compared += 1;
        if old.status != 200 || new.status != 200 {
            self.add(format!("{after}: old answers {}, new answers {}", old.status, new.status));
            return;
        }
        self.compare(after, &old.body, &new.body);
    }

    /// An answer with this status.
    pub(super) fn status(&mut self, after: &str, answer: &Answer, status: u16) {
        self.compared += 1;
        if answer.status != status {
            self.add(format!("{after}: {} instead of {status}", answer.status));
        }
    }

    /// A value that should be this one.
    pub(super) fn equal(&mut self, after: &str, value: &Value, expected: &Value) {
        self.compared += 1;
        if value != expected {
            self.add(format!("{after}: {value} instead of {expected}"));
        }
    }

    pub(super) fn compare(&mut self, path: &str, old: &Value, new: &Value) {
        match (old, new) {
            (Value::Object(fields), Value::Object(others)) => {
                for (name, value) in fields {
                    match others.get(name) {
                        Some(other) => self.compare(&format!("{path}.{name}"), value, other),
                        None => self.add(format!("{path}.{name}: only old shows it")),
                    }
                }
            }
            (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
                let (items, others) = (by_id(items), by_id(others));
                for (item, other) in items.iter().zip(&others) {
                    self.compare(&format!("{path}[]"), item, other);
                }
            }
            _ if old == new => {}
            _ => self.add(format!("{path}: {}", difference(old, new))),
        }
    }

    /// The differences, or that there are none, and which of them are not meant; fails when nothing was compared.
    pub(super) fn listed(self, subject: &str, layout: Layout) -> String {
        assert!(self.compared > 0, "nothing was compared");
        let known = |line: &str| intended::reason(subject, line).is_some();
        let mismatches: usize = self.lines.iter().filter(|(line, _)| !known(line)).map(|(_, count)| count).sum();
        tally(&format!("{subject} {} {} {mismatches}", layout.name(), self.compared));
        self.shown(subject)
    }

    /// The differences, or that there are none, without being counted.
    pub(super) fn shown(&self, subject: &str) -> String {
        if self.lines.is_empty() {
            return "no difference".to_owned();
        }
        let shown = |(line, count): &(String, usize)| {
            let often = if *count == 1 { String::new() } else { format!(" ({count} times)") };
            let known = intended::reason(subject, line).is_some();
            format!("{}: {line}{often}", if known { "intended" } else { "MISMATCH" })
        };
        self.lines.iter().map(shown).collect::<Vec<_>>().join("\n")
    }

    /// Fails if anything differs that is not meant to: where a snapshot would depend on the size.
    pub(super) fn expect_intended(self, subject: &str, layout: Layout) {
        let listed = self.listed(subject, layout);
        assert!(!listed.contains("MISMATCH"), "{listed}");
    }

    fn add(&mut self, line: String) {
        match self.lines.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => self.lines.push((line, 1)),
        }
    }
}

/// Rows by their ids, or else as they came: equal sort keys may stand in any order.
fn by_id(rows: &[Value]) -> Vec<Value> {
    let mut rows = rows.to_vec();
    let name = |row: &Value| ["id", "user_id"].into_iter().find(|name| row[*name].is_string());
    // A member's id is the new side's own (T-18).
    rows.sort_by_key(|row| {
        let name = if row["joined_at"].is_string() { Some("user_id") } else { name(row) };
        name.and_then(|name| row[name].as_str()).unwrap_or_default().to_owned()
    });
    rows
}

/// Without what differs from run to run.
fn difference(old: &Value, new: &Value) -> String {
    let time = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    // What either side shows for a time that is NULL.
    if (time(old), time(new)) == (Some(YEAR_ONE.parse().unwrap()), Some(Timestamp::UNIX_EPOCH)) {
        return "old shows year one, new 1970".to_owned();
    }
    match (time(old), time(new)) {
        (Some(old), Some(new)) => {
            format!("old is {} h off", (new.duration_until(old).as_secs() + 1800).div_euclid(3600))
        }
        _ => format!("old {old}, new {new}"),
    }
}

/// A line for `scripts/coexistence`, which adds them up.
fn tally(line: &str) {
    #[expect(clippy::disallowed_methods, reason = "set by the script, for the tests only")]
    let Ok(path) = std::env::var("COEXISTENCE_TALLY") else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    // One write, so that lines of several tests do not mix.
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

const YEAR_ONE: &str = "0001-01-01T00:00:00Z";

#[test]
fn coexistence_differences_are_noticed() {
    let difference = |old: Value, new: Value| {
        let mut found = Findings::default();
        found.compare("x", &old, &new);
        let lines: Vec<String> = found.lines.into_iter().map(|(line, _)| line).collect();
        if lines.is_empty() { "no difference".to_owned() } else { lines.join("\n") }
    };
    let (small, large) = (json!({ "a": 1, "list": [{ "id": "2" }, { "id": "1" }] }), json!({ "list": [], "a": 1 }));
    assert_eq!(difference(small.clone(), small.clone()), "no difference");
    assert_eq!(difference(small.clone(), large), "x.list: old [{\"id\":\"2\"},{\"id\":\"1\"}], new []");
    assert_eq!(difference(small, json!({ "a": 2, "list": [{ "id": "1" }, { "id": "2" }] })), "x.a: old 1, new 2");
    assert_eq!(difference(json!({ "a": null }), json!({})), "x.a: only old shows it");
    assert_eq!(difference(json!({}), json!({ "a": 1 })), "no difference");
    assert_eq!(difference(json!("2026-03-01T09:00:00Z"), json!("2026-03-01T00:00:00Z")), "x: old is 9 h off");
}
