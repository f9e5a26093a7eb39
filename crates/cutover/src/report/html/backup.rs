//! The backup and what it was compared with.

use super::super::model::{Backup, Report};
use super::super::words::{bytes, count, number, seconds, utc};
use super::markup::Markup;
use super::{list, more, note, section, table};

/// What the numbers that everybody looks at first say nothing about.
pub(in super::super) const COUNTS: &str = "COUNT(*) says how many rows there are and nothing about what is in them: NULL where an empty \
    text was, a time one microsecond off, a flipped flag, a lost space, two swapped values and an update that got lost all \
    leave it as it was. The digests change with each of these.";

pub(super) fn show(page: &mut Markup, report: &Report) {
    section(page, "backup", "Backup and trial restore", |page| {
        let Some(backup) = &report.backup else {
            note(page, "There is no backup in this folder.");
            return;
        };
        list(page, &facts(backup));
        note(page, COUNTS);
        table(page, &["Table", "COUNT(*)", "Digest of all rows", "Restored"], &[1], |rows| {
            for one in &backup.tables {
                let restored = match one.restored {
                    Some(true) => "equal",
                    Some(false) => "another backup",
                    None => "not tried",
                };
                rows.push(vec![one.table.clone(), number(one.count), one.digest.clone(), restored.to_owned()]);
            }
        });
        more(page, format_args!("{}, {}", count(backup.files.len() as u64, "file"), bytes(backup.bytes)), |page| {
            table(page, &["File", "Size", "SHA-256"], &[1], |rows| {
                rows.extend(
                    backup.files.iter().map(|file| vec![file.path.clone(), bytes(file.bytes), file.sha256.clone()]),
                );
            });
        });
        if !backup.archives.is_empty() {
            table(page, &["Archived", "As", "Entries", "Left out"], &[2], |rows| {
                for one in &backup.archives {
                    let source = one.source.display().to_string();
                    rows.push(vec![source, one.file.clone(), number(one.entries), one.skipped.join(", ")]);
                }
            });
        }
    });
}

fn facts(backup: &Backup) -> Vec<(&'static str, String)> {
    let took = |seconds_of: Option<f64>| seconds_of.map(|took| format!(", in {}", seconds(took))).unwrap_or_default();
    let tried = match &backup.trial {
        Some(trial) if trial.of_this => format!(
            "{}{}: {} in {} measured again, 0 differ",
            utc(trial.at),
            took(trial.seconds),
            count(trial.rows, "row"),
            count(trial.tables, "table")
        ),
        Some(_) => "of another backup".to_owned(),
        None => "not tried".to_owned(),
    };
    let manifest = match &backup.journal_sha256 {
        Some(noted) if *noted == backup.manifest_sha256 => "the same as the journal says",
        Some(_) => "NOT what the journal says: the manifest was changed",
        None => "the journal does not know it yet",
    };
    vec![
        ("Snapshot", format!("{} at {}", backup.snapshot, utc(backup.made_at))),
        (
            "Dumped",
            format!(
                "{} in {}, {}{}",
                count(backup.rows, "row"),
                count(backup.tables.len() as u64, "table"),
                bytes(backup.bytes),
                took(backup.seconds)
            ),
        ),
        ("Restored for trial", tried),
        ("SHA-256 of the manifest", backup.manifest_sha256.clone()),
        ("In the journal", manifest.to_owned()),
        ("Schema", backup.fingerprint.clone()),
        ("Sequences", number(backup.sequences.len() as u64)),
        ("Large objects", number(backup.large_objects)),
        ("Made by", backup.tools.join("; ")),
    ]
}

pub(super) fn verification(page: &mut Markup, report: &Report) {
    section(page, "verification", "Verification", |page| {
        let Some(found) = &report.verification else {
            note(
                page,
                "The database was not compared with the backup since. `cutover verify` does, and keeps what it finds here.",
            );
            return;
        };
        let differ = found.tables.iter().filter(|one| !one.equal).count() as u64;
        let words = match (found.equal, found.equal_by_count) {
            (true, _) => match found.changes {
                Some(changes) => format!(
                    "every table held the rows of the backup with the {} since, while others wrote",
                    count(changes.unsigned_abs(), "change")
                ),
                None => "every table holds the same rows as the backup".to_owned(),
            },
            (false, true) => {
                format!("{} not the same, although COUNT(*) is the same everywhere", count(differ, "table"))
            }
            (false, false) if found.changes.is_some() => {
                format!("{} not what backup and change log come to together", count(differ, "table"))
            }
            (false, false) => {
                format!("{} not the same; while services write, that is as it must be", count(differ, "table"))
            }
        };
        note(page, format_args!("{}: {words}.", utc(found.at)));
        let heads = ["Table", "Verdict", "COUNT(*) then", "now", "Digest then", "now", "Rows named"];
        table(page, &heads, &[2, 3, 6], |rows| {
            for one in &found.tables {
                rows.push(vec![
                    one.table.clone(),
                    if one.equal { "equal" } else { "differs" }.to_owned(),
                    number(one.count_before),
                    one.count_now.map_or_else(|| "gone".to_owned(), number),
                    one.before.clone(),
                    one.now.clone().unwrap_or_default(),
                    number(one.rows_named as u64),
                ]);
            }
        });
    });
}
