//! Restoring: into a new database, compared with the manifest there, and only then put in place of the old one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use db::DatabaseUrl;
use serde::Serialize;
use tokio_postgres::Client;

use super::call::{self, Performer};
use super::trial::differences;
use super::{Manifest, check_files};
use crate::digest::{SESSION, Side, measure_again};
use crate::run::Tools;
use crate::{Error, Result};

/// What to restore, and where to.
pub struct Restoring<'a> {
    /// The backup.
    pub backup: &'a Path,
    /// The server; any database of it that can be connected to.
    pub url: &'a DatabaseUrl,
    /// PostgreSQL's client programs.
    pub tools: &'a Tools,
    /// The name of the new database.
    pub into: &'a str,
    /// The database to put it in place of afterwards, and the name that one gets.
    pub replace: Option<(&'a str, &'a str)>,
    /// How many connections restore at once.
    pub jobs: u16,
    /// Set when it should stop.
    pub stop: &'a AtomicBool,
}

/// What a restore came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The database that holds the backup's rows now.
    pub database: String,
    /// What the database it replaced is called now.
    pub before: Option<String>,
    /// How many tables.
    pub tables: usize,
    /// How many rows.
    pub rows: u64,
}

/// Restores. A database that exists is never written into: `into` must be free. `say` is told what comes next.
pub async fn restore(restoring: &Restoring<'_>, say: &dyn Fn(&str)) -> Result<Restored> {
    say("comparing every byte of the backup with its manifest");
    let (manifest, _) = check_files(restoring.backup)?;
    let client = maintenance(restoring.url).await?;
    let into = restoring.into;
    if exists(&client, into).await? {
        return Err(Error::refused(
            format!("database {into} exists, and nothing is restored over a database"),
            "name one that does not exist with --into",
        ));
    }
    if let Some((_, aside)) = restoring.replace
        && exists(&client, aside).await?
    {
        return Err(Error::refused(
            format!("database {aside} exists, where the present one would go"),
            format!("DROP DATABASE {} or rename it, then run the same command again", call::name(aside)),
        ));
    }
    let server = &manifest.server;
    let performer = Performer {
        url: restoring.url,
        tools: restoring.tools,
        server,
        application: "pyairtable-restore",
        stop: restoring.stop,
    };
    restoring.tools.find("pg_restore", server.major).await?;
    for call in call::restore(server, into, restoring.backup, restoring.jobs) {
        say(&call.to_string());
        if let Err(error) = performer.perform(&client, &call).await {
            return Err(give_up(&client, into, error).await);
        }
    }
    say("comparing every table with the manifest");
    if let Err(error) = verified(restoring.url, into, &manifest).await {
        return Err(give_up(&client, into, error).await);
    }
    let (tables, rows) = (manifest.tables.len(), manifest.rows());
    let Some((present, aside)) = restoring.replace else {
        return Ok(Restored { database: into.to_owned(), before: None, tables, rows });
    };
    drop(client);
    say(&format!("putting it in place of {present}, which becomes {aside}"));
    swap(restoring.url, into, present, aside).await?;
    Ok(Restored { database: present.to_owned(), before: Some(aside.to_owned()), tables, rows })
}

/// A half restored database is worth nothing, and the next attempt wants its name.
async fn give_up(client: &Client, into: &str, error: Error) -> Error {
    let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", call::name(into))).await;
    error
}

async fn verified(url: &DatabaseUrl, database: &str, manifest: &Manifest) -> Result<()> {
    let client = url.with_database(database).connect().await?;
    client.batch_execute(SESSION).await.map_err(Error::sql("setting the session up"))?;
    let side = Side::new(&client);
    let mut now = BTreeMap::new();
    for table in &manifest.tables {
        let name = table.shown();
        let Some(before) = manifest.digests.get(&name) else { continue };
        now.insert(name, measure_again(&side, table, before, async |_| Ok(())).await?);
    }
    differences(&client, manifest, &now).await
}

/// Both names change in one transaction. Nobody may be connected meanwhile, and nobody may come back in between.
async fn swap(url: &DatabaseUrl, new: &str, present: &str, aside: &str) -> Result<()> {
    let client = url.with_database("postgres").connect().await?;
    let (new, old, aside) = (call::name(new), call::name(present), call::name(aside));
    let there = exists(&client, present).await?;
    let run = async |sql: String| client.batch_execute(&sql).await.map_err(Error::sql(sql.clone()));
    if !there {
        return run(format!("ALTER DATABASE {new} RENAME TO {old}")).await;
    }
    run(format!("ALTER DATABASE {old} ALLOW_CONNECTIONS false")).await?;
    let sql = "SELECT pg_catalog.pg_terminate_backend(pid, 5000) FROM pg_catalog.pg_stat_activity WHERE datname = $1";
    let ended = client.query(sql, &[&present]).await.map_err(Error::sql("ending sessions"));
    let swapped = match ended {
        Ok(_) => {
            run(format!("BEGIN; ALTER DATABASE {old} RENAME TO {aside}; ALTER DATABASE {new} RENAME TO {old}; COMMIT"))
                .await
        }
        Err(error) => Err(error),
    };
    if swapped.is_err() {
        let _ = client.batch_execute("ROLLBACK").await;
        run(format!("ALTER DATABASE {old} ALLOW_CONNECTIONS true")).await?;
        return swapped;
    }
    run(format!("ALTER DATABASE {aside} ALLOW_CONNECTIONS true")).await
}

/// The configured database may be what is lost, so any will do.
async fn maintenance(url: &DatabaseUrl) -> Result<Client> {
    match url.connect().await {
        Ok(client) => Ok(client),
        Err(_) => Ok(url.with_database("postgres").connect().await?),
    }
}

async fn exists(client: &Client, name: &str) -> Result<bool> {
    let sql = "SELECT FROM pg_catalog.pg_database WHERE datname = $1";
    Ok(client.query_opt(sql, &[&name]).await.map_err(Error::sql("reading the databases"))?.is_some())
}
