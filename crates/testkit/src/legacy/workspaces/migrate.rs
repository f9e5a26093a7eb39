//! What the ORM does to the schema when the service starts (contract 2.6).
//!
//! It looks for each table in the first schema of the search path, through a view that shows only what the role may
//! touch, and makes what it does not find. Columns of tables that are there keep their types: the contract found the
//! script's tables as the script left them. A foreign key that it would like fails on the types, so there is none.

use super::Workspaces;
use crate::legacy::fault::Fault;
use crate::legacy::layouts::WORKSPACES_ORM;

impl Workspaces {
    /// Makes the tables that are missing and leaves all others alone.
    pub(in crate::legacy) async fn auto_migrate(&self) -> Result<(), Fault> {
        for statement in WORKSPACES_ORM.split_inclusive(");\n") {
            let Some((_, rest)) = statement.split_once("CREATE TABLE ") else { continue };
            let table = rest.split(' ').next().unwrap_or_default();
            let sql = "SELECT count(*) FROM information_schema.tables
                WHERE table_schema = current_schema() AND table_name = $1 AND table_type = 'BASE TABLE'";
            if self.store.count(sql, &[&table]).await? == 0 {
                self.store.batch(statement).await?;
            }
        }
        Ok(())
    }
}
