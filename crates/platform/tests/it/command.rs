//! The program run to its end, as a shell does.

use std::path::Path;
use std::process::{Command, Stdio};

/// What a run left behind.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program in `directory` with nothing but `environment` and, for the local PostgreSQL, `PATH`.
pub(crate) fn run_in(directory: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
    run_with_input(directory, arguments, environment, "")
}

/// The same with something on standard input.
pub(crate) fn run_with_input(directory: &Path, arguments: &[&str], environment: &[(&str, &str)], input: &str) -> Run {
    let file = directory.join("standard-input");
    std::fs::write(&file, input).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pyairtable-platform"))
        .args(arguments)
        .env_clear()
        .envs(["PATH", "PG_BINDIR"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(environment.iter().copied())
        .current_dir(directory)
        .stdin(Stdio::from(std::fs::File::open(&file).unwrap()))
        .output()
        .unwrap();
    std::fs::remove_file(file).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs the program where there is nothing.
pub(crate) fn run(arguments: &[&str]) -> Run {
    let directory = tempfile::tempdir().unwrap();
    run_in(directory.path(), arguments, &[])
}

impl Run {
    /// Everything, for snapshots.
    pub(crate) fn shown(&self) -> String {
        let mut shown = format!("exit: {}\n", self.code.map_or("by a signal".to_owned(), |code| code.to_string()));
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                shown.extend(["--- ", name, "\n", text]);
            }
        }
        shown
    }
}
