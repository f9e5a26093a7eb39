//! `docs/REHEARSAL.md`: what a rehearsal came to, written down by the rehearsal itself.

use std::fmt::Write as _;

use crate::outcome::{Line, Outcome, Section};
use crate::stage::now;

/// The page. `command` is what was typed.
pub fn markdown(outcome: &Outcome, command: &str) -> String {
    let mut page = String::new();
    let day = now().strftime("%Y-%m-%d").to_string();
    let _ = head(&mut page, outcome, command, &day);
    let _ = phases(&mut page, outcome);
    let _ = compared(&mut page, outcome);
    for section in &outcome.sections {
        let _ = table(&mut page, section);
    }
    if let Some(naive) = &outcome.naive {
        let _ = beside(&mut page, outcome, naive);
    }
    let _ = write!(page, "\n## Do it yourself\n\n```sh\n{command}\n```\n\n{REPRODUCE}");
    page
}

const INTRODUCTION: &str = "\
One machine, made-up people, real everything else: PostgreSQL, Redis, stand-ins for the old services, a gateway and this program \
as processes of their own. Load goes through the gateway for the whole time, at a fixed rate whatever becomes of the requests \
before, and a ledger keeps what was acknowledged. The take-over is done by the commands that do it in production. At 10 % this \
program is killed with `kill -9`; the gateway takes the traffic back by itself, `cutover run` ends with exit code 8, and after \
`gateway thaw` the same command goes on to 100 %.
";

const REPRODUCE: &str = "\
It needs PostgreSQL's programs, Redis and Rust, and writes nowhere but into a folder of its own. `--dir DIR` keeps databases, logs, \
journal and backup; `rehearsal.json` in the run's folder has every second. The last line of the output counts, and the exit code is 0 \
only if nothing failed, nothing was lost and nothing was done twice, and the naive recipe, if it was tried, was caught.
";

fn head(page: &mut String, outcome: &Outcome, command: &str, day: &str) -> std::fmt::Result {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = memory().map_or_else(|| "unknown memory".to_owned(), |gib| format!("{gib} GiB of memory"));
    let build = if cfg!(debug_assertions) { "debug build" } else { "release build" };
    writeln!(page, "# The take-over, rehearsed\n\nWritten by `{command}` on {day}.\n\n{INTRODUCTION}")?;
    writeln!(page, "**{}**\n", outcome.last_line())?;
    writeln!(page, "| | |\n|---|---|")?;
    writeln!(page, "| Machine | {cores} cores, {memory}; everything on it, load included |")?;
    writeln!(page, "| Software | PostgreSQL {}, {build} {} |", outcome.postgres, env!("CARGO_PKG_VERSION"))?;
    let options = &outcome.options;
    writeln!(
        page,
        "| Old rows | {} people, a workspace for twenty of them with ten members, two notifications each |",
        options.people
    )?;
    writeln!(
        page,
        "| Load | {} requests a second, one in five writes; each share held for {} s |",
        options.per_second,
        options.hold.as_secs()
    )?;
    if let Some(after) = outcome.returned_after {
        writeln!(
            page,
            "| Killed at 10 % | traffic was back after {:.1} s; {} of {} requests were harmed until then |",
            after.as_secs_f64(),
            outcome.harmed.len(),
            outcome.report.total()
        )?;
    }
    for note in &outcome.notes {
        writeln!(page, "| Note | {note} |")?;
    }
    Ok(())
}

/// In GiB.
fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()?.div_ceil(1 << 20))
}

fn phases(page: &mut String, outcome: &Outcome) -> std::fmt::Result {
    writeln!(page, "\n## Phases\n\n| phase | seconds | requests | p50 ms | p99 ms |\n|---|--:|--:|--:|--:|")?;
    for Line { name, from, to, requests, p50, p99 } in outcome.lines() {
        writeln!(page, "| {name} | {} | {requests} | {p50:.1} | {p99:.1} |", to - from)?;
    }
    writeln!(
        page,
        "\nLatency is from the moment a request was meant to start. Load, both sides and PostgreSQL share the machine's cores, so \
         compare phases with each other.\n"
    )?;
    writeln!(page, "## Requests\n\n| kind | requests |\n|---|--:|")?;
    for (kind, requests) in &outcome.report.requests {
        let kind = serde_json::to_value(kind).ok();
        let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default().replace('_', " ");
        writeln!(page, "| {kind} | {requests} |")?;
    }
    Ok(())
}

fn compared(page: &mut String, outcome: &Outcome) -> std::fmt::Result {
    let found = &outcome.reconciled;
    write!(
        page,
        "
## What was compared

- Each answer with its status, and with what was acknowledged before: whoever was told that a change was made must see it from then \
on, on either side.
- {} acknowledged rows, values and deletions with the tables: {} missing or changed, {} there twice.
- Every table of the backup, by two 64-bit sums over all rows, after it was restored into a scratch database; and after the \
expansion, with every change since on top of it, with what the live database held at that moment. The run stops if one differs.
- Failed are all requests without the right answer, but for those from a second before the kill until a second after the return. \
Those are the ones called harmed.
",
        found.acknowledged,
        found.lost.len(),
        found.doubled.len()
    )
}

fn table(page: &mut String, section: &Section) -> std::fmt::Result {
    writeln!(
        page,
        "\n## {}\n\n| {} |\n|{}",
        section.title,
        section.head.join(" | "),
        "---|".repeat(section.head.len())
    )?;
    section.rows.iter().try_for_each(|row| writeln!(page, "| {} |", row.join(" | ")))
}

fn beside(page: &mut String, ours: &Outcome, naive: &Outcome) -> std::fmt::Result {
    writeln!(
        page,
        "
## The same by hand

A dump into a text file, `SELECT COUNT(*)` as validation, a program that migrates when it starts, shares set by hand without \
gates and leases, a human who notices after {} s, and the dump restored as the way back: on another world of the same size, under \
the same load, with the same fault, asked the same questions.

| | this program | by hand |\n|---|--:|--:|",
        naive.options.human.as_secs()
    )?;
    for (what, of) in [
        ("requests", (|outcome: &Outcome| outcome.report.total()) as fn(&Outcome) -> usize),
        ("harmed by the fault", |outcome| outcome.harmed.len()),
        ("failed besides", |outcome| outcome.failed.len()),
        ("acknowledged writes lost", |outcome| outcome.reconciled.lost.len()),
        ("done twice", |outcome| outcome.reconciled.doubled.len()),
    ] {
        writeln!(page, "| {what} | {} | {} |", of(ours), of(naive))?;
    }
    let back = |outcome: &Outcome| outcome.returned_after.map_or(0.0, |after| after.as_secs_f64());
    writeln!(page, "| seconds until traffic was back | {:.1} | {:.1} |\n", back(ours), back(naive))?;
    for note in &naive.notes {
        writeln!(page, "- {note}.")?;
    }
    writeln!(page, "\n| phase by hand | seconds | requests | p50 ms | p99 ms |\n|---|--:|--:|--:|--:|")?;
    for Line { name, from, to, requests, p50, p99 } in naive.lines() {
        writeln!(page, "| {name} | {} | {requests} | {p50:.1} | {p99:.1} |", to - from)?;
    }
    Ok(())
}
