//! How old code carried values to and from PostgreSQL: ids as text whatever the column's type, and times without a zone
//! as if they were UTC (T-51). NULL in a plain variable is an error (T-43).

use bytes::BytesMut;
use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

type Wrong = Box<dyn std::error::Error + Sync + Send>;

/// An id; a column of uuid refuses what is none, as the server did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Id(pub(super) String);

impl<'a> FromSql<'a> for Id {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        Ok(Self(if *kind == Type::UUID {
            Uuid::from_sql(kind, raw)?.to_string()
        } else {
            String::from_sql(kind, raw)?
        }))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::UUID | Type::VARCHAR | Type::TEXT)
    }
}

impl ToSql for Id {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Wrong> {
        if *kind == Type::UUID { Uuid::parse_str(&self.0)?.to_sql(kind, out) } else { self.0.to_sql(kind, out) }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::UUID | Type::VARCHAR | Type::TEXT)
    }

    to_sql_checked!();
}

/// A time out of a column with or without a zone. Written ones are sent as `$n::timestamptz`, so that the session's zone
/// decides what a column without one gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Moment(pub(super) Timestamp);

/// 2000-01-01, which PostgreSQL counts microseconds from.
const EPOCH: i64 = 946_684_800_000_000;

impl<'a> FromSql<'a> for Moment {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(Timestamp::from_microsecond(micros.checked_add(EPOCH).ok_or("infinity")?)?))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::TIMESTAMP | Type::TIMESTAMPTZ)
    }
}
