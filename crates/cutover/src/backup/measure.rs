//! Measuring all tables of a database.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use crate::digest::{Side, Table, TableDigest, measure, measure_again};
use crate::run::{Call, Cx};
use crate::{Error, Result};

/// Measures every table as the session sees it; in the chunks of `before` where there are any.
pub(crate) async fn all(
    cx: &mut Cx,
    client: &Client,
    database: &str,
    tables: &[Table],
    before: Option<&BTreeMap<String, TableDigest>>,
) -> Result<BTreeMap<String, TableDigest>> {
    let side = Side::new(client);
    // The planner's estimates are far off in a database that was filled just now, but the counts before are not.
    let rows = |table: &Table| before.and_then(|all| Some(all.get(&table.shown())?.rows)).unwrap_or(table.estimate);
    let total = tables.iter().map(rows).sum();
    let what = format!("rows of {database} measured");
    let mut done = 0;
    let mut digests = BTreeMap::new();
    for table in tables {
        let name = table.shown();
        cx.call(Call::Measure { database: database.to_owned(), table: name.clone() }).await?;
        let each = async |rows| {
            done += rows;
            cx.progress(&what, done, total);
            Ok(())
        };
        let digest = match before.and_then(|all| all.get(&name)) {
            Some(before) => measure_again(&side, table, before, each).await?,
            None => measure(&side, table, each).await?,
        };
        digests.insert(name, digest);
    }
    Ok(digests)
}

/// How far sequences have come. They stand outside of transactions, so those of a dump may be further.
pub(crate) async fn sequences(client: &Client) -> Result<BTreeMap<String, i64>> {
    let sql = "SELECT schemaname || '.' || sequencename, coalesce(last_value, 0) FROM pg_catalog.pg_sequences
        WHERE schemaname <> 'pyairtable_cutover'";
    let rows = client.query(sql, &[]).await.map_err(Error::sql("reading the sequences"))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

pub(crate) async fn large_objects(client: &Client) -> Result<u64> {
    let sql = "SELECT count(*) FROM pg_catalog.pg_largeobject_metadata";
    let row = client.query_one(sql, &[]).await.map_err(Error::sql("counting large objects"))?;
    Ok(row.get::<_, i64>(0).unsigned_abs())
}
