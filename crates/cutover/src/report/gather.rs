//! A report out of the run's folder: nothing else is asked, so it can be made anywhere and at any time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gateway::control::history::Entry as Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::attempts::{self, History, between, exact};
use super::model::{
    Backup, Decision, FORMAT, Found, Outcome, Report, Rollback, Run, Shadow, Signature, Statement, Step, TableSum,
    Trial,
};
use super::verdict::is_return;
use super::{redact, timeline, traffic, verdict};
use crate::backup::{MANIFEST, Manifest};
use crate::discover::Discovery;
use crate::expand::WAITED;
use crate::journal::{self, Contents, Entry, Record};
use crate::run::{Call, Folder, Plan, holder};
use crate::shift::{DECISION, series};
use crate::{Error, Result, files, steps};

/// The report of the run in `folder`. Changes nothing. `now` is only written down.
pub fn read(folder: &Folder, now: Timestamp) -> Result<Report> {
    let shown = folder.path().display();
    let Some(plan) = Plan::read(folder)? else {
        return Err(Error::refused(
            format!("there is no run in {shown}"),
            "name its folder with --dir, or begin a run with `pyairtable-platform cutover run`",
        ));
    };
    let contents = journal::read(&folder.journal())?;
    let held = holder(folder).is_some();
    let history = attempts::history(&contents.records, held);
    let series = series::read(folder)?;
    let decisions = decisions(&contents.records);
    // What the gateway did before this run belongs to another.
    let changes = incidents(series.changes.iter().filter(|change| change.at >= plan.made_at));
    let traffic = traffic::of(&series);
    let mut remarks = remarks(folder, &contents, series.torn);
    // What a run says of a damaged backup is worth reading, most of all then.
    let backup = backup(folder, &contents.records, &history).unwrap_or_else(|error| {
        remarks.push(format!("The backup cannot be shown: {error}."));
        None
    });
    let discovery: Option<Discovery> = files::read_json(&folder.discovery())?;
    let steps = all_steps(&plan, &contents.records, &history);
    let rollbacks = rollbacks(&history);
    let mut report = Report {
        format: FORMAT,
        generated_at: now,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        run: run(&plan, &contents.records),
        verdict: verdict::of(&verdict::Facts {
            held,
            steps: &steps,
            history: &history,
            changes: &changes,
            decisions: &decisions,
            traffic: traffic.as_ref(),
            backup: backup.as_ref(),
        }),
        remarks,
        timeline: timeline::of(&contents.records, &history, &changes, &decisions),
        expansion: expansion(&contents.records),
        discovery: discovery.map(found),
        preflight: files::read_json(&folder.preflight())?,
        verification: files::read_json(&folder.verification())?,
        rehearsal: files::read_json(&folder.rehearsal())?,
        shadow: series.shadow.map(|(at, report)| Shadow { at, report }),
        signature: signature(folder, &contents)?,
        steps,
        sessions: history.sessions,
        traffic,
        changes,
        decisions,
        backup,
        rollbacks,
    };
    redact::all(&mut report);
    Ok(report)
}

fn run(plan: &Plan, records: &[Record]) -> Run {
    let mut programs = Vec::new();
    for record in records {
        if let Entry::Opened { program, .. } = &record.entry
            && !programs.contains(program)
        {
            programs.push(program.clone());
        }
    }
    Run {
        id: plan.run.clone(),
        database: plan.database.clone(),
        planned_at: plan.made_at,
        began_at: records.first().map(|record| record.at),
        ended_at: records.last().map(|record| record.at),
        programs,
        shares: plan.shift.iter().flat_map(|shift| shift.steps.clone()).collect(),
        archive: plan.archive.iter().map(|path| path.display().to_string()).collect(),
    }
}

/// The planned steps, and those that only the journal knows.
fn all_steps(plan: &Plan, records: &[Record], history: &History) -> Vec<Step> {
    let planned = steps::of(plan);
    let mut all: Vec<(String, String)> =
        planned.iter().map(|step| (step.name().to_owned(), step.about().to_owned())).collect();
    for name in records.iter().filter_map(|record| record.entry.step()) {
        if !name.is_empty() && all.iter().all(|(known, _)| known != name) {
            all.push((name.to_owned(), "a step of another version of the program".to_owned()));
        }
    }
    let step = |(name, about): (String, String)| {
        let of_step = records.iter().filter(|record| record.entry.step() == Some(&name));
        let (mut state, mut facts) = ("open", BTreeMap::new());
        for record in of_step {
            match &record.entry {
                Entry::Started { .. } | Entry::Undoing { .. } => state = "begun",
                Entry::Undone { .. } => state = "open",
                Entry::Finished { outcome, .. } => {
                    state = "finished";
                    facts = outcome
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(key, value)| (key.clone(), value.clone()))
                        .collect();
                }
                _ => {}
            }
        }
        let attempts = history.attempts.iter().filter(|attempt| attempt.step == name).cloned().collect();
        Step { name, about, state: state.to_owned(), facts, attempts }
    };
    all.into_iter().map(step).collect()
}

/// What shift steps decided. What cannot be read of a later program's is left out of it, not the decision.
fn decisions(records: &[Record]) -> Vec<Decision> {
    let decision = |record: &Record| {
        let Entry::Noted { step, key, value } = &record.entry else { return None };
        let text = |field: &str| value[field].as_str().map(str::to_owned);
        (key == DECISION).then(|| Decision {
            at: record.at,
            step: step.clone(),
            what: text("what").unwrap_or_default(),
            share: text("share").unwrap_or_default(),
            reason: text("reason"),
            families: serde_json::from_value(value["families"].clone()).unwrap_or_default(),
        })
    };
    records.iter().filter_map(decision).collect()
}

fn expansion(records: &[Record]) -> Vec<Statement> {
    let mut all: Vec<Statement> = Vec::new();
    for (at, record) in records.iter().enumerate() {
        match &record.entry {
            Entry::Calling { step, call: Call::Sql { statement, .. } } if step == "expand" => {
                let next = records.get(at + 1).map_or(record.at, |next| next.at);
                all.push(Statement {
                    at: record.at,
                    seconds: between(record.at, next),
                    sql: statement.clone(),
                    waited: 0,
                    why: None,
                });
            }
            Entry::Noted { step, key, value } if step == "expand" && key == WAITED => {
                if let Some(last) = all.last_mut() {
                    last.waited = value["times"].as_u64().unwrap_or(1);
                    last.why = value["last"].as_str().map(str::to_owned);
                }
            }
            _ => {}
        }
    }
    all
}

fn found(mut discovery: Discovery) -> Found {
    // Expressions for every column of every table: the backup's manifest has them.
    discovery.tables.clear();
    let rows = discovery.relations.iter().filter_map(|relation| relation.rows).sum();
    Found { discovery, rows }
}

/// Families that go back within this are one event.
const TOGETHER: SignedDuration = SignedDuration::from_secs(5);

/// Families go back one by one, each for its own reason; for people that is one event.
fn incidents<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<Change> {
    let mut all: Vec<Change> = Vec::new();
    for change in changes {
        let near = |last: &&mut Change| {
            let both_return = is_return(last) && is_return(change) && last.who == change.who;
            both_return && change.at.duration_since(last.at) <= TOGETHER
        };
        let Some(last) = all.last_mut().filter(near) else {
            all.push(change.clone());
            continue;
        };
        last.changes.extend(change.changes.iter().cloned());
        if !last.why.contains(&change.why) {
            last.why = format!("{}; {}", last.why, change.why);
        }
        if last.family != change.family {
            last.family = None;
        }
    }
    all
}

/// The manifest as it is there. That every byte of the files still fits it is what `cutover verify` finds out.
fn backup(folder: &Folder, records: &[Record], history: &History) -> Result<Option<Backup>> {
    let path = folder.backup().join(MANIFEST);
    let Some(manifest) = files::read_json::<Manifest>(&path)? else { return Ok(None) };
    let manifest_sha256 = files::sha256_file(&path)?.0;
    let took = |step: &str| {
        let done = history.attempts.iter().rev().find(|one| one.step == step && one.outcome == Outcome::Done);
        done.map(|attempt| attempt.seconds)
    };
    let noted = came_to(records, "backup").and_then(|(_, outcome)| outcome["manifest_sha256"].as_str());
    // Not out of the trial's own file, which a rollback removes.
    let trial = came_to(records, "trial-restore").map(|(at, outcome)| Trial {
        at,
        of_this: outcome["manifest_sha256"] == manifest_sha256.as_str(),
        tables: outcome["tables"].as_u64().unwrap_or_default(),
        rows: outcome["rows"].as_u64().unwrap_or_default(),
        seconds: took("trial-restore"),
    });
    let restored = trial.as_ref().map(|trial| trial.of_this);
    let table = |(name, sum): (&String, &crate::digest::TableDigest)| TableSum {
        table: name.clone(),
        count: sum.rows,
        digest: sum.digest.to_string(),
        restored,
    };
    Ok(Some(Backup {
        made_at: manifest.made_at,
        journal_sha256: noted.map(str::to_owned),
        seconds: took("backup"),
        bytes: manifest.bytes(),
        rows: manifest.rows(),
        tables: manifest.digests.iter().map(table).collect(),
        manifest_sha256,
        snapshot: manifest.snapshot,
        fingerprint: manifest.fingerprint,
        tools: manifest.tools,
        files: manifest.files,
        sequences: manifest.sequences,
        large_objects: manifest.large_objects,
        archives: manifest.archives,
        trial,
    }))
}

/// What a step came to when it was finished last, and when that was.
fn came_to<'a>(records: &'a [Record], name: &str) -> Option<(Timestamp, &'a Value)> {
    records.iter().rev().find_map(|record| match &record.entry {
        Entry::Finished { step, outcome, .. } if step == name => Some((record.at, outcome)),
        _ => None,
    })
}

/// Steps that were undone one after the other, in one session, are one rollback.
fn rollbacks(history: &History) -> Vec<Rollback> {
    let mut all = Vec::new();
    for session in &history.sessions {
        let within = |at: Timestamp| at >= session.opened_at && at <= session.ended_at;
        let undone: Vec<_> = history
            .attempts
            .iter()
            .filter(|attempt| within(attempt.began_at) && attempt.outcome == Outcome::Undone)
            .collect();
        let (Some(first), Some(last)) = (undone.first(), undone.last()) else { continue };
        all.push(Rollback {
            at: first.began_at,
            seconds: exact(between(first.began_at, last.began_at) + last.seconds),
            whole: session.exit == Some(crate::Exit::RolledBack.code()),
            steps: undone.iter().map(|attempt| attempt.step.clone()).collect(),
        });
    }
    all
}

fn remarks(folder: &Folder, contents: &Contents, torn: usize) -> Vec<String> {
    let mut all = Vec::new();
    if !contents.torn.is_empty() {
        all.push(format!(
            "The journal ends with {} bytes that are no whole record: a tool was stopped while it wrote. What it announced \
             there was not done.",
            contents.torn.len()
        ));
    }
    for record in &contents.records {
        if let Entry::Mended { bytes, kept } = &record.entry {
            all.push(format!("{bytes} bytes of a torn record were cut off the journal and kept in {kept}."));
        }
    }
    if torn > 0 {
        all.push(format!("{torn} lines of the series are not whole and are missing from the charts."));
    }
    if contents.records.is_empty() {
        all.push("The journal is empty: nothing is known of what was done.".to_owned());
    }
    for (path, what) in [
        (folder.preflight(), "Preflight was not made with this folder: `cutover preflight` keeps what it finds here."),
        (folder.discovery(), "The database was not looked at yet."),
        (folder.backup(), "There is no backup in this folder."),
        (folder.series(), "No traffic was recorded: it has not been moved, or through a proxy that counts nothing."),
    ] {
        if !path.exists() {
            all.push(what.to_owned());
        }
    }
    all
}

fn signature(folder: &Folder, contents: &Contents) -> Result<Signature> {
    let journal = fs::read(folder.journal()).unwrap_or_default();
    let whole = journal.get(..contents.length()).unwrap_or_default();
    let mut sums = BTreeMap::new();
    for path in [
        folder.plan(),
        folder.preflight(),
        folder.discovery(),
        folder.backup().join(MANIFEST),
        folder.trial(),
        folder.verification(),
        folder.series(),
        folder.rehearsal(),
    ] {
        if path.exists() {
            let name = path.strip_prefix(folder.path()).unwrap_or(Path::new("?")).display().to_string();
            sums.insert(name, files::sha256_file(&path)?.0);
        }
    }
    Ok(Signature {
        chain_head: contents.head().to_owned(),
        records: contents.records.len(),
        journal_sha256: files::sha256(whole),
        journal_bytes: contents.length(),
        files: sums,
    })
}

/// `tables 13, rows 7979`
pub(super) fn facts(facts: &BTreeMap<String, Value>) -> String {
    let fact = |(key, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{} {text}", key.replace('_', " "))
    };
    facts.iter().map(fact).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use gateway::control::history::Entry as Change;
    use gateway::control::state::Change as Moved;
    use gateway::split::Share;

    use super::incidents;

    fn change(second: i64, who: &str, family: &str, why: &str) -> Change {
        let (from, to) = if who == "cutover" { (Share::NONE, Share::ALL) } else { (Share::ALL, Share::NONE) };
        Change {
            at: jiff::Timestamp::from_second(second).unwrap(),
            who: who.to_owned(),
            why: why.to_owned(),
            what: "return".to_owned(),
            family: Some(family.to_owned()),
            changes: vec![Moved { family: family.to_owned(), from, to }],
        }
    }

    #[test]
    fn families_that_go_back_together_are_one_event() {
        let all = [
            change(0, "cutover", "users", "on"),
            change(1, "cutover", "tenants", "on"),
            change(9, "gates", "users", "errors"),
            change(10, "gates", "tenants", "slow"),
            change(11, "gates", "projects", "slow"),
            change(90, "gates", "users", "errors"),
        ];
        let found = incidents(all.iter());
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!((found[2].changes.len(), found[2].why.as_str()), (3, "errors; slow"));
        assert_eq!((&found[2].family, &found[3].family), (&None, &Some("users".to_owned())));
    }
}
