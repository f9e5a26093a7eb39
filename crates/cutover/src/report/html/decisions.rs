//! Changes of shares, and what was known when each was decided.

use gateway::counters::Summary;
use gateway::gates::Verdict;

use super::super::model::{Decision, Report};
use super::super::words::{millis, number, percent, utc};
use super::super::{timeline, verdict};
use super::markup::Markup;
use super::{note, section, table};
use crate::shift::series::Measured;

pub(super) fn changes(page: &mut Markup, report: &Report) {
    section(page, "changes", "Changes of the share", |page| {
        if report.changes.is_empty() {
            note(page, "The gateway told of none.");
            return;
        }
        note(
            page,
            "Everything that was asked of the gateway while the run looked, by whom and why. Numbers are those of the charts.",
        );
        table(page, &["#", "At", "Share", "Asked for", "By", "Why"], &[0], |rows| {
            for (at, change) in report.changes.iter().enumerate() {
                let family = change.family.as_deref().map(|family| format!(" of {family}")).unwrap_or_default();
                let what =
                    if verdict::is_return(change) { "return".to_owned() } else { format!("{}{family}", change.what) };
                let share = if change.changes.is_empty() { String::new() } else { timeline::shares(change) };
                rows.push(vec![
                    (at + 1).to_string(),
                    utc(change.at),
                    share,
                    what,
                    change.who.clone(),
                    change.why.clone(),
                ]);
            }
        });
    });
}

pub(super) fn show(page: &mut Markup, report: &Report) {
    section(page, "decisions", "What the gates said", |page| {
        if report.decisions.is_empty() {
            note(page, "Nothing was decided: no share was moved by this run.");
            return;
        }
        note(
            page,
            "What was measured and what every gate said when a share was declared safe, when it was held for long, and when \
             traffic went back. These stand in the journal. Sums are of the last minute.",
        );
        for decision in &report.decisions {
            one(page, decision);
        }
    });
}

fn one(page: &mut Markup, decision: &Decision) {
    let Decision { at, step, what, share, reason, families } = decision;
    let class = match what.as_str() {
        "confirm" => "good",
        "return" => "bad",
        _ => "warn",
    };
    page.within("article", &[("class", &class)], |page| {
        page.within("h3", &[], |page| {
            page.element("span", &[("class", &format_args!("word {class}"))], what);
            page.text(format_args!("{share}, {step}"));
        });
        page.within("p", &[("class", &"note")], |page| {
            page.text(utc(*at));
            match reason {
                // A step may be planned to go on unless a gate fails.
                Some(reason) if what == "confirm" => {
                    page.text(format_args!(
                        ": no gate failed, and the plan asked for no more. Enough was not seen: {reason}"
                    ));
                }
                Some(reason) => page.text(format_args!(": {reason}")),
                None if what == "confirm" => page.text(": every gate passed."),
                None => {}
            }
        });
        for (name, measured) in families {
            family(page, name, measured);
        }
    });
}

fn family(page: &mut Markup, name: &str, measured: &Measured) {
    let title = format!(
        "{name}: {} for {} s, {} requests on the new side since",
        measured.share,
        number(measured.share_seconds),
        number(measured.share_requests)
    );
    super::more(page, title, |page| {
        table(
            page,
            &["Side", "Class", "Requests", "Failed", "Share failed", "p50", "p95", "p99"],
            &[2, 3, 4, 5, 6, 7],
            |rows| {
                rows.extend(measured.summaries.iter().map(summary));
            },
        );
        let Some(gates) = &measured.gates else { return };
        let armed = if gates.armed { "Armed: a failure goes back by itself." } else { "Not armed." };
        note(page, format_args!("{armed} {}", gates.because.as_deref().unwrap_or_default()));
        table(page, &["Gate", "Class", "Says", "Because"], &[], |rows| {
            for finding in &gates.findings {
                let (word, why) = match &finding.verdict {
                    Verdict::Pass => ("pass", String::new()),
                    Verdict::Idle(why) => ("idle", why.clone()),
                    Verdict::Hold(why) => ("hold", why.clone()),
                    Verdict::Fail(why) => ("fail", why.clone()),
                };
                let gate = finding.metric.map_or_else(|| "enough seen".to_owned(), |metric| metric.name().to_owned());
                let class = finding.class.map(|class| format!("{class:?}").to_lowercase()).unwrap_or_default();
                rows.push(vec![gate, class, word.to_owned(), why]);
            }
        });
    });
}

fn summary(sum: &Summary) -> Vec<String> {
    vec![
        if sum.side == gateway::forced::Side::Legacy { "old" } else { "new" }.to_owned(),
        format!("{:?}", sum.class).to_lowercase(),
        number(sum.requests),
        number(sum.errors),
        percent(sum.errors, sum.requests),
        millis(sum.p50_ms),
        millis(sum.p95_ms),
        millis(sum.p99_ms),
    ]
}
