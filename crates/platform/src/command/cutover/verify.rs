//! `cutover verify`

use std::io::{self, Write as _};

use cutover::backup::{Manifest, TableVerdict, Verdict, check_files, compare};
use cutover::digest::{Difference, How};
use cutover::report::kept as report;
use cutover::{Error, Exit};
use kernel::{Clock as _, SystemClock};
use serde_json::json;

use super::arguments::VerifyArgs;
use super::{exit_codes, keep, on_database, print_json};

pub(super) const ABOUT: &str = "\
Compare the backup with its manifest, and the database with the backup.

First every byte of the backup is compared with its SHA-256. Then every table of the database is measured as it was for \
the backup: two 64-bit hashes of each row, added up on the server. Columns that came later have no part in it. What \
SELECT COUNT(*) says stands beside, because it sees no changed value.

While services write, tables differ from the backup, and rightly so. The step `verify` of `cutover run` puts every change \
since on top of the backup first. With --against, a database that the backup was \
restored into, rows and columns that differ are named.";

pub(super) const AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover verify --backup
  pyairtable-platform cutover restore --into pyairtable_then
  pyairtable-platform cutover verify --against pyairtable_then

",
    exit_codes!()
);

pub(super) fn run(arguments: &VerifyArgs) -> anyhow::Result<Exit> {
    let folder = arguments.folder.folder().backup();
    if !folder.exists() {
        let next = arguments.folder.command("pyairtable-platform cutover backup");
        let why = format!("there is no backup in {}", folder.display());
        return Err(Error::Refused { why, next: format!("make one with `{next}`") }.into());
    }
    let (manifest, sum) = check_files(&folder)?;
    if arguments.backup {
        if arguments.json {
            print_json(&json!({
                "whole": true, "manifest_sha256": sum, "made_at": manifest.made_at, "files": manifest.files.len(),
                "bytes": manifest.bytes(), "tables": manifest.tables.len(), "rows": manifest.rows(),
            }))?;
        } else {
            writeln!(io::stdout().lock(), "{}", whole(&manifest))?;
        }
        return Ok(Exit::Done);
    }
    on_database(&arguments.database, "cutover verify", async |_, opened| {
        let client = opened.url.connect().await?;
        let restored = match &arguments.against {
            Some(name) => Some(opened.url.with_database(name).connect().await?),
            None => None,
        };
        let verdict = compare(&client, &manifest, restored.as_ref(), arguments.rows).await?;
        keep(report::keep_verification(&arguments.folder.folder(), SystemClock.now(), &verdict, None));
        if arguments.json {
            print_json(&verdict)?;
        } else {
            let mut out = io::stdout().lock();
            writeln!(out, "{}", whole(&manifest))?;
            out.write_all(words(&verdict).as_bytes())?;
        }
        Ok(if verdict.equal { Exit::Done } else { Exit::Differs })
    })
}

fn whole(manifest: &Manifest) -> String {
    format!(
        "backup of {:.0} is whole: {} files, {} bytes, {} tables, {} rows",
        manifest.made_at,
        manifest.files.len(),
        manifest.bytes(),
        manifest.tables.len(),
        manifest.rows()
    )
}

fn words(verdict: &Verdict) -> String {
    let mut lines: Vec<String> = Vec::new();
    for table in &verdict.tables {
        let TableVerdict { table: name, equal, count_before, count_now, chunks, .. } = table;
        let word = if *equal { "equal" } else { "DIFFERS" };
        let now = count_now.map_or_else(|| "gone or changed".to_owned(), |count| count.to_string());
        let counted = if *count_now == Some(*count_before) { "equal" } else { "differs" };
        let parts = if *equal { String::new() } else { format!(", {} of {} chunks", chunks.0, chunks.1) };
        lines.push(format!("{word:<8} {name}{parts}; COUNT(*) {counted}: {count_before} then, {now} now"));
        lines.extend(table.rows.iter().map(|row| format!("         {}", row_words(row))));
    }
    lines.push(match (verdict.equal, verdict.equal_by_count) {
        (true, _) => "everything is equal".to_owned(),
        (false, true) => "not equal, although COUNT(*) is the same everywhere".to_owned(),
        (false, false) => "not equal".to_owned(),
    });
    lines.join("\n") + "\n"
}

fn row_words(row: &Difference) -> String {
    let key = if row.key.is_empty() { "a row without a key".to_owned() } else { row.key.join(", ") };
    match &row.how {
        How::Changed(columns) => format!("{key}: {} changed", columns.join(", ")),
        How::Missing => format!("{key}: missing"),
        How::Extra => format!("{key}: new"),
    }
}
