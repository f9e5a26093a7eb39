//! Filling a template in, within bounds: time, size, and what may be said ([`grammar`]).

use std::io;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use serde::Serialize;

use super::grammar;

/// How many steps a template may take: enough for a summary of hundreds of notifications.
const FUEL: u64 = 20_000;
/// How many bytes a filled in template may have.
const LONGEST: usize = 64 * 1024;
/// How much of a text a filter looks at, so that steps cost about the same.
const FILTERED: usize = 10_000;

/// Why a template could not be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: Option<usize>,
    pub(crate) reason: String,
    /// What was written before.
    pub(crate) written: String,
}

impl Fault {
    pub(super) fn new(line: usize, reason: impl Into<String>) -> Self {
        Self { line: Some(line), reason: reason.into(), written: String::new() }
    }

    pub(super) fn of(error: &Error) -> Self {
        let reason = match (error.kind(), error.detail()) {
            (ErrorKind::OutOfFuel, _) => "the template takes too many steps".to_owned(),
            (kind, Some(detail)) => format!("{kind}: {detail}"),
            (kind, None) => kind.to_string(),
        };
        Self { line: error.line(), reason, written: String::new() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// Templates that make plain text.
static PLAIN: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = engine();
    engine.set_fuel(Some(FUEL));
    engine
});

/// The program's own pages: everything that is filled in is escaped.
static HTML: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = engine();
    engine.set_auto_escape_callback(|_| AutoEscape::Html);
    engine
});

/// Without the functions and filters that the library brings: some make much of little.
fn engine() -> Environment<'static> {
    let mut engine = Environment::empty();
    // What an event of an older program does not tell is left out; nobody is told less for it.
    engine.set_undefined_behavior(UndefinedBehavior::Chainable);
    engine.add_filter("upper", |text: Value| some_of(&text).to_uppercase());
    engine.add_filter("lower", |text: Value| some_of(&text).to_lowercase());
    engine.add_filter("trim", |text: Value| some_of(&text).trim().to_owned());
    engine.add_filter("truncate", |text: Value, most: usize| truncate(&text, most));
    engine.add_filter("default", |value: Value, other: Value| if is_empty(&value) { other } else { value });
    engine.add_filter("length", |value: Value| value.len().unwrap_or(0));
    engine.add_filter("date", |value: Value| date(&value));
    engine
}

fn is_empty(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Undefined | ValueKind::None) || value.as_str().is_some_and(str::is_empty)
}

/// The beginning of a value's text. Numbers and flags count as text, what has parts or is missing does not.
fn some_of(value: &Value) -> String {
    match value.kind() {
        ValueKind::String => value.as_str().unwrap_or_default().chars().take(FILTERED).collect(),
        ValueKind::Number | ValueKind::Bool => value.to_string(),
        _ => String::new(),
    }
}

/// The first characters, with a sign that there were more.
fn truncate(value: &Value, most: usize) -> String {
    let text = some_of(value);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A time as people read it; anything else as it is.
fn date(value: &Value) -> String {
    let text = some_of(value);
    text.parse::<Timestamp>().map_or(text, |at| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// Fills `source` in with `vars`.
pub(super) fn fill(source: &str, vars: &impl Serialize) -> Result<String, Fault> {
    grammar::check(source)?;
    write(&PLAIN, source, vars, LONGEST)
}

/// Fills in a page of the program's own.
pub(super) fn fill_page(source: &str, vars: &impl Serialize) -> Result<String, Fault> {
    // Escaping makes at most six characters of one, and each line gets its tags.
    write(&HTML, source, vars, 16 * LONGEST)
}

fn write(engine: &Environment<'static>, source: &str, vars: &impl Serialize, most: usize) -> Result<String, Fault> {
    let template = engine.template_from_str(source).map_err(|error| Fault::of(&error))?;
    let mut written = Bounded { bytes: Vec::new(), most, full: false };
    let result = template.render_captured_to(Value::from(Serde(vars)), &mut written).map(drop);
    let Bounded { bytes, full, .. } = written;
    // A cut may have gone through a character.
    let text = String::from_utf8_lossy(&bytes).trim_end_matches(char::REPLACEMENT_CHARACTER).to_owned();
    match result {
        Ok(()) => Ok(text),
        Err(_) if full => {
            let reason = format!("what the template makes is longer than {most} bytes");
            Err(Fault { line: None, reason, written: text })
        }
        Err(error) => Err(Fault { written: text, ..Fault::of(&error) }),
    }
}

/// Takes no more than so many bytes.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
    full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let room = self.most - self.bytes.len();
        if buffer.len() > room {
            self.bytes.extend_from_slice(&buffer[..room]);
            self.full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
