//! What was found before, what was done to the schema, what was undone, and what the shadow saw.

use super::super::model::Report;
use super::super::words::{bytes, count, number, seconds, short, utc};
use super::markup::Markup;
use super::{list, long, more, note, section, table};

pub(super) fn preflight(page: &mut Markup, report: &Report) {
    section(page, "preflight", "Preflight", |page| {
        let Some(preflight) = &report.preflight else {
            note(page, "Nothing is kept in this folder. `cutover preflight` keeps what it finds.");
            return;
        };
        let of = |severity: &str| preflight.checks.iter().filter(|one| one.severity == severity).count() as u64;
        note(
            page,
            format_args!(
                "{}: {} as they should be, {} to know, {} in the way.",
                utc(preflight.at),
                count(of("ok"), "check"),
                of("warn"),
                of("stop")
            ),
        );
        let row = |one: &super::super::kept::Check| {
            vec![one.check.clone(), one.severity.clone(), one.fact.clone(), one.remedy.clone().unwrap_or_default()]
        };
        let heads = ["Check", "Verdict", "What is so", "What to do"];
        if preflight.checks.iter().any(|one| one.severity != "ok") {
            table(page, &heads, &[], |rows| {
                rows.extend(preflight.checks.iter().rev().filter(|one| one.severity != "ok").map(row));
            });
        }
        more(page, format_args!("{} as they should be", count(of("ok"), "check")), |page| {
            table(page, &heads[..3], &[], |rows| {
                rows.extend(
                    preflight.checks.iter().filter(|one| one.severity == "ok").map(|one| row(one)[..3].to_vec()),
                );
            });
        });
    });
}

pub(super) fn discovery(page: &mut Markup, report: &Report) {
    section(page, "discovery", "Discovery", |page| {
        let Some(found) = &report.discovery else {
            note(page, "The database was not looked at yet.");
            return;
        };
        let (known, server) = (&found.discovery, &found.discovery.server);
        list(
            page,
            &[
                ("Server", format!("PostgreSQL {}", server.version)),
                ("Database", format!("{}, {}, {}", server.database, bytes(server.bytes), count(found.rows, "row"))),
                (
                    "Encoding",
                    format!("{}, sorted by {}, sessions in {}", server.encoding, server.collation, server.time_zone),
                ),
                ("Schema", known.fingerprint.clone()),
                ("Layout", known.layout.join("; ")),
                ("Extensions", known.extensions.join(", ")),
                ("Migrations", known.migrations.join("; ")),
                ("May migrate", known.schema_writers.join("; ")),
                ("Elsewhere", known.other_databases.join(", ")),
            ],
        );
        more(page, format_args!("{} tables and views", known.relations.len()), |page| {
            table(page, &["Name", "Kind", "Rows", "Size", "Owner"], &[2, 3], |rows| {
                for one in &known.relations {
                    let rows_of = one.rows.map(number).unwrap_or_default();
                    let name = format!("{}.{}", one.schema, one.name);
                    rows.push(vec![name, one.kind.clone(), rows_of, bytes(one.bytes), one.owner.clone()]);
                }
            });
        });
        more(page, "Roles and sessions", |page| {
            table(page, &["Role", "Logs in", "Superuser", "Bypasses row-level security", "Owns"], &[4], |rows| {
                let yes = |is: bool| if is { "yes" } else { "" }.to_owned();
                for role in &known.roles {
                    rows.push(vec![
                        role.name.clone(),
                        yes(role.login),
                        yes(role.superuser),
                        yes(role.bypasses),
                        number(role.owns),
                    ]);
                }
            });
            table(page, &["Session", "Role", "From", "Connections", "In a transaction"], &[3, 4], |rows| {
                for one in &known.sessions {
                    rows.push(vec![
                        one.application.clone(),
                        one.role.clone(),
                        one.address.clone(),
                        number(one.count),
                        number(one.busy),
                    ]);
                }
            });
        });
    });
}

pub(super) fn expansion(page: &mut Markup, report: &Report) {
    section(page, "expansion", "Expansion", |page| {
        if report.expansion.is_empty() {
            note(page, "No statement changed the schema in this run.");
            return;
        }
        let waited: u64 = report.expansion.iter().map(|one| one.waited).sum();
        let longest = report.expansion.iter().map(|one| one.seconds).fold(0.0, f64::max);
        note(
            page,
            format_args!(
                "{} beside services that used the tables. A lock was waited for 25 ms at a time and held for 50 ms at most; \
                 {} it was not to be had and was tried again. The longest took {}, waiting included.",
                count(report.expansion.len() as u64, "statement"),
                count(waited, "time"),
                seconds(longest)
            ),
        );
        long(page, "Every statement", |page| {
            table(page, &["At", "Took", "Tried again", "Statement", "Who was in the way"], &[1, 2], |rows| {
                for one in &report.expansion {
                    let sql = one.sql.split_whitespace().collect::<Vec<_>>().join(" ");
                    rows.push(vec![
                        utc(one.at),
                        seconds(one.seconds),
                        number(one.waited),
                        short(&sql),
                        one.why.clone().unwrap_or_default(),
                    ]);
                }
            });
        });
    });
}

pub(super) fn rollbacks(page: &mut Markup, report: &Report) {
    if report.rollbacks.is_empty() {
        return;
    }
    section(page, "rollback", "Rollback", |page| {
        table(page, &["Begun", "Took", "Undone, in order", "Outcome"], &[1], |rows| {
            for one in &report.rollbacks {
                let outcome = if one.whole { "done" } else { "failed" };
                rows.push(vec![utc(one.at), seconds(one.seconds), one.steps.join(", "), outcome.to_owned()]);
            }
        });
    });
}

pub(super) fn shadow(page: &mut Markup, report: &Report) {
    section(page, "shadow", "Shadow and intended differences", |page| {
        let Some(shadow) = &report.shadow else {
            note(page, "The gateway's shadow did not run while traffic was moved.");
            return;
        };
        let (seen, reads) = (&shadow.report, &shadow.report.reads);
        list(
            page,
            &[
                ("Asked", utc(shadow.at)),
                ("Learned noise from", count(seen.learned, "pair of answers of one side")),
                ("Compared", count(reads.compared, "read")),
                ("Equal", number(reads.equal)),
                ("Differed as intended", number(reads.intended)),
                ("Noise", number(reads.noise)),
                ("Different", number(reads.different)),
                ("Register", count(seen.register as u64, "entry").replace("entrys", "entries")),
            ],
        );
        if !seen.intended.is_empty() {
            table(page, &["Intended, for this reason", "Excused"], &[1], |rows| {
                rows.extend(seen.intended.iter().map(|(reason, times)| vec![reason.clone(), number(*times)]));
            });
        }
        if !seen.differences.is_empty() {
            table(page, &["Endpoint", "Field", "Kind", "Times", "Old", "New", "First seen in"], &[3], |rows| {
                for one in &seen.differences {
                    let kind = one.kind.name().to_owned();
                    rows.push(vec![
                        one.endpoint.clone(),
                        one.field.clone(),
                        kind,
                        number(one.count),
                        one.legacy.clone(),
                        one.platform.clone(),
                        one.request_id.clone(),
                    ]);
                }
            });
        }
    });
}
