//! Fields to JSON. Values are escaped when recorded, so joining them can break no line.

use std::error::Error;
use std::fmt::{self, Write as _};

use jiff::Timestamp;
use tracing::Level;
use tracing::field::{Field, Visit};

/// Recorded fields: the name, and the value as JSON.
#[derive(Debug, Default)]
pub(super) struct Fields {
    message: Option<String>,
    values: Vec<(&'static str, String)>,
}

/// The keys every line has.
const OWN: [(&str, &str); 3] = [("time", "time_"), ("level", "level_"), ("msg", "msg_")];

impl Fields {
    /// Adds the fields of an enclosing span that are not there yet.
    pub(super) fn inherit(&mut self, around: &Self) {
        for (name, value) in &around.values {
            if self.values.iter().all(|(known, _)| known != name) {
                self.values.push((name, value.clone()));
            }
        }
    }

    fn set(&mut self, field: &Field, json: String) {
        if field.name() == "message" {
            self.message = Some(json);
            return;
        }
        let own = OWN.iter().find(|(own, _)| *own == field.name());
        let name = own.map_or(field.name(), |(_, renamed)| renamed);
        match self.values.iter_mut().find(|(known, _)| *known == name) {
            Some((_, value)) => *value = json,
            None => self.values.push((name, json)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, quoted(format_args!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, quoted(format_args!("{value}")));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.to_string());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.to_string());
    }

    /// JSON numbers of most readers do not reach that far.
    fn record_i128(&mut self, field: &Field, value: i128) {
        self.set(field, quoted(format_args!("{value}")));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field, quoted(format_args!("{value}")));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has neither infinities nor NaN.
        self.set(field, if value.is_finite() { value.to_string() } else { "null".to_owned() });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            let _ = write!(text, ": {cause}");
            source = cause.source();
        }
        self.set(field, quoted(format_args!("{text}")));
    }
}

/// The whole line.
pub(super) fn line(time: Timestamp, level: Level, fields: &Fields) -> String {
    let message = fields.message.as_deref().unwrap_or("\"\"");
    let mut line = format!("{{\"time\":\"{time:.6}\",\"level\":\"{level}\",\"msg\":{message}");
    for (name, value) in &fields.values {
        let _ = write!(line, ",{}:{value}", quoted(format_args!("{name}")));
    }
    line.push_str("}\n");
    line
}

fn quoted(text: fmt::Arguments<'_>) -> String {
    let mut json = String::from("\"");
    // Escaped while being formatted: no copy of the text in between. Neither end of this ever fails.
    let _ = Escaping(&mut json).write_fmt(text);
    json.push('"');
    json
}

struct Escaping<'a>(&'a mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                '\t' => self.0.push_str("\\t"),
                // Besides what JSON asks for: whatever some reader takes for the end of a line, or a terminal for an
                // order.
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                    write!(self.0, "\\u{:04x}", u32::from(c))?;
                }
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}
