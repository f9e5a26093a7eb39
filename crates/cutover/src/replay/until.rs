//! Up to which moment changes are put on top of the backup.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use tokio_postgres::Client;

use crate::{Error, Result};

/// A moment before the damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Before the change of this number. Transactions that were not over by then are left out as a whole.
    Change(i64),
    /// Before the first change made at this time or later.
    Time(Timestamp),
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(change) = text.parse() {
            return Ok(Self::Change(change));
        }
        text.parse().map(Self::Time).map_err(|_| {
            "expected the number of a change, as `cutover changes` lists them, or a time with its zone, such as \
             2026-03-01T12:00:00Z"
                .to_owned()
        })
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change(change) => write!(f, "{change}"),
            Self::Time(time) => write!(f, "{time}"),
        }
    }
}

impl Until {
    /// The first change that is left out.
    pub(super) async fn resolve(self, live: &Client) -> Result<i64> {
        let (sql, time) = match self {
            Self::Change(change) => return Ok(change),
            Self::Time(time) => ("SELECT min(id) FROM pyairtable_cutover.changes WHERE at >= $1", time),
        };
        let row = live.query_one(sql, &[&time]).await.map_err(Error::sql("reading the change log"))?;
        row.get::<_, Option<i64>>(0).ok_or_else(|| {
            Error::refused(
                format!("nothing was changed at {time} or later"),
                "leave --until out, or name an earlier moment; `pyairtable-platform cutover changes` lists them",
            )
        })
    }
}
