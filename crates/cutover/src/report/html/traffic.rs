//! The charts of traffic and the numbers below them.

use std::collections::BTreeMap;

use gateway::control::history::Entry as Change;
use gateway::split::Share;
use jiff::{SignedDuration, Timestamp};

use super::super::model::{Curve, Report, Traffic};
use super::super::scale::{Times, Values};
use super::super::verdict::is_return;
use super::super::{timeline, words};
use super::chart::{Chart, Hover, Line, Mark};
use super::markup::Markup;
use super::section;
use crate::shift::series::{ALL, Second, Side, thin};

/// Rows of the table of numbers.
const ROWS: usize = 60;

pub(super) fn show(page: &mut Markup, report: &Report) {
    section(page, "traffic", "Traffic", |page| {
        let Some(traffic) = &report.traffic else {
            page.element(
                "p",
                &[("class", &"note")],
                "No traffic was recorded: none was moved, or a proxy moved it that counts nothing.",
            );
            return;
        };
        let marks = marks(&report.changes);
        if let Some((name, curve)) = traffic.whole() {
            let title = if name == ALL { "All families together" } else { name };
            family(page, name, title, curve, &report.changes, &marks);
        }
        singles(page, traffic, &report.changes, &marks);
    });
}

fn singles(page: &mut Markup, traffic: &Traffic, changes: &[Change], marks: &[Mark]) {
    if !traffic.families.contains_key(ALL) {
        return;
    }
    for (name, curve) in traffic.families.iter().filter(|(name, _)| *name != ALL) {
        page.within("details", &[], |page| {
            page.within("summary", &[], |page| {
                page.element("b", &[], name);
                let (requests, errors) = (curve.old.requests + curve.new.requests, curve.old.errors + curve.new.errors);
                page.text(format_args!(" {}, {} failed", words::count(requests, "request"), words::number(errors)));
            });
            family(page, name, name, curve, changes, marks);
        });
    }
}

/// Numbered as in the table of changes.
pub(super) fn marks(changes: &[Change]) -> Vec<Mark> {
    let numbered = changes.iter().enumerate().filter(|(_, change)| !change.changes.is_empty());
    let mark = |(at, change): (usize, &Change)| Mark {
        at: change.at,
        number: at + 1,
        back: is_return(change),
        words: format!("{} {}, {}: {}", words::utc(change.at), timeline::shares(change), change.who, change.why),
    };
    numbered.map(mark).collect()
}

fn family(page: &mut Markup, name: &str, title: &str, curve: &Curve, changes: &[Change], marks: &[Mark]) {
    let Some((first, last)) = curve.points.first().zip(curve.points.last()) else { return };
    let (began, ended) = (begin(first), last.at);
    let stretches = curve.points.iter().map(|point| (begin(point), point.at));
    let times = Times::of(stretches.chain(marks.iter().map(|mark| (mark.at, mark.at))));
    let hovers: Vec<Hover> = curve.points.iter().map(hover).collect();
    page.within("div", &[("class", &"charts")], |page| {
        page.within("p", &[("class", &"caption")], |page| {
            page.element("b", &[], title);
            page.text(format_args!(
                " {} to {}. Dashed and blue: old services. Solid and orange: new service. ",
                words::utc(began),
                words::clock(ended)
            ));
            if curve.recorded > curve.points.len() {
                page.text(format_args!(
                    "{} seconds in {} points; of each the p99 of its worst second. ",
                    curve.recorded,
                    curve.points.len()
                ));
            }
            page.text("Numbered lines are changes of the share, a triangle is traffic that went back by itself.");
        });
        let mut draw = |title: &str, legend: Legend, words: String, values: Values, unit, lines| {
            page.within("figure", &[], |page| {
                caption(page, title, legend);
                Chart { title, words, values, unit, times: &times, lines, marks, hovers: &hovers }.draw(page);
            });
        };
        let share = share_line(name, curve, changes);
        let most = share.points.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max);
        draw(
            "Share of the new side",
            &[("share", "people on the new side")],
            format!(
                "From 0 to {most} % at most; at the end {} %.",
                share.points.last().and_then(|(_, value)| *value).unwrap_or_default()
            ),
            Values::percent(),
            |value| format!("{} %", words::tick(value)),
            vec![share],
        );
        let errors =
            [line("old", curve, |point| error_share(&point.old)), line("new", curve, |point| error_share(&point.new))];
        let values = Values::linear(all(&errors), 1.0, 4);
        draw(
            "Requests that failed",
            BOTH,
            format!(
                "Old side {} of {}, new side {} of {}.",
                curve.old.errors, curve.old.requests, curve.new.errors, curve.new.requests
            ),
            values,
            |value| format!("{} %", words::tick(value)),
            errors.into(),
        );
        let latency = [
            line("old thin", curve, |point| point.old.p50_ms),
            line("old", curve, |point| point.old.p99_ms),
            line("new thin", curve, |point| point.new.p50_ms),
            line("new", curve, |point| point.new.p99_ms),
        ];
        let values = Values::linear_or_log(&all(&latency).collect::<Vec<_>>(), 1.0, 4);
        let title = if values.is_log() { "Latency, p50 and p99 (by powers of ten)" } else { "Latency, p50 and p99" };
        let sides = "Milliseconds to the head of the answer, as the gateway measures them.".to_owned();
        draw(title, FOUR, sides, values, |value| format!("{} ms", words::tick(value)), latency.into());
        let rates =
            [line("old", curve, |point| rate(&point.old, point)), line("new", curve, |point| rate(&point.new, point))];
        let values = Values::linear(all(&rates), 1.0, 4);
        let sum = curve.old.requests + curve.new.requests;
        draw(
            "Requests per second",
            BOTH,
            format!("{sum} in all."),
            values,
            |value| format!("{}/s", words::tick(value)),
            rates.into(),
        );
        numbers(page, curve);
    });
}

type Legend = &'static [(&'static str, &'static str)];
const BOTH: Legend = &[("old", "old"), ("new", "new")];
const FOUR: Legend = &[("old thin", "old p50"), ("old", "old p99"), ("new thin", "new p50"), ("new", "new p99")];

fn caption(page: &mut Markup, title: &str, legend: Legend) {
    page.within("figcaption", &[], |page| {
        page.element("b", &[], title);
        for (class, words) in legend {
            page.within("span", &[("class", &"key")], |page| {
                page.within("svg", &[("viewBox", &"0 0 28 8"), ("aria-hidden", &"true")], |page| {
                    page.element("path", &[("class", class), ("d", &"M1 4H27")], "");
                });
                page.text(words);
            });
        }
    });
}

fn begin(point: &Second) -> Timestamp {
    let millis = i64::try_from(point.millis).unwrap_or_default();
    point.at.checked_sub(SignedDuration::from_millis(millis)).unwrap_or(point.at)
}

/// A line through the middles of all points; it ends where nothing was recorded.
fn line(class: &'static str, curve: &Curve, value: impl Fn(&Second) -> Option<f64>) -> Line {
    let mut points: Vec<(Timestamp, Option<f64>)> = Vec::new();
    let mut before: Option<Timestamp> = None;
    for point in &curve.points {
        if is_hole(before, point) {
            points.push((begin(point), None));
        }
        let half = i64::try_from(point.millis / 2).unwrap_or_default();
        let middle = point.at.checked_sub(SignedDuration::from_millis(half)).unwrap_or(point.at);
        points.push((middle, value(point)));
        before = Some(point.at);
    }
    Line { class, points, steps: false }
}

fn is_hole(before: Option<Timestamp>, point: &Second) -> bool {
    before.is_some_and(|before| begin(point).duration_since(before) > SignedDuration::from_secs(5))
}

/// The share over time: at the very moment where the gateway tells of changes, by the second where it does not.
fn share_line(name: &str, curve: &Curve, changes: &[Change]) -> Line {
    let points = told(name, curve, changes).unwrap_or_else(|| seen(curve));
    let points =
        points.into_iter().map(|(at, share)| (at, share.map(|share| f64::from(share.millionths()) / 10_000.0)));
    Line { class: "share", points: points.collect(), steps: true }
}

type Shares = Vec<(Timestamp, Option<Share>)>;

fn seen(curve: &Curve) -> Shares {
    let mut points = Vec::new();
    for stretch in stretches(curve) {
        points.push((begin(&stretch[0]), Some(stretch[0].share)));
        points.extend(stretch.iter().map(|point| (point.at, Some(point.share))));
        points.push((stretch[stretch.len() - 1].at, None));
    }
    points
}

/// Nothing if what was seen contradicts it: a gateway that was started again has forgotten what was before.
fn told(name: &str, curve: &Curve, changes: &[Change]) -> Option<Shares> {
    let mut of_family = BTreeMap::<&str, Share>::new();
    let mut all: Vec<(Timestamp, Share)> = Vec::new();
    for change in changes {
        let here: Vec<_> = change.changes.iter().filter(|one| name == ALL || one.family == name).collect();
        for one in &here {
            if all.is_empty() {
                // What was before the first of all.
                all.push((Timestamp::UNIX_EPOCH, one.from));
            }
            of_family.insert(&one.family, one.to);
        }
        if !here.is_empty() {
            all.push((change.at, of_family.values().copied().max()?));
        }
    }
    let at = |moment: Timestamp| all.iter().rev().find(|(at, _)| *at <= moment).map(|(_, share)| *share);
    let mut points = Vec::new();
    for stretch in stretches(curve) {
        let (from, last) = (begin(&stretch[0]), &stretch[stretch.len() - 1]);
        // A change of the last second may not have been seen yet.
        if at(last.at)? != last.share && at(begin(last))? != last.share {
            return None;
        }
        points.push((from, Some(at(from)?)));
        let within = all.iter().filter(|(at, _)| *at > from && *at <= last.at);
        points.extend(within.map(|(at, share)| (*at, Some(*share))));
        points.push((last.at, Some(at(last.at)?)));
        points.push((last.at, None));
    }
    points.pop();
    let end = curve.points.last()?.at;
    points.extend(all.iter().filter(|(at, _)| *at > end).map(|(at, share)| (*at, Some(*share))));
    Some(points)
}

/// The points between holes.
fn stretches(curve: &Curve) -> impl Iterator<Item = &[Second]> {
    curve.points.chunk_by(|before, point| !is_hole(Some(before.at), point))
}

fn all(lines: &[Line]) -> impl Iterator<Item = f64> {
    lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, value)| *value))
}

#[expect(clippy::cast_precision_loss, reason = "a chart")]
fn error_share(side: &Side) -> Option<f64> {
    (side.requests > 0).then(|| side.errors as f64 * 100.0 / side.requests as f64)
}

#[expect(clippy::cast_precision_loss, reason = "a chart")]
fn rate(side: &Side, point: &Second) -> Option<f64> {
    (point.millis > 0).then(|| side.requests as f64 * 1000.0 / point.millis as f64)
}

fn hover(point: &Second) -> Hover {
    let side = |side: &Side| {
        let (p50, p99) = (words::millis(side.p50_ms), words::millis(side.p99_ms));
        format!(
            "{}, {} failed, p50 {p50}, p99 {p99}",
            words::count(side.requests, "request"),
            words::number(side.errors)
        )
    };
    let words = format!(
        "{}, {} on the new side\nold: {}\nnew: {}",
        words::utc(point.at),
        point.share,
        side(&point.old),
        side(&point.new)
    );
    Hover { from: begin(point), to: point.at, words }
}

/// The same for whoever does not see the charts.
fn numbers(page: &mut Markup, curve: &Curve) {
    page.within("details", &[("class", &"numbers")], |page| {
        page.element("summary", &[], "The same in numbers");
        let heads = ["Until", "Share", "Old", "Failed", "p50", "p99", "New", "Failed", "p50", "p99"];
        super::table(page, &heads, &[2, 3, 4, 5, 6, 7, 8, 9], |rows| {
            for point in thin(&curve.points, ROWS) {
                let side = |side: &Side| {
                    [
                        words::number(side.requests),
                        words::number(side.errors),
                        words::millis(side.p50_ms),
                        words::millis(side.p99_ms),
                    ]
                };
                let first = [words::utc(point.at), point.share.to_string()];
                rows.push([&first[..], &side(&point.old), &side(&point.new)].concat());
            }
        });
    });
}
