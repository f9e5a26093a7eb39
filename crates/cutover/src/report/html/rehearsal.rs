//! The rehearsal: what clients measured from outside, and what the naive recipe did under the same load.

use jiff::{SignedDuration, Timestamp};

use super::super::model::Report;
use super::super::rehearsal::{Naive, Rehearsal, Second};
use super::super::scale::{Times, Values};
use super::super::words::{clock, count, millis, number, percent, seconds, tick};
use super::chart::{Chart, Hover, Line};
use super::markup::Markup;
use super::traffic::marks;
use super::{note, prose, section, table};

/// Points of a chart.
const MOST: usize = 300;

pub(super) fn show(page: &mut Markup, report: &Report) {
    let Some(rehearsal) = &report.rehearsal else { return };
    section(page, "rehearsal", "Rehearsal", |page| {
        note(
            page,
            "Measured by the clients, from outside, and reconciled with the tables afterwards: every acknowledged write was looked for.",
        );
        sides(page, rehearsal);
        chart(page, report, rehearsal);
        if !rehearsal.phases.is_empty() {
            table(page, &["Phase", "From", "To", "Requests", "p50", "p99"], &[3, 4, 5], |rows| {
                for phase in &rehearsal.phases {
                    rows.push(vec![
                        phase.name.clone(),
                        moment(phase.from).map(clock).unwrap_or_default(),
                        moment(phase.to).map(clock).unwrap_or_default(),
                        number(phase.requests),
                        millis(phase.p50_ms),
                        millis(phase.p99_ms),
                    ]);
                }
            });
        }
    });
}

/// The take-over beside the naive recipe.
fn sides(page: &mut Markup, ours: &Rehearsal) {
    page.within("div", &[("class", &"sides")], |page| {
        let own = Naive {
            requests: ours.requests,
            failed: ours.failed,
            lost: ours.lost,
            doubled: ours.doubled,
            seconds: ours.seconds,
            notes: Vec::new(),
        };
        side(page, "This take-over", &own);
        if let Some(naive) = &ours.naive {
            side(page, "The naive recipe", naive);
        }
    });
}

fn side(page: &mut Markup, title: &str, one: &Naive) {
    page.within(
        "article",
        &[("class", &if one.failed + one.lost + one.doubled == 0 { "good" } else { "bad" })],
        |page| {
            page.element("h3", &[], title);
            page.within("ul", &[("class", &"tiles")], |page| {
                let mut show = |value: u64, what: String| {
                    page.within("li", &[("class", &if value == 0 { "good" } else { "bad" })], |page| {
                        page.element("b", &[], number(value));
                        page.element("span", &[], what);
                    });
                };
                show(one.lost, "acknowledged writes lost".to_owned());
                show(one.doubled, "writes done twice".to_owned());
                show(one.failed, format!("requests failed ({})", percent(one.failed, one.requests)));
            });
            note(page, format_args!("{} in {}.", count(one.requests, "request"), seconds(one.seconds)));
            if !one.notes.is_empty() {
                page.within("ul", &[], |page| {
                    one.notes.iter().for_each(|note| page.within("li", &[], |page| prose(page, note)));
                });
            }
        },
    );
}

fn moment(at: f64) -> Option<Timestamp> {
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::try_from_secs_f64(at).ok()?).ok()
}

fn chart(page: &mut Markup, report: &Report, rehearsal: &Rehearsal) {
    let per_point = rehearsal.per_second.len().div_ceil(MOST).max(1);
    let points: Vec<(Timestamp, Second)> = rehearsal
        .per_second
        .chunks(per_point)
        .filter_map(|chunk| Some((moment(chunk.first()?.at)?, sum(chunk))))
        .collect();
    let Some((first, last)) = points.first().zip(points.last()) else { return };
    let long = SignedDuration::from_secs(i64::try_from(per_point).unwrap_or(1));
    let end = |at: Timestamp| at.checked_add(long).unwrap_or(at);
    let times = Times::of(points.iter().map(|(at, _)| (*at, end(*at))));
    let (from, to) = (first.0, end(last.0));
    let marks: Vec<_> = marks(&report.changes).into_iter().filter(|mark| mark.at >= from && mark.at <= to).collect();
    let hovers: Vec<Hover> = points
        .iter()
        .map(|(at, second)| Hover {
            from: *at,
            to: end(*at),
            words: format!(
                "{}: {}, {} failed, p50 {}, p99 {}",
                clock(*at),
                count(second.requests, "request"),
                number(second.failed),
                millis(second.p50_ms),
                millis(second.p99_ms)
            ),
        })
        .collect();
    let line = |class, value: fn(&Second) -> Option<f64>| {
        let points = points.iter().map(|(at, second)| (*at, value(second))).collect();
        Line { class, points, steps: false }
    };
    let values = |lines: &[Line]| {
        lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, value)| *value)).collect::<Vec<_>>()
    };
    let mut draw = |title: &str, words: String, values: Values, unit, lines| {
        page.within("figure", &[], |page| {
            page.within("figcaption", &[], |page| page.element("b", &[], title));
            Chart { title, words, values, unit, times: &times, lines, marks: &marks, hovers: &hovers }.draw(page);
        });
    };
    let latency = vec![line("plain thin", |second| second.p50_ms), line("plain", |second| second.p99_ms)];
    let axis = Values::linear_or_log(&values(&latency), 1.0, 4);
    let title = if axis.is_log() {
        "Latency of clients, p50 and p99 (by powers of ten)"
    } else {
        "Latency of clients, p50 and p99"
    };
    draw(title, "As clients measured it.".to_owned(), axis, |value| format!("{} ms", tick(value)), latency);
    #[expect(clippy::cast_precision_loss, reason = "a chart")]
    let failed = vec![line("failed", |second| Some(second.failed as f64))];
    let axis = Values::linear(values(&failed).into_iter(), 1.0, 2);
    let words = format!("{} of {} failed.", rehearsal.failed, rehearsal.requests);
    draw("Requests of clients that failed", words, axis, tick, failed);
}

/// Several seconds as one. Percentiles cannot be added: the worst counts.
fn sum(seconds: &[Second]) -> Second {
    let worst = |value: fn(&Second) -> Option<f64>| seconds.iter().filter_map(value).reduce(f64::max);
    Second {
        at: seconds.first().map(|second| second.at).unwrap_or_default(),
        requests: seconds.iter().map(|second| second.requests).sum(),
        failed: seconds.iter().map(|second| second.failed).sum(),
        p50_ms: worst(|second| second.p50_ms),
        p99_ms: worst(|second| second.p99_ms),
    }
}
