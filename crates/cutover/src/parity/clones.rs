//! Two databases with the rows of the backup: one for the old services, one for this program. Both have the expanded
//! schema, as all services have while they stand side by side, and both note which rows are changed.

use std::time::Duration;

use db::DatabaseUrl;
use tokio_postgres::Client;

use super::capture;
use super::scene::{Scene, Side};
use crate::backup::{self, Manifest, Restoring, restore};
use crate::run::{Call, Plan};
use crate::{Error, Result};

/// Where both are.
#[derive(Debug, Clone)]
pub struct Clones {
    /// The server, by the database that is taken over.
    url: DatabaseUrl,
    /// The old services' database.
    pub old: String,
    /// This program's.
    pub new: String,
}

impl Clones {
    /// Those of a run. They are there once [`make`](Self::make) was called.
    pub(super) fn of(plan: &Plan, url: &DatabaseUrl) -> Self {
        let name = |side: &str| format!("pyairtable_{side}_{}", plan.run);
        Self { url: url.clone(), old: name("old"), new: name("new") }
    }

    /// Where the database of a side is.
    pub fn url(&self, side: Side) -> DatabaseUrl {
        self.url.with_database(match side {
            Side::Old => &self.old,
            Side::New => &self.new,
        })
    }

    /// Drops both, whoever still uses them. Nothing else has these names.
    pub(super) async fn drop_both(&self) -> Result<()> {
        let client = self.url.connect().await?;
        for name in [&self.old, &self.new] {
            let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", backup::name(name));
            client.batch_execute(&sql).await.map_err(Error::sql(sql.clone()))?;
        }
        Ok(())
    }

    /// Makes both. `restoring` names the first one as its target; `pick` chooses rows in it before it is copied.
    pub(super) async fn make(
        &self,
        restoring: &Restoring<'_>,
        manifest: &Manifest,
        pick: impl AsyncFnOnce(&Client) -> Result<Scene>,
        say: &dyn Fn(&str),
    ) -> Result<Scene> {
        self.drop_both().await?;
        restore(restoring, say).await?;
        say("expanding the schema of the clone");
        let url = self.url(Side::Old);
        db::migrate::up(&url).await.map_err(|error| Error::Database {
            doing: format!("expanding {}", self.old),
            message: error.to_string(),
        })?;
        let scene = {
            let client = url.connect().await?;
            let scene = pick(&client).await?;
            capture::install(&client, manifest).await?;
            scene
        };
        say("copying the clone");
        self.copy().await?;
        let client = self.url.connect().await?;
        // A template's rows come along, what is set for the database does not.
        for call in backup::settings(&manifest.server.database, &manifest.server.settings, &self.new) {
            let Call::Sql { statement, .. } = call else { continue };
            client.batch_execute(&statement).await.map_err(Error::sql(statement.clone()))?;
        }
        Ok(scene)
    }

    /// The server refuses while a session that was just closed is not gone yet.
    async fn copy(&self) -> Result<()> {
        const ATTEMPTS: u32 = 100;
        let client = self.url.connect().await?;
        let sql = format!("CREATE DATABASE {} TEMPLATE {}", backup::name(&self.new), backup::name(&self.old));
        for attempt in 1.. {
            match client.batch_execute(&sql).await {
                Err(error)
                    if attempt < ATTEMPTS && error.code() == Some(&tokio_postgres::error::SqlState::OBJECT_IN_USE) =>
                {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                done => return done.map_err(Error::sql(sql.clone())),
            }
        }
        Ok(())
    }
}
