//! Whether replicas have read that coexistence is off. A file says what they will do at their next start; the names of their
//! sessions say what they do.

use db::{COEXISTING_NAME, DatabaseUrl};

use crate::{Error, Result};

/// Where replicas that still run beside the old services are connected from, and by how many sessions. Not those of a version
/// whose sessions do not say so, or behind a pooler that names sessions itself.
pub async fn still_coexisting(url: &DatabaseUrl) -> Result<Vec<(String, i64)>> {
    // Without the right to see who somebody is, one sees no kind of process either.
    let sql = "SELECT CASE WHEN backend_type IS NULL THEN 'a machine that this role may not see'
            ELSE coalesce(pg_catalog.host(client_addr), 'the server''s own machine') END, count(*)
        FROM pg_catalog.pg_stat_activity
        WHERE datname = pg_catalog.current_database() AND application_name = $1 GROUP BY 1 ORDER BY 1";
    let client = url.connect().await?;
    let rows = client.query(sql, &[&COEXISTING_NAME]).await.map_err(Error::sql("looking for replicas"))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
