//! PostgreSQL's client programs: where they are, what they are told, and how they end.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::DatabaseUrl;
use tokio::process::Command;

use crate::{Error, Result};

/// Where the programs are looked for.
#[derive(Debug, Clone, Default)]
pub struct Tools {
    /// The one directory to look in, when somebody said so.
    pub bindir: Option<PathBuf>,
    /// Otherwise the usual ones: the value of `PATH`.
    pub search_path: Option<OsString>,
}

impl Tools {
    /// The programs of a server's major version or a later one: earlier ones refuse to dump it.
    pub async fn find(&self, program: &str, server: u32) -> Result<PathBuf> {
        let mut found = None;
        for directory in self.directories() {
            let path = directory.join(program);
            if !path.is_file() {
                continue;
            }
            let version = version(&path).await.unwrap_or_default();
            let major = major(&version);
            if major >= server {
                return Ok(path);
            }
            found = Some((path, version));
        }
        let why = match found {
            Some((path, version)) => format!("{} is {version}, older than the server", path.display()),
            None => format!("{program} is not installed"),
        };
        Err(Error::refused(
            why,
            format!(
                "install PostgreSQL's client programs of version {server} (Debian: `apt-get install \
                 postgresql-client-{server}`, Red Hat: `dnf install postgresql{server}`, macOS: `brew install \
                 libpq`) or name their directory with --pg-bindir, then run the same command again"
            ),
        ))
    }

    fn directories(&self) -> Vec<PathBuf> {
        if let Some(bindir) = &self.bindir {
            return vec![bindir.clone()];
        }
        let mut all: Vec<PathBuf> = self.search_path.iter().flat_map(std::env::split_paths).collect();
        // A relative entry would run whatever lies in the current directory.
        all.retain(|path| path.is_absolute());
        let names = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut versions: Vec<PathBuf> = names.map(|entry| entry.path().join("bin")).collect();
        versions.sort();
        all.extend(versions.into_iter().rev());
        all.push(PathBuf::from("/opt/homebrew/opt/libpq/bin"));
        all
    }
}

/// What `--version` says.
pub(crate) async fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().await.ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn major(version: &str) -> u32 {
    let number = version.rsplit_once("(PostgreSQL) ").map_or(version, |(_, number)| number);
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// A program that connects to `database`. Where and as whom stands in its environment, so that no password is in the
/// list of processes.
pub(crate) fn connected(program: &Path, url: &DatabaseUrl, database: &str, application: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for (name, value) in url.with_database(database).libpq_environment() {
        command.env(name, value.expose());
    }
    command.env("PGAPPNAME", application).env("LC_ALL", "C").env("PGTZ", "UTC");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs it to its end, or until the run should stop.
pub(crate) async fn finish(mut command: Command, name: &str, stop: &AtomicBool) -> Result<String> {
    let child = command.spawn().map_err(|error| failed(name, "not started", &error.to_string()))?;
    tokio::select! {
        output = child.wait_with_output() => {
            let output = output.map_err(|error| failed(name, "lost", &error.to_string()))?;
            if !output.status.success() {
                let text = String::from_utf8_lossy(&output.stderr);
                let lines: Vec<&str> = text.lines().collect();
                let end = lines[lines.len().saturating_sub(10)..].join("\n");
                return Err(failed(name, &output.status.to_string(), &end));
            }
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        // Dropped, and so killed.
        () = stopped(stop) => Err(Error::Paused { step: name.to_owned() }),
    }
}

/// How often a running program's stop is looked for.
const LOOK: Duration = Duration::from_millis(50);

async fn stopped(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK).await;
    }
}

fn failed(program: &str, status: &str, message: &str) -> Error {
    Error::Program { program: program.to_owned(), status: status.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn majors_are_read_from_every_form_seen() {
        for (text, expected) in
            [("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15), ("pg_dump (PostgreSQL) 18devel", 18), ("", 0)]
        {
            assert_eq!(major(text), expected, "{text}");
        }
    }
}
