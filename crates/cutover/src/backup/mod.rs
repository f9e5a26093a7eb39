//! A backup that is known to be good before it is needed.
//!
//! One snapshot is exported. Under it every table is measured, and `pg_dump` dumps with several connections what that
//! snapshot sees, while others go on writing. The files get a manifest with the SHA-256 of each. Then the backup is
//! restored into a scratch database and measured there: equal digests mean that the dump holds the very rows of the
//! snapshot. Before any use every byte is compared with the manifest again.
//!
//! ```text
//! backup/
//! ├── SHA256SUMS      of every file below; `sha256sum -c SHA256SUMS` reads it
//! ├── manifest.json   what was backed up, when, with what, and what it comes to
//! ├── roles.sql       the server's roles without passwords
//! ├── database/       pg_dump's directory format
//! └── files/          an archive for each folder of the plan
//! ```

mod archive;
pub(crate) mod call;
mod manifest;
pub(crate) mod measure;
mod restore;
mod step;
pub(crate) mod trial;
mod verify;

pub(crate) use self::call::{name, settings};
pub use archive::Archive;
pub(crate) use archive::append;
pub(crate) use manifest::MANIFEST;
pub use manifest::{FileSum, Manifest};
pub use restore::{Restored, Restoring, restore};
pub use step::Backup;
pub use trial::Trial;
pub use verify::{TableVerdict, Verdict, check_files, compare};
