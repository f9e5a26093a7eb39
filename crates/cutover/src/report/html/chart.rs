//! Line charts over time, as SVG: axes with units, marks, holes where nothing is known, words for whoever hovers or
//! does not see.
//!
//! Each chart is drawn twice, for desks and for phones, and the style sheet shows one of them: letters that shrink with
//! the screen could not be read.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::super::scale::{Times, Values};
use super::super::words;
use super::markup::Markup;

/// A line.
pub(super) struct Line {
    /// How the style sheet draws it.
    pub(super) class: &'static str,
    /// Its points; `None` where nothing is known, so that the line ends there.
    pub(super) points: Vec<(Timestamp, Option<f64>)>,
    /// Whether a value holds until the next one.
    pub(super) steps: bool,
}

/// A moment that everybody should see.
pub(super) struct Mark {
    pub(super) at: Timestamp,
    /// Its number in the table of changes.
    pub(super) number: usize,
    /// Whether traffic went back by itself.
    pub(super) back: bool,
    /// For whoever hovers.
    pub(super) words: String,
}

/// A stretch of time and what was so in it, for whoever hovers.
pub(super) struct Hover {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) words: String,
}

pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    /// What it shows, in a sentence with its numbers.
    pub(super) words: String,
    pub(super) values: Values,
    /// How a value is written.
    pub(super) unit: fn(f64) -> String,
    pub(super) times: &'a Times,
    pub(super) lines: Vec<Line>,
    pub(super) marks: &'a [Mark],
    pub(super) hovers: &'a [Hover],
}

/// How large, in units of letters that are 12 high.
struct Size {
    class: &'static str,
    width: f64,
    height: f64,
    ticks: u32,
    left: f64,
}

const WIDE: Size = Size { class: "chart wide", width: 960.0, height: 190.0, ticks: 9, left: 58.0 };
const NARROW: Size = Size { class: "chart narrow", width: 380.0, height: 170.0, ticks: 4, left: 52.0 };
const TOP: f64 = 20.0;
const BOTTOM: f64 = 22.0;
const RIGHT: f64 = 14.0;

/// One decimal: enough for a screen, and short.
pub(super) fn place(value: f64) -> String {
    format!("{value:.1}")
}

impl Chart<'_> {
    pub(super) fn draw(&self, page: &mut Markup) {
        for size in [&WIDE, &NARROW] {
            self.draw_at(page, size);
        }
    }

    fn draw_at(&self, page: &mut Markup, size: &Size) {
        let view = format!("0 0 {} {}", size.width, size.height);
        let label = format!("{}. {}", self.title, self.words);
        page.within(
            "svg",
            &[("class", &size.class), ("viewBox", &view), ("role", &"img"), ("aria-label", &label)],
            |page| {
                self.axes(page, size);
                self.marks(page, size);
                for line in &self.lines {
                    for path in self.paths(line, size) {
                        page.element("path", &[("class", &line.class), ("d", &path)], "");
                    }
                }
                if size.class == WIDE.class {
                    self.hovers(page, size);
                }
            },
        );
    }

    fn x(&self, at: Timestamp, size: &Size) -> f64 {
        size.left + self.times.at(at) * (size.width - size.left - RIGHT)
    }

    fn y(&self, value: f64, size: &Size) -> f64 {
        let height = size.height - TOP - BOTTOM;
        TOP + (1.0 - self.values.at(value)) * height
    }

    fn axes(&self, page: &mut Markup, size: &Size) {
        let (floor, right) = (size.height - BOTTOM, size.width - RIGHT);
        for tick in &self.values.ticks {
            let y = self.y(*tick, size);
            page.element(
                "path",
                &[("class", &"grid"), ("d", &format!("M{} {}H{}", place(size.left), place(y), place(right)))],
                "",
            );
            let at: [(&'static str, &dyn std::fmt::Display); 4] =
                [("class", &"y"), ("x", &place(size.left - 7.0)), ("y", &place(y + 4.0)), ("text-anchor", &"end")];
            page.element("text", &at, (self.unit)(*tick));
        }
        let mut free = f64::MIN;
        for (part, at) in self.times.ticks(size.ticks) {
            let x = size.left + part * (right - size.left);
            let text = if self.times.has_days() { words::day_and_clock(at) } else { words::clock(at) };
            #[expect(clippy::cast_precision_loss, reason = "a few letters")]
            let half = text.len() as f64 * 3.4;
            // At a cut, or at the ends, there may be no room.
            if x - half < free || x + half > size.width || x - half < 0.0 {
                continue;
            }
            free = x + half + 8.0;
            page.element("path", &[("class", &"grid"), ("d", &format!("M{} {}v5", place(x), place(floor)))], "");
            let at: [(&'static str, &dyn std::fmt::Display); 4] =
                [("class", &"x"), ("x", &place(x)), ("y", &place(floor + 17.0)), ("text-anchor", &"middle")];
            page.element("text", &at, text);
        }
        for (part, seconds) in self.times.cuts() {
            let x = size.left + part * (right - size.left);
            page.within("g", &[("class", &"cut")], |page| {
                page.element(
                    "title",
                    &[],
                    format_args!("{} without traffic being moved are cut out", words::seconds(seconds)),
                );
                let path =
                    format!("M{0} {1}V{2}M{3} {1}V{2}", place(x - 2.5), place(TOP), place(floor + 5.0), place(x + 2.5));
                page.element("path", &[("d", &path)], "");
            });
        }
    }

    fn marks(&self, page: &mut Markup, size: &Size) {
        let floor = size.height - BOTTOM;
        let mut free = f64::MIN;
        for mark in self.marks {
            let x = self.x(mark.at, size);
            page.within("g", &[("class", &if mark.back { "mark back" } else { "mark" })], |page| {
                page.element("title", &[], &mark.words);
                page.element("path", &[("d", &format!("M{} {}V{}", place(x), place(TOP), place(floor)))], "");
                if x - 8.0 < free {
                    return;
                }
                free = x + 8.0;
                if mark.back {
                    let path = format!("M{} {}h14l-7 9z", place(x - 7.0), place(TOP - 9.0));
                    page.element("path", &[("class", &"sign"), ("d", &path)], "");
                }
                let y = if mark.back { TOP - 10.5 } else { TOP - 6.0 };
                let at: [(&'static str, &dyn std::fmt::Display); 3] =
                    [("x", &place(x)), ("y", &place(y)), ("text-anchor", &"middle")];
                page.element("text", &at, mark.number);
            });
        }
    }

    /// The parts of a line between holes.
    fn paths(&self, line: &Line, size: &Size) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        let mut before: Option<(f64, f64)> = None;
        for (at, value) in &line.points {
            let Some(value) = value else {
                before = None;
                continue;
            };
            let (x, y) = (self.x(*at, size), self.y(*value, size));
            match (before, all.last_mut()) {
                (Some((_, last)), Some(path)) => {
                    if line.steps && (last - y).abs() > 0.01 {
                        let _ = write!(path, "H{}V{}", place(x), place(y));
                    } else if line.steps {
                        let _ = write!(path, "H{}", place(x));
                    } else {
                        let _ = write!(path, "L{} {}", place(x), place(y));
                    }
                }
                // A point alone is a dot: round ends make one of a line without length.
                _ => all.push(format!("M{} {}h0", place(x), place(y))),
            }
            before = Some((x, y));
        }
        all
    }

    fn hovers(&self, page: &mut Markup, size: &Size) {
        page.within("g", &[("class", &"hovers")], |page| {
            for hover in self.hovers {
                let (from, to) = (self.x(hover.from, size), self.x(hover.to, size));
                let at: [(&'static str, &dyn std::fmt::Display); 4] = [
                    ("x", &place(from)),
                    ("y", &place(TOP)),
                    ("width", &place((to - from).max(1.0))),
                    ("height", &place(size.height - TOP - BOTTOM)),
                ];
                page.within("rect", &at, |page| page.element("title", &[], &hover.words));
            }
        });
    }
}
