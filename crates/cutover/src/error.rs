//! What can stop a run.

use std::io;
use std::path::{Path, PathBuf};

use crate::Exit;
use crate::run::Holder;

/// The outcome of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a run stopped or did not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A check said no before anything was changed.
    #[error("{why}{}{next}", between(why))]
    Refused {
        /// What is so.
        why: String,
        /// What to do about it: a command wherever there is one.
        next: String,
    },
    /// Another tool is at work.
    #[error(
        "{what} is held by {holder}: wait for it, or see `pyairtable-platform cutover status`; \
         if it hangs, repeat this command with --take-over"
    )]
    Held {
        /// The run's folder or the database.
        what: String,
        /// Who holds it.
        holder: Holder,
    },
    /// This tool was the one that was stopped, and another has gone on since.
    #[error("another tool took this run over ({0}): this one has stopped and changed nothing since")]
    Fenced(String),
    /// Somebody asked to stop, and it was possible.
    #[error("paused before {step}: `pyairtable-platform cutover resume` goes on")]
    Paused {
        /// What was next.
        step: String,
    },
    /// Not over yet, and nothing is wrong.
    #[error("{why}; {next}")]
    Unfinished {
        /// How far it is.
        why: String,
        /// How it goes on.
        next: String,
    },
    /// The gateway took the traffic back.
    #[error(
        "traffic went back from {share} by itself: {reason}; the old services serve again. See \
         `pyairtable-platform gateway status`, mend it, `gateway thaw`, and run the same command again"
    )]
    Returned {
        /// The share that was in force.
        share: String,
        /// What spoke against it.
        reason: String,
    },
    /// Compared and different.
    #[error("{what}{}{next}", between(what))]
    Differs {
        /// What differs from what.
        what: String,
        /// What to do about it.
        next: String,
    },
    /// A file or folder.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// The verb.
        doing: &'static str,
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database could not be reached or refused a statement.
    #[error("{doing}: {message}")]
    Database {
        /// What was being done.
        doing: String,
        /// What the server said.
        message: String,
    },
    /// A program failed.
    #[error("{program} failed ({status}): {message}")]
    Program {
        /// Its name.
        program: String,
        /// How it ended.
        status: String,
        /// The end of what it wrote.
        message: String,
    },
}

/// What is so and what to do stand in one line, unless the first is a list.
fn between(fact: &str) -> &'static str {
    if fact.ends_with('\n') { "" } else { "; " }
}

impl Error {
    pub(crate) fn refused(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Refused { why: why.into(), next: next.into() }
    }

    pub(crate) fn differs(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Differs { what: what.into(), next: next.into() }
    }

    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }

    /// What the driver says is only "db error"; what it wraps says what happened.
    pub(crate) fn sql(doing: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Self {
        let doing = doing.into();
        move |error| {
            use std::error::Error as _;
            let message = match (error.as_db_error(), error.source()) {
                (Some(db), _) => format!("{} (SQLSTATE {})", db.message(), db.code().code()),
                (None, Some(cause)) => format!("{error}: {cause}"),
                (None, None) => error.to_string(),
            };
            Self::Database { doing, message }
        }
    }

    /// The exit code it ends a command with.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Refused { .. } => Exit::Refused,
            Self::Held { .. } | Self::Fenced(_) => Exit::Held,
            Self::Paused { .. } | Self::Unfinished { .. } => Exit::Paused,
            Self::Returned { .. } => Exit::Returned,
            Self::Differs { .. } => Exit::Differs,
            Self::File { .. } | Self::Database { .. } | Self::Program { .. } => Exit::Failed,
        }
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        Self::Database { doing: "connecting".to_owned(), message: error.to_string() }
    }
}
