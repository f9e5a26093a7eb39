//! Whether the replicas have read that coexistence is off. A file says what they will do at their next start; their sessions
//! say what they do.

use db::{COEXISTING_NAME, DatabaseUrl};

use crate::{Error, Result};

/// Where replicas that still run beside the old services are connected from, and by how many sessions.
pub async fn still_coexisting(url: &DatabaseUrl) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT coalesce(pg_catalog.host(client_addr), 'this machine'), count(*)
        FROM pg_catalog.pg_stat_activity
        WHERE datname = pg_catalog.current_database() AND application_name = $1 GROUP BY 1 ORDER BY 1";
    let client = url.connect().await?;
    let rows = client.query(sql, &[&COEXISTING_NAME]).await.map_err(Error::sql("looking for replicas"))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
