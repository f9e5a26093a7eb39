//! A line that says how far a long walk has come, for whoever watches.

use std::io::{self, Write as _};

use crate::command;

/// Counts, and shows the count on a terminal.
pub(super) struct Progress {
    watched: bool,
    records: usize,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { watched: command::on_a_terminal(), records: 0 }
    }

    /// `chain` of `chains` has come `records` further.
    pub(super) fn further(&mut self, records: usize, chain: usize, chains: usize) {
        self.records += records;
        if self.watched {
            let _ = write!(io::stderr(), "\r\x1b[K{} records, chain {} of {chains}", self.records, chain + 1);
        }
    }

    /// Wipes the line before a result is printed.
    pub(super) fn end(&self) {
        if self.watched {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
