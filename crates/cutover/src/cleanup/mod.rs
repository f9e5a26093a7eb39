//! Clean-up, when the soak is over and the old services are gone: their files, the coexistence switch, and what the
//! schema had to allow for their sake. All of it can be taken back for 30 days.
//!
//! Invariants:
//! - Nothing is begun before the soak is over and before no old service was seen for a day; that is asked
//!   on every start.
//! - Files are archived, and compared byte by byte with the archive, before the first of them is removed. Exactly the
//!   plan's paths are removed; links are removed as links, and what lies behind them is not touched.
//! - Nothing that holds data is dropped from the schema: rules are added and triggers switched off, each statement with
//!   the one that takes it back, written down before.
//!
//! Why it is done this way: `docs/adr/0017-soak-and-clean-up.md`.

mod archived;
mod contract;
mod environment;
mod files;
mod forget;
mod mounts;
mod name;
mod removed;
mod replicas;
mod restored;
mod tree;

pub use self::contract::{Change, Contract, LeftOut, planned};
pub use self::environment::CoexistenceOff;
pub use self::files::{ArchiveFiles, RemoveFiles};
pub use self::forget::{DAYS, forget, forgotten};
pub use self::replicas::still_coexisting;

#[doc(hidden)]
pub mod for_tests {
    //! The parts that move files, for tests that try them on trees of all kinds.
    pub use super::archived::{archive, verify};
    pub use super::removed::remove;
    pub use super::restored::restore;
    pub use super::tree::{Forbidden, Tree, look};
}
