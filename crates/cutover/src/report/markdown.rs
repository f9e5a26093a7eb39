//! The report as Markdown: for tickets, chats and terminals. The same as the page without its charts and long lists.

use std::fmt::{Display, Write as _};

use super::Report;
use super::html::{COUNTS, outcome, state};
use super::words::{bytes, count, millis, number, percent, seconds, utc};
use super::{timeline, verdict};

/// The text.
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    let (word, _) = state(report.verdict.state);
    let _ = writeln!(text, "# Take-over of {}: {word}\n", plain(&report.run.database));
    let _ = writeln!(text, "{}\n", plain(&report.verdict.sentence));
    let _ =
        writeln!(text, "Run {}, planned {}. All times are UTC.\n", plain(&report.run.id), utc(report.run.planned_at));
    let verdict = &report.verdict;
    let share = verdict.share.clone().unwrap_or_else(|| "–".to_owned());
    let differ = verdict.rows_differ.map_or_else(|| "–".to_owned(), number);
    let row = [
        share,
        differ,
        number(verdict.requests),
        number(verdict.errors),
        number(verdict.returns as u64),
        seconds(verdict.seconds),
    ];
    table(
        &mut text,
        &["On the new side", "Rows differ in the restored backup", "Requests", "Failed", "Automatic returns", "Work"],
        [row.to_vec()],
    );
    traffic(&mut text, report);
    rehearsal(&mut text, report);
    changes(&mut text, report);
    happened(&mut text, report);
    before(&mut text, report);
    backup(&mut text, report);
    expansion(&mut text, report);
    verification(&mut text, report);
    signature(&mut text, report);
    text
}

/// Text that cannot become anything else: no line ends it, and nothing in it is markup.
fn plain(text: impl Display) -> String {
    let mut safe = String::new();
    for letter in text.to_string().chars() {
        match letter {
            '\n' | '\r' => safe.push(' '),
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '|' | '`' | '[' | ']' | '*' | '_' | '\\' | '#' | '!' | '~' => {
                safe.push('\\');
                safe.push(letter);
            }
            control if control.is_control() => safe.push('\u{fffd}'),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

fn heading(text: &mut String, title: &str) {
    let _ = writeln!(text, "## {title}\n");
}

fn table(text: &mut String, heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let heads: Vec<String> = heads.iter().map(plain).collect();
    let _ = writeln!(text, "{}", line(&heads));
    let _ = writeln!(text, "|{}", " --- |".repeat(heads.len()));
    for row in rows {
        let _ = writeln!(text, "{}", line(&row.iter().map(plain).collect::<Vec<_>>()));
    }
    text.push('\n');
}

fn traffic(text: &mut String, report: &Report) {
    let Some(traffic) = &report.traffic else { return };
    heading(text, "Traffic while it was moved");
    let rows = traffic.families.iter().map(|(name, curve)| {
        let (old, new) = (curve.old, curve.new);
        let worst = curve.points.iter().filter_map(|point| point.new.p99_ms).reduce(f64::max);
        vec![
            name.clone(),
            number(old.requests),
            format!("{} ({})", number(old.errors), percent(old.errors, old.requests)),
            number(new.requests),
            format!("{} ({})", number(new.errors), percent(new.errors, new.requests)),
            millis(worst),
        ]
    });
    table(text, &["Family", "Old side", "failed", "New side", "failed", "worst p99 of the new side"], rows);
}

fn rehearsal(text: &mut String, report: &Report) {
    let Some(rehearsal) = &report.rehearsal else { return };
    heading(text, "Rehearsal");
    let row = |name: &str, lost, doubled, failed, requests, took| {
        vec![name.to_owned(), number(lost), number(doubled), number(failed), number(requests), seconds(took)]
    };
    let ours = row(
        "This take-over",
        rehearsal.lost,
        rehearsal.doubled,
        rehearsal.failed,
        rehearsal.requests,
        rehearsal.seconds,
    );
    let naive = rehearsal.naive.as_ref();
    let theirs = naive.map(|one| row("The naive recipe", one.lost, one.doubled, one.failed, one.requests, one.seconds));
    let heads = ["", "Acknowledged writes lost", "Writes done twice", "Requests failed", "Requests", "Took"];
    table(text, &heads, [Some(ours), theirs].into_iter().flatten());
    for note in naive.iter().flat_map(|one| &one.notes) {
        let _ = writeln!(text, "- {}", plain(note));
    }
    if naive.is_some_and(|one| !one.notes.is_empty()) {
        text.push('\n');
    }
}

fn changes(text: &mut String, report: &Report) {
    if !report.changes.is_empty() {
        heading(text, "Changes of the share");
        let rows = report.changes.iter().filter(|change| !change.changes.is_empty()).map(|change| {
            let by = if verdict::is_return(change) { format!("{}, by itself", change.who) } else { change.who.clone() };
            vec![utc(change.at), timeline::shares(change), by, change.why.clone()]
        });
        table(text, &["At", "Share", "By", "Why"], rows);
    }
    if !report.decisions.is_empty() {
        heading(text, "What the gates said");
        let rows = report.decisions.iter().map(|one| {
            let seen: u64 = one.families.values().map(|family| family.share_requests).sum();
            vec![utc(one.at), one.what.clone(), one.share.clone(), number(seen), one.reason.clone().unwrap_or_default()]
        });
        table(text, &["At", "Decision", "Share", "Requests on the new side since", "Because"], rows);
    }
}

fn happened(text: &mut String, report: &Report) {
    heading(text, "Timeline");
    let rows = report.timeline.iter().map(|event| {
        let took = event.seconds.map(seconds).unwrap_or_default();
        let word = event.outcome.map_or("", |one| outcome(one).0);
        vec![utc(event.at), event.title.clone(), word.to_owned(), took, event.detail.clone().unwrap_or_default()]
    });
    table(text, &["At", "What", "Outcome", "Took", "More"], rows);
}

fn before(text: &mut String, report: &Report) {
    if let Some(preflight) = &report.preflight {
        heading(text, "Preflight");
        let alarms: Vec<_> = preflight.checks.iter().rev().filter(|one| one.severity != "ok").collect();
        let _ = writeln!(
            text,
            "{}: {}, {} of them not as they should be.\n",
            utc(preflight.at),
            count(preflight.checks.len() as u64, "check"),
            alarms.len()
        );
        if !alarms.is_empty() {
            let rows = alarms.into_iter().map(|one| {
                vec![one.check.clone(), one.severity.clone(), one.fact.clone(), one.remedy.clone().unwrap_or_default()]
            });
            table(text, &["Check", "Verdict", "What is so", "What to do"], rows);
        }
    }
    if let Some(found) = &report.discovery {
        heading(text, "Discovery");
        let server = &found.discovery.server;
        let _ = writeln!(
            text,
            "PostgreSQL {}, {}, {} in {}. {}\n",
            plain(&server.version),
            bytes(server.bytes),
            count(found.rows, "row"),
            count(found.discovery.relations.len() as u64, "table or view").replace("views", "view"),
            plain(found.discovery.layout.join("; "))
        );
    }
}

fn backup(text: &mut String, report: &Report) {
    let Some(backup) = &report.backup else { return };
    heading(text, "Backup and trial restore");
    let _ = writeln!(
        text,
        "Snapshot of {}, {}, {} in {}. SHA-256 of the manifest: `{}`.\n\n{COUNTS}\n",
        utc(backup.made_at),
        bytes(backup.bytes),
        count(backup.rows, "row"),
        count(backup.files.len() as u64, "file"),
        plain(&backup.manifest_sha256)
    );
    let rows = backup.tables.iter().map(|one| {
        let restored = match one.restored {
            Some(true) => "equal",
            Some(false) => "another backup",
            None => "not tried",
        };
        vec![one.table.clone(), number(one.count), one.digest.clone(), restored.to_owned()]
    });
    table(text, &["Table", "COUNT(*)", "Digest of all rows", "Restored"], rows);
}

fn expansion(text: &mut String, report: &Report) {
    if !report.expansion.is_empty() {
        heading(text, "Expansion");
        let waited: u64 = report.expansion.iter().map(|one| one.waited).sum();
        let longest = report.expansion.iter().map(|one| one.seconds).fold(0.0, f64::max);
        let statements = count(report.expansion.len() as u64, "statement");
        let _ = writeln!(
            text,
            "{statements}, {} tried again for a lock, the longest took {}.\n",
            count(waited, "time"),
            seconds(longest)
        );
    }
    if !report.rollbacks.is_empty() {
        heading(text, "Rollback");
        let rows = report.rollbacks.iter().map(|one| vec![utc(one.at), seconds(one.seconds), one.steps.join(", ")]);
        table(text, &["Begun", "Took", "Undone, in order"], rows);
    }
}

fn verification(text: &mut String, report: &Report) {
    if let Some(found) = &report.verification {
        heading(text, "Verification");
        let differ: Vec<&str> = found.tables.iter().filter(|one| !one.equal).map(|one| one.table.as_str()).collect();
        let _ = match (found.equal, found.equal_by_count) {
            (true, _) => match found.changes {
                Some(changes) => writeln!(
                    text,
                    "{}: every table held the rows of the backup with the {} since, while others wrote.\n",
                    utc(found.at),
                    count(changes.unsigned_abs(), "change")
                ),
                None => writeln!(text, "{}: every table holds the same rows as the backup.\n", utc(found.at)),
            },
            (_, true) => writeln!(
                text,
                "{}: {} not the same, although COUNT(\\*) is.\n",
                utc(found.at),
                plain(differ.join(", "))
            ),
            _ => writeln!(text, "{}: {} not the same.\n", utc(found.at), plain(differ.join(", "))),
        };
    }
    if let Some(shadow) = &report.shadow {
        heading(text, "Shadow");
        let reads = &shadow.report.reads;
        let _ = writeln!(
            text,
            "{} compared: {} equal, {} different as intended, {} noise, {} different.\n",
            count(reads.compared, "read"),
            number(reads.equal),
            number(reads.intended),
            number(reads.noise),
            number(reads.different)
        );
    }
}

fn signature(text: &mut String, report: &Report) {
    heading(text, "What this report stands on");
    let sign = &report.signature;
    let _ =
        writeln!(text, "- Head of the journal's chain: `{}` after {} records", plain(&sign.chain_head), sign.records);
    let _ = writeln!(text, "- SHA-256 of the journal: `{}`, {} bytes", plain(&sign.journal_sha256), sign.journal_bytes);
    let _ = writeln!(text, "- To check it: `pyairtable-platform cutover report --check --dir FOLDER`");
    for remark in &report.remarks {
        let _ = writeln!(text, "- {}", plain(remark));
    }
    let _ = writeln!(text, "\nMade {} by pyairtable-platform {}.", utc(report.generated_at), plain(&report.program));
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn text_stays_text() {
        assert_eq!(plain("a|b\n# `c` <script> [x](y)"), "a\\|b \\# \\`c\\` &lt;script&gt; \\[x\\](y)");
    }
}
