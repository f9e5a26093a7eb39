//! What everybody reads, and most nothing else: what came of it, in a word, a sentence and six numbers.

use super::super::model::{Report, State};
use super::super::words::{number, percent, seconds, utc};
use super::markup::Markup;
use super::prose;

/// The word and the class of a state.
pub(in super::super) fn word(state: State) -> (&'static str, &'static str) {
    match state {
        State::Planned => ("planned", "now"),
        State::Running => ("under way", "now"),
        State::Prepared => ("prepared", "good"),
        State::TakenOver => ("taken over", "good"),
        State::Paused => ("stopped", "warn"),
        State::Returned => ("returned", "bad"),
        State::RolledBack => ("rolled back", "back"),
        State::Refused => ("refused", "warn"),
        State::Differs => ("differs", "bad"),
        State::Failed => ("failed", "bad"),
        State::Lost => ("cut off", "bad"),
    }
}

const REHEARSAL: &str = "#rehearsal";

const CONTENTS: &[(&str, &str)] = &[
    ("#timeline", "Timeline"),
    ("#traffic", "Traffic"),
    (REHEARSAL, "Rehearsal"),
    ("#changes", "Changes"),
    ("#decisions", "Gates"),
    ("#preflight", "Preflight"),
    ("#discovery", "Discovery"),
    ("#backup", "Backup"),
    ("#expansion", "Expansion"),
    ("#verification", "Verification"),
    ("#shadow", "Shadow"),
    ("#signature", "Signature"),
];

pub(super) fn show(page: &mut Markup, report: &Report) {
    let (word, class) = word(report.verdict.state);
    page.within("header", &[], |page| {
        page.within("div", &[("class", &"title")], |page| {
            page.element("h1", &[], format_args!("Take-over of {}", report.run.database));
            page.element("p", &[], format_args!("Run {}, planned {}", report.run.id, utc(report.run.planned_at)));
        });
        page.within("div", &[("class", &format_args!("verdict {class}"))], |page| {
            page.element("p", &[("class", &"state")], word);
            // The word stands above already.
            let sentence = report.verdict.sentence.strip_prefix("Taken over: ").unwrap_or(&report.verdict.sentence);
            page.within("p", &[("class", &"sentence")], |page| prose(page, sentence));
        });
        page.within("ul", &[("class", &"tiles")], |page| tiles(page, report));
        page.within("nav", &[("aria-label", &"Contents")], |page| {
            let is_there = |to: &str| to != REHEARSAL || report.rehearsal.is_some();
            for (to, title) in CONTENTS.iter().filter(|(to, _)| is_there(to)) {
                page.element("a", &[("href", to)], title);
            }
        });
    });
}

fn tiles(page: &mut Markup, report: &Report) {
    let verdict = &report.verdict;
    let unknown = || "–".to_owned();
    let mut tile = |value: String, what: &str, class: &str| {
        page.within("li", &[("class", &class)], |page| {
            page.element("b", &[], value);
            page.element("span", &[], what);
        });
    };
    tile(verdict.share.clone().unwrap_or_else(unknown), "of the people on the new side", "");
    let differ = verdict.rows_differ.map_or_else(unknown, number);
    tile(differ, "rows differ in the restored backup", if verdict.rows_differ == Some(0) { "good" } else { "" });
    tile(
        if verdict.requests > 0 { number(verdict.requests) } else { unknown() },
        "requests counted while traffic was moved",
        "",
    );
    let failed = if verdict.requests > 0 { number(verdict.errors) } else { unknown() };
    let what = if verdict.requests > 0 {
        format!("of them failed, {}", percent(verdict.errors, verdict.requests).replace(' ', "\u{a0}"))
    } else {
        "of them failed".to_owned()
    };
    tile(failed, &what, if verdict.errors > 0 { "bad" } else { "" });
    tile(
        number(verdict.returns as u64),
        if verdict.returns == 1 { "automatic return" } else { "automatic returns" },
        if verdict.returns > 0 { "bad" } else { "" },
    );
    tile(seconds(verdict.seconds), "of work, breaks left out", "");
}
