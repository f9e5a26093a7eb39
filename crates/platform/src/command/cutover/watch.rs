//! What whoever waits for a run sees: a bar on a terminal, lines of text elsewhere.

use std::cell::{Cell, RefCell};
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use cutover::run::{Progress, Watch};
use indicatif::{ProgressBar, ProgressStyle};

use crate::command;

/// Whichever fits where standard error goes.
pub(super) fn watch() -> Box<dyn Watch> {
    if command::on_a_terminal() { Box::new(Bar::default()) } else { Box::new(Lines::default()) }
}

/// `rows of pyairtable measured: 1000 of 4000, about 12 s left`
pub(super) fn words(progress: &Progress) -> String {
    let Progress { what, done, total, seconds_left, waits, .. } = progress;
    if let Some(why) = waits {
        return format!("waiting: {why}");
    }
    let of = if *total > 0 { format!(" of {total}") } else { String::new() };
    let left = seconds_left.map(|seconds| format!(", about {seconds} s left")).unwrap_or_default();
    format!("{what}: {done}{of}{left}")
}

/// A line each time something begins, ends or changes its reason to wait, and one every few seconds in between.
#[derive(Default)]
struct Lines {
    said: RefCell<String>,
    at: Cell<Option<Instant>>,
}

const EVERY: Duration = Duration::from_secs(5);

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

impl Watch for Lines {
    fn begins(&self, step: &str, about: &str) {
        say(&format!("{step}: {about}"));
    }

    fn progress(&self, progress: &Progress) {
        if self.at.get().is_none_or(|at| at.elapsed() >= EVERY) {
            self.at.set(Some(Instant::now()));
            say(&format!("  {}", words(progress)));
        }
    }

    fn waits(&self, why: &str) {
        if self.said.replace(why.to_owned()) != why {
            say(&format!("  waiting: {why}"));
        }
    }

    fn ends(&self, step: &str, already: bool) {
        self.said.take();
        say(&format!("{step}: {}", if already { "done before" } else { "done" }));
    }
}

/// One bar for what is being done; a line stays of each step that ended.
struct Bar(ProgressBar);

impl Default for Bar {
    fn default() -> Self {
        let bar = ProgressBar::no_length();
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }
}

impl Bar {
    fn style(&self, template: &str) {
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style);
        }
    }
}

impl Watch for Bar {
    fn begins(&self, step: &str, about: &str) {
        self.style("{spinner} {prefix}  {msg}");
        self.0.set_prefix(step.to_owned());
        self.0.set_message(about.to_owned());
    }

    fn progress(&self, progress: &Progress) {
        if progress.total > 0 {
            self.style("{spinner} {prefix}  [{bar:30}] {msg}");
            self.0.set_length(progress.total);
            self.0.set_position(progress.done);
        }
        self.0.set_message(words(progress));
    }

    fn waits(&self, why: &str) {
        self.style("{spinner} {prefix}  {msg}");
        self.0.set_message(format!("waiting: {why}"));
    }

    fn ends(&self, step: &str, already: bool) {
        self.0.println(format!("{step}: {}", if already { "done before" } else { "done" }));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use cutover::run::Progress;

    use super::words;

    #[test]
    fn progress_says_what_is_known_and_no_more() {
        let mut progress = Progress {
            step: "backup".into(),
            what: "rows of x measured".into(),
            done: 10,
            total: 0,
            seconds_left: None,
            waits: None,
        };
        assert_eq!(words(&progress), "rows of x measured: 10");
        progress = Progress { total: 40, seconds_left: Some(3), ..progress };
        assert_eq!(words(&progress), "rows of x measured: 10 of 40, about 3 s left");
        progress.waits = Some("pg_dump writes the rest".into());
        assert_eq!(words(&progress), "waiting: pg_dump writes the rest");
    }
}
