//! Puts a report into the run's folder, and finds out afterwards whether anybody changed it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;
use serde_json::Value;

use super::{Report, html, markdown, read};
use crate::run::Folder;
use crate::{Error, Result, files, journal};

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One page that needs nothing else.
    Html,
    /// The model.
    Json,
    /// For tickets and chats.
    Markdown,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Html, Self::Json, Self::Markdown];

    /// How its files end.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Markdown => "md",
        }
    }

    /// The report in this form.
    pub fn render(self, report: &Report) -> Vec<u8> {
        match self {
            Self::Html => html(report).into_bytes(),
            Self::Json => files::json(report),
            Self::Markdown => markdown(report).into_bytes(),
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|format| format.ending() == text);
        known.ok_or_else(|| format!("{text:?} is no form of a report: use html, json or md"))
    }
}

/// Writes the report of the run in `folder` into it, in all forms. The path of the page.
pub fn write(folder: &Folder, now: Timestamp) -> Result<PathBuf> {
    let report = read(folder, now)?;
    for format in Format::ALL {
        files::replace(&folder.report(format.ending()), &format.render(&report))?;
    }
    Ok(folder.report(Format::Html.ending()))
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Checked {
    /// When the report was made.
    pub generated_at: Timestamp,
    /// The head of the journal's chain at that time; it stands in the journal.
    pub chain_head: String,
    /// Records of the journal at that time.
    pub records: usize,
    /// Records that the journal has got since.
    pub since: usize,
    /// Whether the folder gives the very same report. It does not have to once the run went on, or by another version.
    pub same: bool,
    /// What else is to be known.
    pub remarks: Vec<String>,
}

/// Compares the report that is kept in `folder` with the journal and everything else it was made from.
///
/// The journal may have gone on since: what the report says must stand at its beginning then.
pub fn check(folder: &Folder) -> Result<Checked> {
    let path = folder.report(Format::Json.ending());
    let shown = path.display();
    let Some(kept) = files::read_json::<Report>(&path)? else {
        return Err(Error::refused(
            format!("there is no report in {}", folder.path().display()),
            "make one with `pyairtable-platform cutover report`",
        ));
    };
    let contents = journal::read(&folder.journal())?;
    let sign = &kept.signature;
    let bytes = fs::read(folder.journal()).map_err(Error::file("read", &folder.journal()))?;
    let at_that_time = bytes.get(..sign.journal_bytes).map(files::sha256);
    if contents.head_of(sign.records) != Some(&sign.chain_head) || at_that_time.as_ref() != Some(&sign.journal_sha256) {
        return Err(changed(format!(
            "{shown} was made from a journal with head {} after {} records, and the journal here has another",
            sign.chain_head, sign.records
        )));
    }
    let since = contents.records.len() - sign.records;
    let now = read(folder, kept.generated_at)?;
    let text = fs::read(&path).map_err(Error::file("read", &path))?;
    let mut remarks = Vec::new();
    let other: Vec<&str> = differing(&sign.files, &now.signature.files);
    let is_comparable = since == 0 && kept.program == now.program;
    if since > 0 {
        remarks.push(format!("the run went on: {since} records are newer than the report; make it again"));
    } else if kept.program != now.program {
        remarks.push(format!("it was made by version {}, so only the journal was compared", kept.program));
    } else if !other.is_empty() {
        return Err(changed(format!("{} were changed since {shown} was made", other.join(", "))));
    } else if text != Format::Json.render(&now) {
        return Err(changed(format!("{shown} is not what its folder says: {}", differences(&text, &now).join(", "))));
    }
    if is_comparable {
        for format in [Format::Html, Format::Markdown] {
            let path = folder.report(format.ending());
            match fs::read(&path) {
                Ok(text) if text == format.render(&now) => {}
                Ok(_) => return Err(changed(format!("{} is not what {shown} says", path.display()))),
                Err(_) => remarks.push(format!("there is no {}", path.display())),
            }
        }
    }
    Ok(Checked {
        generated_at: kept.generated_at,
        chain_head: sign.chain_head.clone(),
        records: sign.records,
        since,
        same: is_comparable,
        remarks,
    })
}

fn changed(what: String) -> Error {
    Error::differs(
        what,
        "believe the journal, whose chain is whole, and make the report again with `pyairtable-platform cutover report`; \
         find out who changed what",
    )
}

fn differing<'a>(before: &'a BTreeMap<String, String>, now: &'a BTreeMap<String, String>) -> Vec<&'a str> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != now.get(*name)).map(String::as_str).collect()
}

/// The parts that differ.
fn differences(kept: &[u8], now: &Report) -> Vec<String> {
    let parts = |text: &[u8]| match serde_json::from_slice(text) {
        Ok(Value::Object(parts)) => parts,
        _ => serde_json::Map::new(),
    };
    let (kept, now) = (parts(kept), parts(&Format::Json.render(now)));
    let mut names: Vec<String> =
        kept.iter().filter(|(name, part)| now.get(*name) != Some(part)).map(|(name, _)| name.clone()).collect();
    if names.is_empty() {
        names.push("it was written in another way".to_owned());
    }
    names
}
