//! What may go wrong inside an old service.

use std::fmt;

/// An error as text: old code told errors apart by what they say, if at all.
#[derive(Debug, Clone)]
pub struct Fault(pub(crate) String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self(match error.as_db_error() {
            Some(refusal) => format!("ERROR: {} (SQLSTATE {})", refusal.message(), refusal.code().code()),
            None => error.to_string(),
        })
    }
}

/// Errors that only their text is kept of.
macro_rules! from {
    ($($error:ty),+) => {$(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        }
    )+};
}

from!(
    bcrypt::BcryptError,
    deadpool_postgres::PoolError,
    deadpool_postgres::BuildError,
    jsonwebtoken::errors::Error,
    redis::RedisError,
    serde_json::Error,
    std::io::Error,
    uuid::Error
);
