//! Reading the routes file again while the gateway runs. A file with mistakes is refused and the routes in force stay.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::gateway::Gateway;
use crate::live::Live;
use crate::routes::{Problem, parse};

/// How often the file is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

/// What became of the file when it was read last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LastReload {
    /// How often new routes were put in force.
    pub taken: u64,
    /// What is wrong with the file as it stands; nothing if it is in force.
    pub problems: Vec<String>,
}

impl Gateway {
    /// Puts the routes of `text` in force, if there is nothing wrong with them. Shares, leases, counters, connections
    /// and the rules of the control socket stay.
    pub fn reload(&self, text: &str) -> LastReload {
        let mut last = self.reloaded.lock().unwrap_or_else(PoisonError::into_inner);
        let parsed = parse(text).and_then(|table| {
            if table.splitter.is_same_as(&self.live().table.splitter) {
                return Ok(table);
            }
            let message = "the seed changed, which would move people in both directions: put the old one back";
            Err(vec![Problem { line: 0, message: message.to_owned() }])
        });
        match parsed {
            Ok(mut table) => {
                let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
                control.keep(table.families().map(|(name, _)| name));
                let overrides = self.overrides.lock().unwrap_or_else(PoisonError::into_inner);
                for (whom, side) in overrides.iter() {
                    table.forced.set(whom.clone(), *side);
                }
                self.change(|live| Live::new(table, Some(live)));
                drop(overrides);
                drop(control);
                last.taken += 1;
                last.problems.clear();
                tracing::info!("new routes are in force");
            }
            Err(problems) => {
                last.problems = problems.iter().map(ToString::to_string).collect();
                for problem in &last.problems {
                    tracing::error!(problem, "the routes file is refused, the routes in force stay");
                }
            }
        }
        last.clone()
    }

    pub(crate) fn last_reload(&self) -> LastReload {
        self.reloaded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Follows the file until dropped. `read` is the text that is in force.
    pub async fn follow(self: Arc<Self>, file: PathBuf, read: String) {
        follow(file, read, |text| {
            self.reload(text);
        })
        .await;
    }

    /// The same with the file of gates.
    pub async fn follow_gates(self: Arc<Self>, file: PathBuf, read: String) {
        follow(file, read, |text| refused("gates", &self.set_gates(text))).await;
    }

    /// The same with the register of intended differences.
    pub async fn follow_register(self: Arc<Self>, file: PathBuf, read: String) {
        follow(file, read, |text| refused("register", &self.set_register(text))).await;
    }
}

pub(crate) fn refused(what: &str, taken: &Result<(), Vec<Problem>>) {
    for problem in taken.as_ref().err().into_iter().flatten() {
        tracing::error!(what, %problem, "the file is refused, what is in force stays");
    }
}

pub(crate) async fn follow(file: PathBuf, mut read: String, mut take: impl FnMut(&str)) {
    let mut interval = tokio::time::interval(INTERVAL);
    let mut changing = None;
    loop {
        interval.tick().await;
        // Editors write a file away before they write it anew; a missing one says nothing.
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        if text == read {
            changing = None;
        } else if changing.as_ref() == Some(&text) {
            // Seen twice: nobody is in the middle of writing it.
            take(&text);
            read = text;
            changing = None;
        } else {
            changing = Some(text);
        }
    }
}
