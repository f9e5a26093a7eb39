//! How a command of the take-over ends, as a number that scripts can act on.

/// The exit code. The numbers are an interface: they never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything that was asked for is so.
    Done = 0,
    /// Something failed that was not foreseen. The same command goes on where it stopped.
    Failed = 1,
    /// Used wrongly: an unknown command or flag.
    Usage = 2,
    /// A check refused, and nothing was changed. The message names what to do.
    Refused = 3,
    /// Stopped in order and resumable.
    Paused = 4,
    /// What had been done is undone.
    RolledBack = 5,
    /// Another tool works on this run or this database, or took it over.
    Held = 6,
    /// Compared, and found to differ: data, a backup, or a journal.
    Differs = 7,
}

impl Exit {
    /// All of them with their meaning, for the help.
    pub const ALL: [(Self, &str); 8] = [
        (Self::Done, "done"),
        (Self::Failed, "failed; the same command goes on where it stopped"),
        (Self::Usage, "used wrongly: an unknown command or flag"),
        (Self::Refused, "refused by a check, nothing was changed; the message names the next command"),
        (Self::Paused, "paused; `cutover resume` goes on"),
        (Self::RolledBack, "rolled back"),
        (Self::Held, "another tool holds the run or the database, or took it over"),
        (Self::Differs, "compared and found to differ: data, backup or journal"),
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn all_codes_are_listed_once_in_order() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(codes, (0..8).collect::<Vec<u8>>());
    }
}
