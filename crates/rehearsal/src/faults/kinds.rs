//! The ways in which a new side is worse than the old one.

use std::str::FromStr;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Every answer is 500.
    AllErrors,
    /// Five of a hundred are.
    SomeErrors,
    /// One of a hundred is.
    FewErrors,
    /// Every answer takes 200 ms longer.
    Slow,
    /// The process is stopped: connections are made and nothing comes back.
    Hang,
    /// The process is killed as soon as it serves, and started again, and killed.
    CrashLoop,
    /// A field has another type.
    WrongBody,
    /// Somebody else's tenant stands in the answer.
    WrongTenant,
    /// Each answer takes longer than the one before, as when memory fills. No gate looks at memory itself.
    Leak,
    /// Others hold the connections that the database allows.
    Pool,
    /// Reads show what was there when it began, as of a replica that no longer follows.
    Stale,
    /// One endpoint always fails.
    OneEndpoint,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::AllErrors,
        Self::SomeErrors,
        Self::FewErrors,
        Self::Slow,
        Self::Hang,
        Self::CrashLoop,
        Self::WrongBody,
        Self::WrongTenant,
        Self::Leak,
        Self::Pool,
        Self::Stale,
        Self::OneEndpoint,
    ];

    /// Whether only whoever compares answers finds it: requests succeed, and as fast as ever.
    pub const fn needs_shadow(self) -> bool {
        matches!(self, Self::WrongBody | Self::WrongTenant | Self::Stale)
    }

    /// The word for it on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllErrors => "errors-100",
            Self::SomeErrors => "errors-5",
            Self::FewErrors => "errors-1",
            Self::Slow => "slow",
            Self::Hang => "hang",
            Self::CrashLoop => "crash-loop",
            Self::WrongBody => "wrong-body",
            Self::WrongTenant => "wrong-tenant",
            Self::Leak => "leak",
            Self::Pool => "pool",
            Self::Stale => "stale",
            Self::OneEndpoint => "endpoint",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            format!("there is no fault {name:?}: use all, or some of {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}
