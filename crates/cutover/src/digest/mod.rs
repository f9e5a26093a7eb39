//! Whether two tables hold the same, to the byte, without moving them: the server adds up two 64-bit hashes of each
//! row's bytes.
//!
//! - A digest is of the columns that a [`Table`] names, in the order of their names. Columns that are added later, or
//!   stand in another order, change nothing.
//! - Values are hashed in their exact form: `1.0` is not `1.00`, `'a'` not `'a '`, two spellings of `é` not one. No
//!   session setting has a part in it.
//! - Rows are added up, so their order does not matter and twice the same row does.
//! - Chunks are ranges of the key. A range that differs is split by hashes of the key, so a changed value is found with
//!   four more queries, however large the table is.
//!
//! The hashes are PostgreSQL's own and not cryptographic: they find what happened by accident. Against somebody who
//! wants to hide a change stands the SHA-256 in a backup's manifest. They are the same on servers of one major version
//! and byte order only. Measured in `docs/adr/0013-journal-and-digests.md`.

mod bisect;
mod measure;
mod sql;
mod table;

pub use bisect::{Difference, How, bisect};
pub use measure::{Chunk, Digest, Side, TableDigest, counts, differing, measure, measure_again};
pub(crate) use table::quote;
pub use table::{Column, Table, tables};

/// How many rows a chunk has.
pub const CHUNK: u32 = 50_000;

/// What every session that measures begins with. The digests do not depend on it, texts of keys do.
pub const SESSION: &str = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres';
    SET extra_float_digits = 1; SET bytea_output = 'hex'; SET search_path = ''; SET row_security = off;
    SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0";
