//! What the caller chooses, and the server settings that follow from it.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// What a crash of the machine may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was committed: for anything that serves people.
    Durable,
    /// Everything: for test runs, which start from nothing anyway.
    ForTests,
}

/// How to run a local PostgreSQL.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory it may call its own; everything goes to `postgres/` below it. Created when missing.
    pub directory: PathBuf,
    /// What a crash may cost.
    pub durability: Durability,
    /// `PG_BINDIR`: where `postgres` and `initdb` are. When given, nowhere else is searched.
    pub bindir: Option<PathBuf>,
    /// `PATH`: searched for the binaries before the usual places.
    pub search_path: Option<OsString>,
    /// `shared_buffers`, in MiB.
    pub shared_buffers_mib: u32,
    /// `max_connections`
    pub max_connections: u16,
}

impl Options {
    /// A small server for `directory`, found in the usual places.
    pub fn new(directory: impl Into<PathBuf>, durability: Durability) -> Self {
        let (shared_buffers_mib, max_connections) = match durability {
            Durability::Durable => (32, 100),
            Durability::ForTests => (64, 300),
        };
        Self {
            directory: directory.into(),
            durability,
            bindir: None,
            search_path: None,
            shared_buffers_mib,
            max_connections,
        }
    }

    /// The arguments of `postgres`. On the command line they win over an edited `postgresql.conf`, so the promises of
    /// this module hold whatever stands there.
    pub(super) fn server_arguments(&self, data: &Path, socket_dir: &Path) -> Vec<OsString> {
        let common = [
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "port=5432",
            "cluster_name=pyairtable-local",
            "timezone=UTC",
            "log_timezone=UTC",
            "huge_pages=off",
            "min_wal_size=32MB",
            "max_wal_size=256MB",
            // The manager owns the log file; a collector would write elsewhere.
            "logging_collector=off",
            "log_destination=stderr",
        ];
        let by_durability: &[&str] = match self.durability {
            Durability::Durable => &["fsync=on", "full_page_writes=on", "synchronous_commit=on", "autovacuum=on"],
            Durability::ForTests => &[
                "fsync=off",
                "full_page_writes=off",
                "synchronous_commit=off",
                "jit=off",
                "autovacuum=off",
                "wal_level=minimal",
                "max_wal_senders=0",
            ],
        };
        let mut arguments = vec!["-D".into(), data.into()];
        let mut set = |setting: OsString| arguments.extend(["-c".into(), setting]);
        common.iter().chain(by_durability).for_each(|setting| set(setting.into()));
        set(format!("shared_buffers={}MB", self.shared_buffers_mib).into());
        set(format!("max_connections={}", self.max_connections).into());
        set(quoted("unix_socket_directories=", socket_dir.as_os_str()));
        arguments
    }
}

/// PostgreSQL reads the setting as a comma-separated list of names; quoted, a path with a comma or a space is one.
fn quoted(prefix: &str, path: &OsStr) -> OsString {
    let mut bytes = prefix.as_bytes().to_vec();
    bytes.push(b'"');
    for &byte in path.as_bytes() {
        bytes.extend(std::iter::repeat_n(byte, if byte == b'"' { 2 } else { 1 }));
    }
    bytes.push(b'"');
    OsString::from_vec(bytes)
}
