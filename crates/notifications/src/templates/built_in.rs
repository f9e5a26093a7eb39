//! The texts that come with the program: a file for each kind of event and language, in sections that are named after
//! the parts they hold, so that a translator needs to know nothing else.

use serde_json::{Map, Value};

use crate::model::Parts;

/// A kind of text.
pub(crate) struct Kind {
    /// The event's name.
    pub(crate) name: &'static str,
    files: [(&'static str, &'static str); LOCALES.len()],
    sample: &'static str,
}

/// The languages that the program speaks; the first one is spoken to whom it knows no other.
pub(crate) const LOCALES: [&str; 2] = ["en", "de"];

macro_rules! kinds {
    ($($name:literal,)*) => {
        &[$(Kind {
            name: $name,
            files: [
                ("en", include_str!(concat!("texts/en/", $name, ".txt"))),
                ("de", include_str!(concat!("texts/de/", $name, ".txt"))),
            ],
            sample: include_str!(concat!("samples/", $name, ".json")),
        }),*]
    };
}

/// All of them.
pub(crate) const KINDS: &[Kind] = kinds![
    "workspace.member.added",
    "workspace.member.role_changed",
    "user.role_changed",
    "user.password_changed",
    "user.new_device",
    "tenant.suspended",
    "webhook.disabled",
    "notification",
    "digest",
    "channel.verification",
    "tenant.invitation",
];

/// The kind by this name.
pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

impl Kind {
    /// Its parts in a language that the program speaks.
    pub(crate) fn parts(&self, locale: &str) -> Option<Parts> {
        self.files.iter().find(|(name, _)| *name == locale).map(|(_, text)| sections(text))
    }

    /// An event as it could be, for trying templates out.
    pub(crate) fn sample(&self) -> Map<String, Value> {
        serde_json::from_str(self.sample).unwrap_or_default()
    }
}

fn sections(file: &str) -> Parts {
    let part = |name: &str| {
        let (_, after) = file.split_once(&format!("[{name}]\n"))?;
        let is_heading = |line: &&str| line.starts_with('[') && line.ends_with(']');
        let lines: Vec<&str> = after.lines().take_while(|line| !is_heading(line)).collect();
        Some(lines.join("\n").trim().to_owned())
    };
    Parts { title: part("title"), message: part("message"), subject: part("subject"), body: part("body") }
}
