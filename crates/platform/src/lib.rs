//! The program's parts, for its binary and its tests.

pub mod app;
pub mod check;
mod command;
pub mod config;
pub mod finding;
mod first_run;
mod health;
mod jobs;
mod limits;
mod local;
mod logging;
mod openapi;
mod redis;
mod secrets;
mod system;
mod wiring;

use std::process::ExitCode;
use std::time::Instant;

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    command::run(std::env::args_os(), Instant::now())
}
