//! Differences that are meant, each with its reason: the only thing that excuses one. The format is that of the shadow's
//! register, for writes: beside `endpoint`, `field`, `kind` and `reason` an entry may name a `case`, both statuses as
//! `when: 500 404`, and the values `old` and `new`, so that it excuses no more than it says.

use marked_yaml::types::MarkedMappingNode;
use marked_yaml::{LoaderOptions, Node};

use super::difference::Found;
use crate::{Error, Result};

/// What ships with this program.
const OWN: &str = include_str!("intended.yaml");
const KEYS: [&str; 8] = ["endpoint", "case", "when", "field", "kind", "old", "new", "reason"];
/// The kinds of the shadow's register that answers and rows can differ in.
const KINDS: [&str; 10] =
    ["any", "status", "content_type", "body", "type", "value", "missing", "extra", "length", "order"];

/// One intended difference.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    endpoint: String,
    case: String,
    /// Both statuses, the old side's first.
    when: String,
    field: String,
    kind: String,
    old: String,
    new: String,
    reason: String,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Register(Vec<Entry>);

impl Register {
    /// The one that ships with this program.
    pub fn own() -> Result<Self> {
        Self::parse(OWN)
    }

    /// Understands a file, which stands in the place of the program's own.
    pub fn parse(text: &str) -> Result<Self> {
        let options = LoaderOptions::default().error_on_duplicate_keys(true);
        let refused = |why: String| {
            Error::refused(why, "correct the file; the runbook on write parity shows an entry of each kind")
        };
        let node =
            marked_yaml::parse_yaml_with_options(0, text, options).map_err(|error| refused(error.to_string()))?;
        let list = node.as_mapping().and_then(|top| top.get_sequence("intended"));
        let list = list.ok_or_else(|| refused("the register has no list under `intended:`".to_owned()))?;
        let entries = list.iter().map(|node| entry(node).map_err(&refused));
        Ok(Self(entries.collect::<Result<_>>()?))
    }

    /// Why a difference is meant, if it is.
    pub(super) fn reason(&self, endpoint: &str, case: &str, statuses: &str, found: &Found) -> Option<&str> {
        let covers = |entry: &&Entry| {
            fits(&entry.endpoint, endpoint)
                && fits(&entry.case, case)
                && fits(&entry.when, statuses)
                && fits(&entry.field, &found.field)
                && (entry.kind == "any" || entry.kind == found.kind)
                && fits(&entry.old, &found.old)
                && fits(&entry.new, &found.new)
        };
        self.0.iter().find(covers).map(|entry| entry.reason.as_str())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn entry(node: &Node) -> std::result::Result<Entry, String> {
    let line = node.span().start().map_or(0, marked_yaml::Marker::line);
    let mapping = node.as_mapping().ok_or_else(|| format!("line {line}: an entry must have keys"))?;
    if let Some((key, _)) = mapping.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
        return Err(format!("line {line}: there is no key {:?}; use {}", key.as_str(), KEYS.join(", ")));
    }
    let text = |key: &str| text(mapping, key);
    let must =
        |key: &str| text(key).filter(|text| !text.is_empty()).ok_or_else(|| format!("line {line}: `{key}` is missing"));
    let kind = must("kind")?;
    if !KINDS.contains(&kind.as_str()) {
        return Err(format!("line {line}: there is no kind {kind:?}; use {}", KINDS.join(", ")));
    }
    let (endpoint, field) = (must("endpoint")?, must("field")?);
    if endpoint == "*" && field == "*" {
        return Err(format!("line {line}: this would excuse everything"));
    }
    let or_any = |key: &str| text(key).unwrap_or_else(|| "*".to_owned());
    Ok(Entry {
        endpoint,
        case: or_any("case"),
        when: or_any("when"),
        field,
        kind,
        old: or_any("old"),
        new: or_any("new"),
        reason: must("reason")?,
    })
}

fn text(mapping: &MarkedMappingNode, key: &str) -> Option<String> {
    mapping.get_scalar(key).map(|text| text.as_str().to_owned())
}

/// One of the patterns that a bar separates fits.
fn fits(patterns: &str, text: &str) -> bool {
    patterns.split('|').any(|pattern| fits_one(pattern, text))
}

/// A star stands for any text.
fn fits_one(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, "")) => text.starts_with(start),
        Some((start, rest)) => text
            .strip_prefix(start)
            .is_some_and(|text| text.char_indices().any(|(at, _)| fits_one(rest, &text[at..])) || fits_one(rest, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Register, fits};
    use crate::parity::catalogue::{cases, endpoints};
    use crate::parity::difference::Found;

    #[test]
    fn only_what_the_register_says_is_excused() {
        let register = Register::parse(
            "intended:\n- endpoint: PUT /workspaces/{id}\n  case: empty*\n  field: status\n  kind: status\n  old: 200\n  \
             new: 400\n  reason: (T-52)\n",
        )
        .unwrap();
        let found = |field: &str, new: &str| Found {
            field: field.to_owned(),
            kind: "status",
            key: Vec::new(),
            old: "200".to_owned(),
            new: new.to_owned(),
        };
        let reason = |endpoint, case, found| register.reason(endpoint, case, "200 400", &found).is_some();
        assert!(reason("PUT /workspaces/{id}", "empty name", found("status", "400")));
        assert!(!reason("PUT /workspaces/{id}", "good", found("status", "400")));
        assert!(!reason("PUT /projects/{id}", "empty name", found("status", "400")));
        assert!(!reason("PUT /workspaces/{id}", "empty name", found("status", "500")));
        assert!(!reason("PUT /workspaces/{id}", "empty name", found("$.status", "400")));
    }

    #[test]
    fn mistakes_are_refused_with_their_lines() {
        let entry = |rest: &str| format!("intended:\n- endpoint: PUT /a\n{rest}");
        for (text, part) in [
            ("x: 1".to_owned(), "`intended:`"),
            (entry("  field: status\n  kind: any\n"), "line 2: `reason` is missing"),
            (entry("  field: status\n  kind: odd\n  reason: x\n"), "there is no kind \"odd\""),
            (entry("  feild: status\n  kind: any\n  reason: x\n"), "there is no key \"feild\""),
            ("intended:\n- {endpoint: '*', field: '*', kind: any, reason: x}\n".to_owned(), "excuse everything"),
        ] {
            let error = Register::parse(&text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn own_entries_cite_traps_and_are_about_what_is_replayed() {
        let register = Register::own().unwrap();
        assert!(!register.is_empty());
        for entry in &register.0 {
            assert!(entry.reason.contains("T-"), "{entry:?}");
            let about = endpoints().iter().any(|endpoint| fits(&entry.endpoint, endpoint))
                || entry.endpoint == super::super::START;
            let case = entry.case == "*" || cases().iter().any(|case| fits(&entry.case, case.name));
            assert!(about && case, "{entry:?}");
        }
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text) in
            [("*", ""), ("a*", "a"), ("a*c", "abc"), ("*c", "abc"), ("*.name", "x.y.name"), ("a|b*", "bc")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*c", "ab"), ("*c", "cb"), ("", "a")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
