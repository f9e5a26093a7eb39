//! Every table of the backup, live and in the copy, by the columns that the backup has.

use tokio_postgres::Client;

use crate::Result;
use crate::backup::{Manifest, TableVerdict, Verdict};
use crate::digest::{How, Side, bisect, differing, measure_again};
use crate::run::{Call, Cx};

/// How many rows that differ are named, in all.
const NAMED: usize = 20;

/// Compares the two. Rows are named from the copy's point of view: that is what they should be.
pub(super) async fn compare(cx: &mut Cx, live: &Client, copy: &Client, manifest: &Manifest) -> Result<Verdict> {
    let (mut rows, mut named, total) = (0, 0, manifest.rows());
    let mut tables = Vec::new();
    for table in &manifest.tables {
        let name = table.shown();
        let Some(before) = manifest.digests.get(&name) else { continue };
        cx.call(Call::Measure { database: cx.plan.database.clone(), table: name.clone() }).await?;
        let (left, right) = (Side::new(copy), Side::new(live));
        let nobody = async |_| Ok(());
        let (here, there) = tokio::try_join!(
            measure_again(&left, table, before, nobody),
            measure_again(&right, table, before, nobody)
        )?;
        let chunks = differing(&here, &there);
        let mut verdict = TableVerdict {
            table: name,
            equal: here.same(&there),
            before: here.digest.to_string(),
            now: Some(there.digest.to_string()),
            count_before: here.rows,
            count_now: Some(there.rows),
            chunks: (chunks.len(), here.chunks.len()),
            rows: Vec::new(),
        };
        for chunk in chunks {
            if named + verdict.rows.len() < NAMED {
                verdict.rows.extend(bisect(&left, &right, table, &here, chunk).await?);
            }
        }
        verdict.rows.truncate(NAMED.saturating_sub(named));
        named += verdict.rows.len();
        rows += there.rows;
        cx.progress("rows compared", rows, total.max(rows));
        tables.push(verdict);
    }
    Ok(Verdict {
        equal: tables.iter().all(|table| table.equal),
        equal_by_count: tables.iter().all(|table| table.count_now == Some(table.count_before)),
        tables,
    })
}

/// What differs, in words.
pub(super) fn words(verdict: &Verdict) -> String {
    let tables = verdict.tables.iter().filter(|table| !table.equal);
    let each = tables.map(|table| {
        let rows: Vec<String> = table
            .rows
            .iter()
            .map(|row| {
                let key = if row.key.is_empty() { "a row without a key".to_owned() } else { row.key.join(" ") };
                match &row.how {
                    How::Changed(columns) => format!("{key} changed in {}", columns.join(", ")),
                    How::Missing => format!("{key} is missing"),
                    How::Extra => format!("{key} is new"),
                }
            })
            .collect();
        if rows.is_empty() { table.table.clone() } else { format!("{}: {}", table.table, rows.join("; ")) }
    });
    each.collect::<Vec<_>>().join(". ")
}
