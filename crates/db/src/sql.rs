//! Statements as plain text beside their row type.

use std::borrow::Cow;

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::Error;

/// One statement, with the name under which logs and tests know it.
#[derive(Debug, Clone)]
pub struct Sql {
    /// `slice::store::NAME`
    pub name: &'static str,
    /// The text, with `$1`-style parameters.
    pub text: Cow<'static, str>,
}

impl Sql {
    /// A fixed statement. Use [`crate::statements!`], which also lists it for the test that prepares them all.
    pub const fn fixed(name: &'static str, text: &'static str) -> Self {
        Self { name, text: Cow::Borrowed(text) }
    }

    /// A statement put together from constants, such as a list with a chosen sort order. Its variety must be small,
    /// because every connection keeps each text it has seen prepared.
    pub const fn built(name: &'static str, text: String) -> Self {
        Self { name, text: Cow::Owned(text) }
    }
}

/// Reads a row into the type it stands beside.
pub trait FromRow: Sized {
    /// Reads `row`; the columns are those of the statement.
    fn from_row(row: &Row) -> Result<Self, Error>;
}

/// A column by name. A value that does not fit its Rust type is an error, never a panic: old tables hold surprises.
pub fn get<'a, T: FromSql<'a>>(row: &'a Row, column: &'static str) -> Result<T, Error> {
    row.try_get(column).map_err(|source| Error::Other { statement: column, source })
}

/// Declares the statements of a store, and the list `STATEMENTS` of all of them.
#[macro_export]
macro_rules! statements {
    ($($(#[$meta:meta])* $name:ident = $text:expr;)*) => {
        $(
            $(#[$meta])*
            const $name: $crate::Sql =
                $crate::Sql::fixed(concat!(module_path!(), "::", stringify!($name)), $text);
        )*
        /// Every fixed statement of this store.
        pub const STATEMENTS: &[$crate::Sql] = &[$($name),*];
    };
}
