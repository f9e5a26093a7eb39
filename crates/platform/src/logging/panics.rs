//! A panic is a line of the log like any other.

use std::panic::{self, PanicHookInfo};

/// Replaces the hook that writes several lines of plain text.
pub(super) fn log() {
    panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let message = info.payload_as_str().unwrap_or("(no message)");
        let location = info.location().map(ToString::to_string);
        tracing::error!(cause = message, location, "panicked");
    }));
}
