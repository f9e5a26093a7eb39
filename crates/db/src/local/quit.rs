//! Whoever starts this program in the background of a script has it ignore SIGQUIT, and what it starts ignores it too, until
//! it has a handler of its own. The signal at the death of the manager would be lost then, and the server would stay.

use std::fs;
use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// What is started from now on does not ignore SIGQUIT. This process is not ended by it, as before.
///
/// A signal that has a handler is at its default again in a program that is executed; one that is ignored stays so.
/// Needs no runtime, and a thread that is none of one.
pub(super) fn not_ignored_by_children() -> io::Result<()> {
    if !is_ignored() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _guard = runtime.enter();
    // The handler stays when what listens to it is gone.
    signal(SignalKind::quit()).map(drop)
}

/// Where that cannot be known, nothing is done.
fn is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    // The first signal is the lowest bit.
    u32::try_from(SignalKind::quit().as_raw_value()).is_ok_and(|quit| ignored & (1 << (quit - 1)) != 0)
}
