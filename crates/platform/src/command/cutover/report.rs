//! `cutover report`

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use cutover::report::{self, Checked, Format};
use cutover::run::{Folder, Plan};
use cutover::{Error, Exit};
use kernel::{Clock as _, SystemClock};

use super::arguments::FolderArgs;
use super::{exit_codes, print_json};

pub(super) const ABOUT: &str = "\
Write down what the run did, for whoever decides and whoever audits.

Makes report.html, report.json and report.md in the run's folder, out of that folder alone: journal, plan, discovery, \
backup, trial, series, and what preflight and verify kept there. Needs no database and no gateway, works while a run goes \
on, and on a copy of the folder elsewhere. `cutover run`, `resume` and `rollback` do it by themselves when they end.

The page needs no network and no script. It shows the verdict, the timeline, charts of share, errors, latency and requests of \
both sides, each change of the share with who and why, what every gate said at each decision, digests of the backup \
beside COUNT(*), and the head of the journal's chain. What looks like a secret is left out.

With --check, nothing is written: the kept report is compared with the journal and with everything it was made from.";

pub(super) const AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover report
  pyairtable-platform cutover report --format md | less
  pyairtable-platform cutover report --dir /mnt/archive/cutover --output /tmp/report.html
  pyairtable-platform cutover report --check

",
    exit_codes!()
);

#[derive(Debug, Args)]
pub(in crate::command) struct ReportArgs {
    /// Print it in this form, html, json or md, and write nothing
    #[arg(long, value_name = "FORM")]
    format: Option<Format>,
    /// Write it into this file instead; without --format its ending says the form
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Compare the kept report with the journal and everything it was made from
    #[arg(long, conflicts_with_all = ["format", "output"])]
    check: bool,
    /// Print the result of --check as one JSON object
    #[arg(long, requires = "check")]
    json: bool,
    #[command(flatten)]
    folder: FolderArgs,
}

pub(super) fn run(arguments: &ReportArgs) -> anyhow::Result<Exit> {
    let ReportArgs { format, output, check, json, folder: at } = arguments;
    let folder = at.folder();
    let nobody = || {
        let why = format!("there is no run in {}", folder.path().display());
        let next = at.command("pyairtable-platform cutover run");
        Error::Refused { why, next: format!("name its folder with --dir, or begin a run with `{next}`") }
    };
    if Plan::read(&folder)?.is_none() {
        return Err(nobody().into());
    }
    if *check {
        let checked = report::check(&folder)?;
        if *json {
            print_json(&checked)?;
        } else {
            io::stdout().lock().write_all(words(&checked).as_bytes())?;
        }
        return Ok(Exit::Done);
    }
    let now = SystemClock.now();
    match (format, output) {
        (None, None) => {
            let page = report::write(&folder, now)?;
            writeln!(io::stdout().lock(), "{}", page.display())?;
        }
        (Some(format), None) => io::stdout().lock().write_all(&format.render(&report::read(&folder, now)?))?,
        (_, Some(file)) => {
            let format = form(*format, file)?;
            std::fs::write(file, format.render(&report::read(&folder, now)?)).map_err(|source| Error::File {
                doing: "write",
                path: file.clone(),
                source,
            })?;
            writeln!(io::stdout().lock(), "{}", file.display())?;
        }
    }
    Ok(Exit::Done)
}

fn form(said: Option<Format>, file: &Path) -> Result<Format, Error> {
    let ending = file.extension().unwrap_or_default().to_string_lossy();
    match said {
        Some(format) => Ok(format),
        None => ending.parse().map_err(|_| Error::Refused {
            why: format!("{} does not end with the name of a form", file.display()),
            next: "let it end with .html, .json or .md, or say --format".to_owned(),
        }),
    }
}

fn words(checked: &Checked) -> String {
    let Checked { generated_at, chain_head, records, same, remarks, .. } = checked;
    let mut lines = vec![format!("the journal's chain is whole, and {chain_head} is its head after {records} records")];
    if *same {
        lines.push(format!("the report of {generated_at:.0} is what the folder says"));
    }
    lines.extend(remarks.iter().cloned());
    lines.join("\n") + "\n"
}

/// What a command leaves behind when it ends, however it ended. Nothing depends on it: if it cannot be written, that is said.
pub(super) fn leave(folder: &Folder) {
    let said = match report::write(folder, SystemClock.now()) {
        Ok(page) => format!("report: {}", page.display()),
        Err(error) => format!("no report: {error}"),
    };
    let _ = writeln!(io::stderr(), "{said}");
}
