//! The report as one page: no network, no script, no style but its own, which its policy names by its sum.

mod backup;
mod chart;
mod decisions;
mod facts;
mod gantt;
mod head;
mod markup;
mod rehearsal;
mod signature;
mod timeline;
mod traffic;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

pub(super) use self::backup::COUNTS;
pub(super) use self::gantt::outcome;
pub(super) use self::head::word as state;
use self::markup::Markup;
use super::Report;

const STYLE: &str = include_str!("style.css");

/// What is being done while somebody looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Now {
    /// In words; nothing if nobody holds the run.
    pub doing: Option<String>,
    /// How much of it, and of how much, if that is known.
    pub part: Option<(u64, u64)>,
    /// The command to go on with.
    pub next: Option<String>,
}

impl Now {
    fn show(&self, page: &mut Markup) {
        section(page, "now", "Now", |page| {
            page.within("p", &[("role", &"status")], |page| {
                prose(page, self.doing.as_deref().unwrap_or("No tool holds the run."));
            });
            if let Some((done, total)) = self.part {
                page.element("progress", &[("value", &done), ("max", &total)], format_args!("{done} of {total}"));
            }
            if let Some(next) = &self.next {
                page.element("h3", &[], "Next");
                page.within("p", &[("class", &"commands")], |page| page.element("code", &[], next));
            }
        });
    }
}

/// The page.
pub fn html(report: &Report) -> String {
    with(report, None)
}

/// The page of a run that goes on, for whoever looks at it meanwhile.
pub fn live(report: &Report, now: &Now) -> String {
    with(report, Some(now))
}

fn with(report: &Report, now: Option<&Now>) -> String {
    let mut page = Markup::default();
    page.verbatim("<!DOCTYPE html>\n");
    page.within("html", &[("lang", &"en")], |page| {
        page.within("head", &[], |page| {
            page.open("meta", &[("charset", &"utf-8")]);
            let sum = STANDARD.encode(Sha256::digest(STYLE));
            let policy = format!("default-src 'none'; style-src 'sha256-{sum}'; base-uri 'none'; form-action 'none'");
            page.open("meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &policy)]);
            page.open("meta", &[("name", &"viewport"), ("content", &"width=device-width, initial-scale=1")]);
            page.open("meta", &[("name", &"color-scheme"), ("content", &"light dark")]);
            page.open("meta", &[("name", &"robots"), ("content", &"noindex")]);
            page.element(
                "title",
                &[],
                format_args!("Take-over of {}: {}", report.run.database, head::word(report.verdict.state).0),
            );
            page.open("style", &[]);
            page.verbatim(STYLE);
            page.close("style");
        });
        page.within("body", &[], |page| {
            head::show(page, report);
            page.within("main", &[], |page| {
                if let Some(now) = now {
                    now.show(page);
                }
                timeline::show(page, report);
                traffic::show(page, report);
                rehearsal::show(page, report);
                decisions::changes(page, report);
                decisions::show(page, report);
                facts::preflight(page, report);
                facts::discovery(page, report);
                backup::show(page, report);
                facts::expansion(page, report);
                backup::verification(page, report);
                facts::rollbacks(page, report);
                facts::shadow(page, report);
                signature::show(page, report);
            });
            page.within("footer", &[], |page| {
                let at = super::words::utc(report.generated_at);
                page.element(
                    "p",
                    &[],
                    format_args!("Made {at} by pyairtable-platform {}. All times are UTC.", report.program),
                );
            });
        });
    });
    page.finish()
}

fn section(page: &mut Markup, id: &'static str, title: &str, inner: impl FnOnce(&mut Markup)) {
    page.within("section", &[("id", &id)], |page| {
        page.element("h2", &[], title);
        inner(page);
    });
}

/// A table. Columns of these numbers are aligned to the right; on narrow screens it scrolls by itself.
fn table(page: &mut Markup, heads: &[&str], right: &[usize], rows: impl FnOnce(&mut Vec<Vec<String>>)) {
    let mut all = Vec::new();
    rows(&mut all);
    let class = |at: usize| if right.contains(&at) { "number" } else { "words" };
    // Whoever has no mouse must be able to scroll it.
    page.within(
        "div",
        &[("class", &"table"), ("tabindex", &"0"), ("role", &"group"), ("aria-label", &heads.join(", "))],
        |page| {
            page.within("table", &[], |page| {
                page.within("thead", &[], |page| {
                    page.within("tr", &[], |page| {
                        for (at, head) in heads.iter().enumerate() {
                            page.element("th", &[("scope", &"col"), ("class", &class(at))], head);
                        }
                    });
                });
                page.within("tbody", &[], |page| {
                    for row in all {
                        page.within("tr", &[], |page| {
                            for (at, cell) in row.iter().enumerate() {
                                page.open("td", &[("class", &class(at))]);
                                value(page, cell);
                                page.close("td");
                            }
                        });
                    }
                });
            });
        },
    );
}

/// A cell. What is a word of a verdict is shown as one; sums are shown as code, so that they break and can be copied.
fn value(page: &mut Markup, text: &str) {
    let class = match text {
        "done" | "done before" | "pass" | "ok" | "equal" | "confirm" => "good",
        "failed" | "fail" | "stop" | "cut off" | "differs" | "return" => "bad",
        "warn" | "hold" | "refused" | "stopped" => "warn",
        "undone" => "back",
        "under way" => "now",
        _ => "",
    };
    if !class.is_empty() {
        page.element("span", &[("class", &format_args!("word {class}"))], text);
    } else if text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        page.element("code", &[], text);
    } else if text.ends_with(" UTC") && text.len() == 23 {
        page.element("time", &[], text);
    } else {
        prose(page, text);
    }
}

/// Names and values, one under the other.
fn list(page: &mut Markup, pairs: &[(&str, String)]) {
    page.within("dl", &[], |page| {
        for (name, text) in pairs.iter().filter(|(_, text)| !text.is_empty()) {
            page.element("dt", &[], name);
            page.open("dd", &[]);
            value(page, text);
            page.close("dd");
        }
    });
}

fn note(page: &mut Markup, text: impl std::fmt::Display) {
    page.within("p", &[("class", &"note")], |page| prose(page, &text.to_string()));
}

/// Text in which commands stand between backticks, as errors have them.
fn prose(page: &mut Markup, text: &str) {
    if !text.matches('`').count().is_multiple_of(2) {
        return page.text(text);
    }
    for (at, part) in text.split('`').enumerate() {
        if at % 2 == 1 {
            page.open("code", &[]);
            page.text(part);
            page.verbatim("</code>");
        } else {
            page.text(part);
        }
    }
}

/// What is too long for paper.
fn long(page: &mut Markup, title: impl std::fmt::Display, inner: impl FnOnce(&mut Markup)) {
    page.within("details", &[("class", &"long")], |page| {
        page.element("summary", &[], title);
        inner(page);
    });
}

fn more(page: &mut Markup, title: impl std::fmt::Display, inner: impl FnOnce(&mut Markup)) {
    page.within("details", &[], |page| {
        page.element("summary", &[], title);
        inner(page);
    });
}
