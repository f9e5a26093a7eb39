//! The register of intended differences: the only thing that excuses one. Where the old service is wrong or leaks, the new
//! one must differ, and somebody has to say so with a reason.

use jiff::{SignedDuration, Timestamp};

use crate::counters::template;
use crate::routes::Problem;
use crate::routes::file::{self, Keys, line};

use super::compare::{Difference, Kind};

/// One intended difference.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    endpoint: String,
    field: String,
    /// Nothing for any.
    kind: Option<Kind>,
    /// Nothing for any.
    legacy: Option<String>,
    /// The same of the new side.
    platform: Option<String>,
    /// Only what was changed so lately, and that the old side does not know yet; nothing for any.
    changed_within: Option<SignedDuration>,
    reason: String,
}

/// How far clocks may be apart.
const CLOCKS: SignedDuration = SignedDuration::from_secs(10);

/// All intended differences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Register(Vec<Entry>);

/// What this program does otherwise on purpose than the old services of PyAirtable.
pub const BUILT_IN: &str = include_str!("intended.yaml");

impl Register {
    /// Understands a file.
    ///
    /// # Errors
    ///
    /// All problems with their lines.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let document = file::load(text).map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        let list = match document.as_mapping() {
            None => document.as_sequence(),
            Some(mapping) => {
                let mut keys = Keys::of(mapping);
                let list = keys.take("intended");
                keys.finish(&mut problems);
                list.and_then(|node| node.as_sequence())
            }
        };
        let Some(list) = list else {
            let message = "the file must have a list under `intended:`".to_owned();
            problems.push(Problem { line: line(document.span()), message });
            return Err(problems);
        };
        let mut register = Self::default();
        for node in list.iter() {
            match entry(node) {
                Ok(entry) if register.0.contains(&entry) => {
                    let message = "this difference is in the register already: remove one".to_owned();
                    problems.push(Problem { line: line(node.span()), message });
                }
                Ok(entry) => register.0.push(entry),
                Err(mut found) => problems.append(&mut found),
            }
        }
        problems.sort_by_key(|problem| problem.line);
        if problems.is_empty() { Ok(register) } else { Err(problems) }
    }

    /// Why a difference that is seen now is intended, if it is.
    pub fn reason(&self, endpoint: &str, difference: &Difference, now: Timestamp) -> Option<&str> {
        let lately = |within: SignedDuration| {
            // Clocks of two machines are never quite the same.
            let age = difference.changed_at.map(|at| now.duration_since(at));
            age.is_some_and(|age| age <= within && age >= -CLOCKS)
        };
        let covers = |entry: &&Entry| {
            matches(&entry.endpoint, endpoint)
                && matches(&entry.field, &difference.field)
                && entry.kind.is_none_or(|kind| kind == difference.kind)
                && entry.legacy.as_deref().is_none_or(|text| difference.legacy.is(text))
                && entry.platform.as_deref().is_none_or(|text| difference.platform.is(text))
                && entry.changed_within.is_none_or(lately)
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

/// A star at the end stands for whatever follows.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => pattern == text,
    }
}

fn entry(node: &marked_yaml::Node) -> Result<Entry, Vec<Problem>> {
    let at = line(node.span());
    let Some(mapping) = node.as_mapping() else {
        let message = "an intended difference must have keys: write `- endpoint: GET /api/v1/users/{id}`".to_owned();
        return Err(vec![Problem { line: at, message }]);
    };
    let mut problems = Vec::new();
    let mut keys = Keys::of(mapping);
    let mut text = |name: &'static str, remedy: &str| -> Option<(String, usize)> {
        let Some(node) = keys.take(name) else {
            problems.push(Problem { line: at, message: format!("`{name}` is missing: {remedy}") });
            return None;
        };
        match file::text(node, format!("`{name}`")) {
            Ok(text) => Some((text.to_owned(), line(node.span()))),
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    };
    let endpoint = text("endpoint", "write a method and a path, such as GET /api/v1/users/{id}");
    let field = text("field", "write status, content-type or a path such as $.data.name");
    let kind = text("kind", "write one of the kinds a report shows, or any");
    let reason = text("reason", "say why the new side must answer differently");
    let mut value = |name: &'static str| {
        let read = file::text(keys.take(name)?, format!("`{name}`"));
        read.map(str::to_owned).map_err(|problem| problems.push(problem)).ok()
    };
    let (legacy, platform) = (value("legacy"), value("platform"));
    let changed_within = keys.take("changed_within").and_then(|node| {
        let read = file::text(node, "`changed_within`".to_owned()).and_then(|text| {
            let within = text.parse::<SignedDuration>().ok().filter(SignedDuration::is_positive);
            let message = || format!("{text:?} is no duration: write one such as 5m");
            within.ok_or_else(|| Problem { line: line(node.span()), message: message() })
        });
        read.map_err(|problem| problems.push(problem)).ok()
    });
    keys.finish(&mut problems);
    let endpoint = endpoint.and_then(|(text, line)| {
        let read = text.split_once(' ').filter(|(method, path)| {
            matches!(*method, "GET" | "HEAD") && (path.starts_with('/') && !path.trim_end_matches('*').contains('*'))
        });
        if read.is_none() {
            let message = format!("the endpoint {text:?} is none: write GET or HEAD and a path with {{id}} for ids");
            problems.push(Problem { line, message });
        }
        let (method, path) = read?;
        Some(match path.strip_suffix('*') {
            Some(start) => format!("{method} {start}*"),
            None => format!("{method} {}", template(path)),
        })
    });
    let field = field.map(|(text, line)| {
        let is_field = text == "status" || text == "content-type" || text.starts_with('$');
        if !is_field || text.starts_with("$*") {
            let message = format!("the field {text:?} is none: write status, content-type or a path such as $.data.*");
            problems.push(Problem { line, message });
        }
        text
    });
    let kind = kind.map(|(text, line)| {
        let known = Kind::ALL.into_iter().find(|kind| kind.name() == text);
        if known.is_none() && text != "any" {
            let names = Kind::ALL.map(Kind::name).join(", ");
            problems.push(Problem { line, message: format!("there is no kind {text:?}: use any, or one of {names}") });
        }
        known
    });
    match (endpoint, field, kind, reason) {
        (Some(endpoint), Some(field), Some(kind), Some((reason, _))) if problems.is_empty() => {
            Ok(Entry { endpoint, field, kind, legacy, platform, changed_within, reason })
        }
        _ => Err(problems),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::Register;
    use crate::shadow::compare::{Answer, Difference, Kind, compare};
    use crate::shadow::sample::Sample;

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn difference(field: &str, kind: Kind) -> Difference {
        let (legacy, platform) = (Sample::nothing(), Sample::nothing());
        Difference { field: field.to_owned(), kind, legacy, platform, changed_at: None }
    }

    #[test]
    fn only_what_is_in_the_register_is_excused() {
        let register = Register::parse(
            "intended:\n\
             - endpoint: GET /api/v1/users/{id}\n  field: $.password_hash\n  kind: missing\n  reason: the old one leaks it\n\
             - endpoint: GET /api/v1/tenants*\n  field: $.limits.*\n  kind: any\n  reason: plans are new\n",
        )
        .unwrap();
        let reason =
            |endpoint, field, kind| register.reason(endpoint, &difference(field, kind), now()).map(str::to_owned);
        let user = "GET /api/v1/users/{id}";
        assert_eq!(reason(user, "$.password_hash", Kind::Missing).as_deref(), Some("the old one leaks it"));
        assert_eq!(reason(user, "$.password_hash", Kind::Value), None);
        assert_eq!(reason(user, "$.password", Kind::Missing), None);
        assert_eq!(reason("GET /api/v1/users", "$.password_hash", Kind::Missing), None);
        assert!(reason("GET /api/v1/tenants/{id}", "$.limits.seats", Kind::Type).is_some());
        assert_eq!(reason("GET /api/v1/tenants/{id}", "$.name", Kind::Type), None);
    }

    #[test]
    fn values_narrow_what_is_excused() {
        let register = Register::parse(
            "- endpoint: GET /a\n  field: $.at\n  kind: value\n  legacy: '0001'\n  platform: '1970'\n  reason: x\n",
        )
        .unwrap();
        let excused = |legacy: Sample, platform: Sample| {
            let difference = Difference { legacy, platform, ..difference("$.at", Kind::Value) };
            register.reason("GET /a", &difference, now()).is_some()
        };
        assert!(excused(Sample::shown("0001"), Sample::shown("1970")));
        assert!(!excused(Sample::shown("0001"), Sample::shown("1971")));
        assert!(!excused(Sample::shown("0002"), Sample::shown("1970")));
        assert!(!excused(Sample::nothing(), Sample::shown("1970")));
    }

    #[test]
    fn caches_excuse_what_was_changed_lately() {
        let register =
            Register::parse("- endpoint: GET /a\n  field: $.*\n  kind: any\n  changed_within: 5m\n  reason: x\n")
                .unwrap();
        let excused = |old: &str, new: &str| {
            let answer = |at: &str, name: &str| Answer {
                status: 200,
                content_type: None,
                body: format!(r#"{{"list": [{{"id": 1, "updated_at": "{at}", "name": "{name}"}}]}}"#).into_bytes(),
            };
            let found = compare(&answer(old, "old"), &answer(new, "new"));
            assert!(!found.is_empty());
            found.iter().all(|one| register.reason("GET /a", one, now()).is_some())
        };
        assert!(excused("2026-02-01T00:00:00Z", "2026-03-01T11:56:00Z"));
        assert!(excused("2026-02-01T00:00:00Z", "2026-03-01T13:00:03+01:00"), "clocks differ");
        assert!(!excused("2026-02-01T00:00:00Z", "2026-03-01T11:54:00Z"), "no cache is as old");
        assert!(!excused("2026-02-01T00:00:00Z", "2026-03-01T13:00:00Z"), "a wrong zone");
        assert!(!excused("2026-03-01T11:59:00Z", "2026-03-01T11:58:00Z"), "the new side is behind");
        assert!(!excused("2026-03-01T11:59:00Z", "2026-03-01T11:59:00Z"), "nobody changed it");
    }

    #[test]
    fn register_that_is_built_in_can_be_read() {
        let register = Register::parse(super::BUILT_IN).unwrap();
        assert!(register.len() > 50, "{}", register.len());
        assert!(register.0.iter().all(|entry| entry.reason.contains("(T-")), "{register:?}");
    }

    #[test]
    fn entries_without_reason_and_mistakes_are_refused_with_their_lines() {
        let entry = |endpoint: &str, field: &str, kind: &str, rest: &str| {
            format!("- endpoint: {endpoint}\n  field: {field}\n  kind: {kind}\n{rest}")
        };
        let reason = "  reason: x\n";
        for (text, line, part) in [
            (entry("GET /a", "$.b", "any", ""), 1, "`reason` is missing"),
            (entry("GET /a", "$.b", "any", "  reason: ''\n"), 4, "`reason` must be one value"),
            (entry("POST /a", "$.b", "any", reason), 1, "GET or HEAD"),
            (entry("GET a", "$.b", "any", reason), 1, "GET or HEAD"),
            (entry("GET /a", "b", "any", reason), 2, "status, content-type or a path"),
            (entry("GET /a", "$*", "any", reason), 2, "status, content-type or a path"),
            (entry("GET /a", "$.b", "vlaue", reason), 3, "use any, or one of status"),
            (
                entry("GET /a", "$.b", "any", "  reasn: x\n"),
                4,
                "use one of endpoint, field, kind, reason, legacy, platform, changed_within",
            ),
            (entry("GET /a", "$.b", "any", "  changed_within: soon\n  reason: x\n"), 4, "is no duration"),
            ("x: 1\n".to_owned(), 1, "intended"),
        ] {
            let problems = Register::parse(&text).expect_err(&text);
            let found = problems.iter().any(|problem| problem.line == line && problem.message.contains(part));
            assert!(found, "{text}: {problems:?}");
        }
    }
}
