//! What can go wrong with a statement, in the terms a caller acts on.

use tokio_postgres::error::SqlState;

/// The outcome of a failed database call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, no free slot in time, or the server went away: try again later.
    #[error("the database is not reachable: {0}")]
    Unavailable(String),
    /// The statement was cut off by a time limit.
    #[error("the database did not answer in time ({0})")]
    Timeout(&'static str),
    /// A unique key exists already.
    #[error("unique constraint {constraint} of {table} violated")]
    Unique {
        /// The table.
        table: String,
        /// The constraint or index.
        constraint: String,
    },
    /// A check, foreign key or not-null constraint refused the row.
    #[error("constraint {constraint} of {table} violated")]
    Constraint {
        /// The table.
        table: String,
        /// The constraint, or the column for not-null.
        constraint: String,
    },
    /// A trigger raised an exception (P0001), as the old workspace tables do (T-46, T-47).
    #[error("refused by a trigger: {0}")]
    Raised(String),
    /// Deadlock or serialization failure: the transaction may be repeated.
    #[error("the transaction lost a race and may be repeated")]
    Retry,
    /// A statement that touches exactly one row touched another number.
    #[error("{statement} touched {rows} rows instead of one")]
    RowCount {
        /// The statement's name.
        statement: &'static str,
        /// The rows it touched.
        rows: u64,
    },
    /// A commit was asked for after a statement had failed; nothing was written.
    #[error("the transaction was rolled back by an earlier error")]
    Aborted,
    /// The object is no longer as the client knows it (`If-Match`); nothing was written.
    #[error("the object changed since the client read it")]
    Changed,
    /// The client named a version of something that has none; nothing was written.
    #[error("If-Match on something without a version")]
    Unversioned,
    /// The same request was taken over by a later attempt (`Idempotency-Key`); nothing was written.
    #[error("a later attempt of the same request took over")]
    ClaimLost,
    /// Another worker took the job over; nothing was written.
    #[error("another worker took the job over")]
    LeaseLost,
    /// A transaction was begun without a tenant: a programming error, refused before any statement runs.
    #[error("no tenant in the request context")]
    NoTenant,
    /// Anything else: a defect.
    #[error("{statement}: {}", describe(source))]
    Other {
        /// The statement's name.
        statement: &'static str,
        /// What the driver said.
        source: tokio_postgres::Error,
    },
}

/// The driver's own text is only "db error" or "error connecting to server"; what it wraps says what happened. The
/// server's detail is left out: it quotes the row.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    match (error.as_db_error(), error.source()) {
        // Class 22, a value that does not fit, quotes the value.
        (Some(db), _) if db.code().code().starts_with("22") => {
            format!("a value does not fit (SQLSTATE {})", db.code().code())
        }
        (Some(db), _) => format!("{} (SQLSTATE {})", db.message(), db.code().code()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}

impl Error {
    /// Whether this is a unique violation of `table`, whatever the constraint is called: the old schema exists in
    /// several editions that name it differently.
    pub fn is_unique_of(&self, table_name: &str) -> bool {
        matches!(self, Self::Unique { table, .. } if table == table_name)
    }

    pub(crate) fn from_driver(statement: &'static str, source: tokio_postgres::Error) -> Self {
        if source.is_closed() {
            return Self::Unavailable(describe(&source));
        }
        let Some(db) = source.as_db_error() else {
            // No SQLSTATE: either the connection broke, or a value did not fit its Rust type.
            use std::error::Error as _;
            return match source.source() {
                Some(cause) if cause.is::<std::io::Error>() => Self::Unavailable(describe(&source)),
                _ => Self::Other { statement, source },
            };
        };
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        match db.code() {
            &SqlState::UNIQUE_VIOLATION | &SqlState::EXCLUSION_VIOLATION => {
                Self::Unique { table: text(db.table()), constraint: text(db.constraint()) }
            }
            &SqlState::CHECK_VIOLATION | &SqlState::FOREIGN_KEY_VIOLATION => {
                Self::Constraint { table: text(db.table()), constraint: text(db.constraint()) }
            }
            &SqlState::NOT_NULL_VIOLATION => {
                Self::Constraint { table: text(db.table()), constraint: text(db.column()) }
            }
            &SqlState::RAISE_EXCEPTION => Self::Raised(db.message().to_owned()),
            &SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE => Self::Retry,
            &SqlState::QUERY_CANCELED => Self::Timeout("statement"),
            &SqlState::LOCK_NOT_AVAILABLE => Self::Timeout("lock"),
            &SqlState::ADMIN_SHUTDOWN
            | &SqlState::CRASH_SHUTDOWN
            | &SqlState::CANNOT_CONNECT_NOW
            | &SqlState::TOO_MANY_CONNECTIONS
            | &SqlState::DISK_FULL => Self::Unavailable(db.message().to_owned()),
            _ => Self::Other { statement, source },
        }
    }
}
