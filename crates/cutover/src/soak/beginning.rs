//! What stood in the database when everybody had come over: what later checks compare with.

use std::collections::BTreeMap;

use db::DatabaseUrl;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::digest::SESSION;
use crate::discover::schema;
use crate::preflight::{Verdict, again};
use crate::{Error, Result};

/// Tables from which neither side removes rows: both only mark them.
const GROWING: &[&str] =
    &["users", "user_profiles", "tenants", "workspaces", "projects", "airtable_bases", "workspace_audit_logs"];

/// The state of the database, as far as it has to stay or may only become better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// When it was looked at.
    pub(super) at: Timestamp,
    /// The schema, a line an object.
    pub(super) schema: Vec<String>,
    /// Rows that break a rule, by the rule.
    pub(super) broken: BTreeMap<String, u64>,
    /// Rows of tables that only grow.
    pub(super) rows: BTreeMap<String, u64>,
}

/// Looks, and says what is wrong whatever there was before.
pub(super) async fn look(url: &DatabaseUrl, client: &Client, at: Timestamp) -> Result<(State, Vec<Verdict>)> {
    let found = again(url).await?;
    let mut rows = BTreeMap::new();
    for table in GROWING {
        let sql = "SELECT to_regclass($1) IS NOT NULL";
        let there: bool = client.query_one(sql, &[table]).await.map_err(Error::sql("looking for tables"))?.get(0);
        if there {
            let sql = format!("SELECT count(*) FROM {table}");
            let row = client.query_one(&sql, &[]).await.map_err(Error::sql(format!("counting {table}")))?;
            rows.insert((*table).to_owned(), row.get::<_, i64>(0).unsigned_abs());
        }
    }
    // Last: the session finds no table by its name alone afterwards.
    client.batch_execute(SESSION).await.map_err(Error::sql("setting the session up"))?;
    let schema = schema(client).await?;
    Ok((State { at, schema, broken: found.counts, rows }, found.alarms))
}
