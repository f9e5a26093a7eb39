//! The run as bars and as a list.

use super::super::model::{Event, Report, Step};
use super::super::{gather, words};
use super::markup::Markup;
use super::{gantt, long, more, prose, section, table};

pub(super) fn show(page: &mut Markup, report: &Report) {
    section(page, "timeline", "Timeline", |page| {
        gantt::show(page, report);
        page.within("ol", &[("class", &"events")], |page| {
            let mut day = None;
            for event in &report.timeline {
                let today = words::day(event.at);
                one(page, event, day.as_ref() != Some(&today));
                day = Some(today);
            }
        });
        more(page, "Steps and what each came to", |page| steps(page, &report.steps));
        for step in report.steps.iter().filter(|step| step.attempts.iter().any(|attempt| !attempt.calls.is_empty())) {
            calls(page, step);
        }
    });
}

fn one(page: &mut Markup, event: &Event, is_new_day: bool) {
    let (word, class) = match (event.outcome, event.kind.as_str()) {
        (Some(outcome), _) => gantt::outcome(outcome),
        (None, "return") => ("returned", "bad"),
        (None, "hold") => ("held", "warn"),
        (None, "pause") => ("paused", "warn"),
        (None, "share") => ("share", "now"),
        (None, "journal") => ("journal", "warn"),
        _ => ("", "quiet"),
    };
    page.within("li", &[("class", &class)], |page| {
        let shown = if is_new_day { words::utc(event.at) } else { words::clock(event.at) };
        page.element("time", &[("datetime", &event.at)], shown);
        page.within("div", &[], |page| {
            page.element("b", &[], &event.title);
            if !word.is_empty() {
                page.element("span", &[("class", &format_args!("word {class}"))], word);
            }
            if let Some(seconds) = event.seconds {
                page.element("span", &[("class", &"took")], words::seconds(seconds));
            }
            if let Some(detail) = &event.detail {
                page.within("p", &[], |page| prose(page, detail));
            }
        });
    });
}

fn steps(page: &mut Markup, steps: &[Step]) {
    table(page, &["Step", "State", "Attempts", "Took", "What it does", "What it came to"], &[2, 3], |rows| {
        for step in steps {
            let took: f64 = step.attempts.iter().map(|attempt| attempt.seconds).sum();
            rows.push(vec![
                step.name.clone(),
                step.state.clone(),
                step.attempts.len().to_string(),
                words::seconds(took),
                step.about.clone(),
                gather::facts(&step.facts),
            ]);
        }
    });
}

/// Every statement and call, as the journal announced it.
fn calls(page: &mut Markup, step: &Step) {
    let number: usize = step.attempts.iter().map(|attempt| attempt.calls.len()).sum();
    long(page, format_args!("{}: {}", step.name, words::count(number as u64, "call")), |page| {
        table(page, &["At", "Until the next", "Call"], &[1], |rows| {
            for call in step.attempts.iter().flat_map(|attempt| &attempt.calls) {
                rows.push(vec![words::utc(call.at), words::seconds(call.seconds), words::short(&call.what)]);
            }
        });
    });
}
