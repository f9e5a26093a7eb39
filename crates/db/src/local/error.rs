//! What can go wrong with a local PostgreSQL. Every message says what to do about it.

use std::{io, path::PathBuf, process::ExitStatus};

use thiserror::Error;

/// Why a local PostgreSQL could not be started or stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LocalError {
    /// No directory that was searched holds both binaries.
    #[error(
        "PostgreSQL is not installed: `apt-get install postgresql` (Debian/Ubuntu), `dnf install postgresql-server` \
         (Fedora), `brew install postgresql` (macOS), or set DATABASE_URL to a running server or PG_BINDIR to the \
         directory of `postgres` and `initdb`"
    )]
    NotInstalled,
    /// `PG_BINDIR` was given and does not hold them.
    #[error("PG_BINDIR={} has no working `postgres` and `initdb`; correct it, or unset it to search the usual places", .0.display())]
    Bindir(PathBuf),
    /// Only versions that cannot serve were found.
    #[error("PostgreSQL {found} is too old, {minimum} or later is needed: install a newer one, or set DATABASE_URL")]
    TooOld {
        /// The newest major found.
        found: u32,
        /// The oldest that serves.
        minimum: u32,
    },
    /// The data directory belongs to a major that is not installed.
    #[error(
        "{} was created by PostgreSQL {wanted}, but only {found} was found: install PostgreSQL {wanted}, set PG_BINDIR \
         to it, or move the directory aside to start empty",
        data.display()
    )]
    VersionMismatch {
        /// The data directory.
        data: PathBuf,
        /// What its `PG_VERSION` says.
        wanted: String,
        /// The majors found, in words.
        found: String,
    },
    /// Another process manages this directory.
    #[error(
        "{} is in use by {}: stop it, or choose another data directory",
        directory.display(),
        holder.map_or("another process".to_owned(), |pid| format!("process {pid}"))
    )]
    Locked {
        /// The directory of the options.
        directory: PathBuf,
        /// The process that holds it, when it could be read.
        holder: Option<u32>,
    },
    /// Something that is not a PostgreSQL data directory stands in its place.
    #[error("{} is not a PostgreSQL data directory and not empty: move it aside", .0.display())]
    NotADataDirectory(PathBuf),
    /// Started as root, and no way down to an unprivileged user works.
    #[error(
        "PostgreSQL refuses to run as root, and no unprivileged user could be taken for {}: {reason}. Start as another \
         user, choose a data directory that others may enter (such as /var/lib/pyairtable), install util-linux \
         (`unshare`, `setpriv`), or set DATABASE_URL",
        directory.display()
    )]
    Unprivileged {
        /// The directory that user would need.
        directory: PathBuf,
        /// What was tried.
        reason: String,
    },
    /// The directory for the socket is not private.
    #[error("{} {problem}: the socket would not be private; remove it", path.display())]
    SocketDirectory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A server left over by an earlier run does not go away.
    #[error("PostgreSQL process {pid} still runs on {} and did not stop: end it with `kill -9 {pid}`", data.display())]
    Stale {
        /// One of its processes.
        pid: u32,
        /// The data directory.
        data: PathBuf,
    },
    /// `initdb` or `postgres` ended instead of getting ready.
    #[error("{program} failed ({status}); the end of {}:\n{tail}", log.display())]
    Failed {
        /// `initdb` or `postgres`.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server neither got ready nor ended.
    #[error("PostgreSQL was not ready after {seconds} s; the end of {}:\n{tail}", log.display())]
    NotReady {
        /// How long it had.
        seconds: u64,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server had ended before it was asked to, or had to be killed.
    #[error("PostgreSQL did not stop in order ({status}), the next start recovers; the end of {}:\n{tail}", log.display())]
    Unclean {
        /// How it ended.
        status: ExitStatus,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The operating system refused something.
    #[error("cannot {action} {}: {source}; check that it exists and that you own it", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl LocalError {
    /// For `map_err`: names what was attempted.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
