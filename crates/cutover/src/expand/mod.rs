//! The schema grows while the old services use it.
//!
//! What is to be done comes from [`db::migrate`], which also knows how to do it without holding anybody up; here every
//! statement is linted first. An expansion is additive and stays: the old services work with it as without, so a rollback
//! leaves it.

mod lint;
mod step;

use db::DatabaseUrl;
use db::migrate::{self, Expansion, Extent, Limits, MigrateError, Piece};

pub use self::lint::{LOOKED_INTO, Objection, lint};
pub use self::step::Expand;
pub(crate) use self::step::WAITED;
pub(crate) use self::step::{call, run};
use crate::{Error, Result};

/// Every statement that an expansion would execute now, each linted. Only reads.
pub async fn plan(url: &DatabaseUrl) -> Result<Vec<Piece>> {
    let pieces = migrate::planned(url, Extent::Everything).await.map_err(refused)?;
    linted(&pieces)?;
    Ok(pieces)
}

/// The same with the lock under which it is run; nothing if there is nothing to do.
pub async fn open(url: &DatabaseUrl, limits: Limits) -> Result<Option<Expansion>> {
    let expansion = Expansion::open(url, Extent::Everything, limits).await.map_err(refused)?;
    if let Some(expansion) = &expansion {
        linted(expansion.pieces())?;
    }
    Ok(expansion)
}

fn linted(pieces: &[Piece]) -> Result<()> {
    match pieces.iter().flat_map(lint).next() {
        Some(Objection { version, rule, message }) => Err(Error::refused(
            format!("nothing was executed: migration {version}, {rule}: {message}"),
            "use a released pyairtable-platform, whose migrations were looked through",
        )),
        None => Ok(()),
    }
}

/// What the database said before anything was executed, or instead of a statement: nothing of that statement is left.
pub(crate) fn refused(error: MigrateError) -> Error {
    match error {
        MigrateError::Newer { .. } | MigrateError::Changed { .. } | MigrateError::Privilege { .. } => {
            Error::refused(error.to_string(), "nothing was executed since")
        }
        other => Error::Database { doing: "expanding the schema".to_owned(), message: other.to_string() },
    }
}
