//! The schema grows while the old services use it.
//!
//! What is to be done comes from [`db::migrate`], which also knows how to do it without holding anybody up; here every
//! statement is linted first. An expansion is additive and stays: the old services work with it as without, so a rollback
//! leaves it.

mod lint;

use db::DatabaseUrl;
use db::migrate::{self, Expansion, Extent, Limits, MigrateError, Piece};

pub use self::lint::{LOOKED_INTO, Objection, lint};

/// Why there was no expansion.
#[derive(Debug, thiserror::Error)]
pub enum ExpandError {
    /// A statement would hold services up, or cannot be read.
    #[error("nothing was executed: migration {version} {rule}: {message}; use a released pyairtable-platform")]
    Objection {
        /// The migration.
        version: i32,
        /// The rule.
        rule: String,
        /// What it says.
        message: String,
    },
    /// The database said no.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
}

/// Every statement that an expansion would execute now, each linted. Only reads.
pub async fn plan(url: &DatabaseUrl) -> Result<Vec<Piece>, ExpandError> {
    let pieces = migrate::planned(url, Extent::Everything).await?;
    linted(&pieces)?;
    Ok(pieces)
}

/// The same with the lock under which it is run; nothing if there is nothing to do.
pub async fn open(url: &DatabaseUrl, limits: Limits) -> Result<Option<Expansion>, ExpandError> {
    let expansion = Expansion::open(url, Extent::Everything, limits).await?;
    if let Some(expansion) = &expansion {
        linted(expansion.pieces())?;
    }
    Ok(expansion)
}

fn linted(pieces: &[Piece]) -> Result<(), ExpandError> {
    match pieces.iter().flat_map(lint).next() {
        Some(Objection { version, rule, message }) => Err(ExpandError::Objection { version, rule, message }),
        None => Ok(()),
    }
}
