//! The run as bars: a row for each step, a bar for each attempt.

use jiff::{SignedDuration, Timestamp};

use super::super::model::{Attempt, Outcome, Report};
use super::super::scale::Times;
use super::super::words;
use super::chart::place;
use super::markup::Markup;

struct Size {
    class: &'static str,
    width: f64,
    /// Where bars begin; labels stand before that, or above the bars if there is no room.
    left: f64,
    row: f64,
    ticks: u32,
}

const WIDE: Size = Size { class: "chart wide", width: 960.0, left: 130.0, row: 26.0, ticks: 8 };
const NARROW: Size = Size { class: "chart narrow", width: 380.0, left: 8.0, row: 40.0, ticks: 3 };
const RIGHT: f64 = 14.0;

/// The word and the class of an outcome.
pub(in super::super) fn outcome(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Done => ("done", "good"),
        Outcome::Already => ("done before", "good"),
        Outcome::Refused => ("refused", "warn"),
        Outcome::Failed => ("failed", "bad"),
        Outcome::Returned => ("returned", "bad"),
        Outcome::Stopped => ("stopped", "warn"),
        Outcome::Lost => ("cut off", "bad"),
        Outcome::Running => ("under way", "now"),
        Outcome::Undone => ("undone", "back"),
    }
}

fn end(attempt: &Attempt) -> Timestamp {
    let took = SignedDuration::try_from_secs_f64(attempt.seconds).unwrap_or_default();
    attempt.began_at.checked_add(took).unwrap_or(attempt.began_at)
}

pub(super) fn show(page: &mut Markup, report: &Report) {
    let attempts: Vec<&Attempt> = report.steps.iter().flat_map(|step| &step.attempts).collect();
    if attempts.is_empty() {
        return;
    }
    let times = Times::of(attempts.iter().map(|attempt| (attempt.began_at, end(attempt))));
    page.within("figure", &[], |page| {
        page.within("figcaption", &[], |page| {
            page.element("b", &[], "Steps and their attempts");
            for (class, words) in [
                ("good", "done"),
                ("warn", "refused or stopped"),
                ("bad", "failed, returned or cut off"),
                ("back", "undone"),
            ] {
                page.within("span", &[("class", &"key")], |page| {
                    page.within("svg", &[("viewBox", &"0 0 28 12"), ("aria-hidden", &"true")], |page| {
                        bar(page, (1.0, 26.0), (1.0, 10.0), class, "");
                    });
                    page.text(words);
                });
            }
        });
        for size in [&WIDE, &NARROW] {
            draw(page, report, &times, size);
        }
    });
}

fn draw(page: &mut Markup, report: &Report, times: &Times, size: &Size) {
    #[expect(clippy::cast_precision_loss, reason = "few steps")]
    let height = report.steps.len() as f64 * size.row + 26.0;
    let view = format!("0 0 {} {}", size.width, place(height));
    let words = "Each step of the run over time; the table below says the same in words.";
    let room = size.width - size.left - RIGHT;
    page.within(
        "svg",
        &[("class", &size.class), ("viewBox", &view), ("role", &"img"), ("aria-label", &words)],
        |page| {
            for (part, at) in times.ticks(size.ticks) {
                let x = size.left + part * room;
                page.element(
                    "path",
                    &[("class", &"grid"), ("d", &format!("M{} 0V{}", place(x), place(height - 22.0)))],
                    "",
                );
                let text = if times.has_days() { words::day_and_clock(at) } else { words::clock(at) };
                let anchor = if x + 40.0 > size.width {
                    "end"
                } else if x < 40.0 {
                    "start"
                } else {
                    "middle"
                };
                let at: [(&'static str, &dyn std::fmt::Display); 4] =
                    [("class", &"x"), ("x", &place(x)), ("y", &place(height - 7.0)), ("text-anchor", &anchor)];
                page.element("text", &at, text);
            }
            for (part, seconds) in times.cuts() {
                let x = size.left + part * room;
                page.within("g", &[("class", &"cut")], |page| {
                    page.element("title", &[], format_args!("{} without a step are cut out", words::seconds(seconds)));
                    let path = format!("M{0} 0V{1}M{2} 0V{1}", place(x - 2.5), place(height - 20.0), place(x + 2.5));
                    page.element("path", &[("d", &path)], "");
                });
            }
            let mut top = 0.0;
            for step in &report.steps {
                let is_beside = size.left > 100.0;
                let label = if is_beside { top + size.row / 2.0 + 4.0 } else { top + 13.0 };
                page.element("text", &[("class", &"label"), ("x", &"2"), ("y", &place(label))], &step.name);
                let (y, thick) = if is_beside { (top + 4.0, size.row - 8.0) } else { (top + 18.0, size.row - 24.0) };
                for attempt in &step.attempts {
                    let (from, to) = (times.at(attempt.began_at), times.at(end(attempt)));
                    let (word, class) = outcome(attempt.outcome);
                    let mut text = format!(
                        "{}, {word} after {}, begun {}",
                        step.name,
                        words::seconds(attempt.seconds),
                        words::utc(attempt.began_at)
                    );
                    if let Some(error) = &attempt.error {
                        text = format!("{text}\n{error}");
                    }
                    let long = ((to - from) * room).max(3.0);
                    bar(page, (size.left + from * room, long), (y, thick), class, &text);
                }
                top += size.row;
            }
        },
    );
}

/// Outcomes are told apart by more than their colour: what is not good has a pattern of lines over it.
fn bar(page: &mut Markup, (x, width): (f64, f64), (y, height): (f64, f64), class: &str, words: &str) {
    page.within("g", &[("class", &format_args!("bar {class}"))], |page| {
        if !words.is_empty() {
            page.element("title", &[], words);
        }
        let at: [(&'static str, &dyn std::fmt::Display); 5] =
            [("x", &place(x)), ("y", &place(y)), ("width", &place(width)), ("height", &place(height)), ("rx", &"2")];
        page.element("rect", &at, "");
        let path = match class {
            "bad" if width > 8.0 => {
                let (right, low) = (x + width - 2.0, y + height - 2.0);
                format!(
                    "M{} {}L{} {}M{} {}L{} {}",
                    place(x + 2.0),
                    place(y + 2.0),
                    place(right),
                    place(low),
                    place(x + 2.0),
                    place(low),
                    place(right),
                    place(y + 2.0)
                )
            }
            "warn" if width > 8.0 => {
                format!("M{} {}H{}", place(x + 2.0), place(y + height / 2.0), place(x + width - 2.0))
            }
            "back" if width > 8.0 => {
                let (middle, left) = (y + height / 2.0, x + 2.0);
                format!(
                    "M{} {}L{} {}L{} {}",
                    place(left + 5.0),
                    place(y + 2.0),
                    place(left),
                    place(middle),
                    place(left + 5.0),
                    place(y + height - 2.0)
                )
            }
            _ => return,
        };
        page.element("path", &[("d", &path)], "");
    });
}
