//! `completions`: scripts for shells.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::command;

pub(super) const AFTER_HELP: &str = "\
Examples:
  pyairtable-platform completions bash > /etc/bash_completion.d/pyairtable-platform
  pyairtable-platform completions zsh > ~/.zfunc/_pyairtable-platform
  pyairtable-platform completions fish > ~/.config/fish/completions/pyairtable-platform.fish";

pub(super) fn run(shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    // Written at once: the generator panics on a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command::tree(), "pyairtable-platform", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
