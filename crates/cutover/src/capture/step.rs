//! The step: the log is installed while the old services go on, before the backup's snapshot is taken.

use serde_json::{Value, json};

use super::{Install, exists, gaps, install, plan};
use crate::backup::Manifest;
use crate::digest::{SESSION, Table, tables};
use crate::discover::Discovery;
use crate::run::{Call, Cx, Doing, Preview, Step};
use crate::{Error, Result};

/// Has every change of the old services' tables written down from now on.
pub struct Capture;

/// The statements as they are executed.
fn call(database: &str, install: &Install) -> Call {
    Call::sql(database, format!("BEGIN; {}; COMMIT", install.sql))
}

/// What this run must have captured: what its backup holds, or what there is as long as there is no backup. Nothing if
/// the backup was made before there were change logs.
async fn wanted(cx: &Cx, client: &tokio_postgres::Client) -> Result<Option<Vec<Table>>> {
    match Manifest::read(&cx.folder.backup())? {
        Some(manifest) if manifest.captured.is_none() => Ok(None),
        Some(manifest) => Ok(Some(manifest.tables)),
        None => tables(client).await.map(Some),
    }
}

async fn session(cx: &Cx) -> Result<tokio_postgres::Client> {
    let client = cx.connect(None).await?;
    client.batch_execute(SESSION).await.map_err(Error::sql("setting the session up"))?;
    Ok(client)
}

impl Step for Capture {
    fn name(&self) -> &'static str {
        "capture"
    }

    fn about(&self) -> &'static str {
        "have triggers write down every change of the old tables, for a full rollback"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async move {
            let client = preview.url.connect().await?;
            client.batch_execute(SESSION).await.map_err(Error::sql("setting the session up"))?;
            let all = plan(&client, &tables(&client).await?).await?;
            Ok(all.iter().map(|install| call(&preview.plan.database, install)).collect())
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            Discovery::read(&cx.folder)?;
            if crate::replay::is_back(cx).await? {
                return Err(Error::refused(
                    "this run was rolled back in full, and its backup is what the database is now",
                    "begin another with `pyairtable-platform cutover run --dir DIR`",
                ));
            }
            if let Some(manifest) = Manifest::read(&cx.folder.backup())? {
                let client = session(cx).await?;
                let lost = gaps(&client, &manifest.tables).await?;
                let names: Vec<String> = lost.iter().map(Table::shown).collect();
                return Err(Error::refused(
                    format!(
                        "since the backup changes of {} were not written down, or the log is gone",
                        names.join(", ")
                    ),
                    "the backup alone brings back less than there was: make another run with \
                     `pyairtable-platform cutover run --dir DIR`, which makes a new one",
                ));
            }
            let client = cx.connect(None).await?;
            let sql = "SELECT concat_ws('; ', CASE WHEN NOT has_database_privilege(current_database(), 'CREATE')
                    THEN 'may not create a schema' END,
                (SELECT 'does not own ' || string_agg(c.oid::regclass::text, ', ') FROM pg_class c
                    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.relpersistence <> 't'
                    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                    AND NOT pg_has_role(c.relowner, 'MEMBER'))), current_user::text";
            let row = client.query_one(sql, &[]).await.map_err(Error::sql("asking for rights"))?;
            let why: String = row.get(0);
            if why.is_empty() {
                return Ok(());
            }
            Err(Error::refused(
                format!("{} {why}, so changes cannot be written down", row.get::<_, String>(1)),
                "use the role that owns the tables, or GRANT it to the one you use; GRANT CREATE ON DATABASE ... TO it",
            ))
        })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let (client, watcher) = (session(cx).await?, cx.connect(None).await?);
            let all = plan(&client, &tables(&client).await?).await?;
            let total = all.len() as u64;
            for (done, piece) in (0_u64..).zip(&all) {
                cx.breathe().await?;
                cx.progress("tables", done, total);
                let database = cx.plan.database.clone();
                cx.call(call(&database, piece)).await?;
                let (told, mut telling) = tokio::sync::mpsc::unbounded_channel();
                let table = piece.table.clone().unwrap_or_default();
                let mut waits = |attempts, blockers: Vec<db::migrate::Blocker>| {
                    let who: Vec<String> = blockers.iter().map(ToString::to_string).collect();
                    let who = if who.is_empty() { "somebody who has let go by now".to_owned() } else { who.join("; ") };
                    let why =
                        format!("attempt {attempts} at {table} met a lock of {who}; nobody waits behind this one");
                    let _ = told.send(why);
                };
                let mut running = std::pin::pin!(install(&client, &watcher, piece, &mut waits));
                loop {
                    tokio::select! {
                        done = &mut running => { done?; break }
                        Some(why) = telling.recv() => cx.wait(&why),
                    }
                }
            }
            Ok(())
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            let client = session(cx).await?;
            let Some(wanted) = wanted(cx, &client).await? else {
                return Ok(Some(json!({ "tables": 0, "why": "the backup is older than the change log" })));
            };
            let there = exists(&client).await? && gaps(&client, &wanted).await?.is_empty();
            Ok(there.then(|| json!({ "tables": wanted.len() })))
        })
    }

    fn undo<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        // Whoever goes back may want to go back in full next, and what is not written down meanwhile would be lost.
        Box::pin(async { Ok(()) })
    }
}
