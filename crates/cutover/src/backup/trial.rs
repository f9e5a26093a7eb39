//! The step that tries the backup: restored into a scratch database, measured there, and dropped.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::call::{self, Performer};
use super::manifest::Manifest;
use super::{check_files, measure};
use crate::digest::SESSION;
use crate::discover::{self, Server, bare, schema};
use crate::run::{Call, Cx, Doing, Preview, Step};
use crate::{Error, Result, files};

/// Restores the backup to see that it can be.
pub struct Trial;

/// What a trial came to; kept beside the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Passed {
    manifest_sha256: String,
    at: jiff::Timestamp,
    tables: usize,
    rows: u64,
}

impl Step for Trial {
    fn name(&self) -> &'static str {
        "trial-restore"
    }

    fn about(&self) -> &'static str {
        "restore the backup into a scratch database and compare all digests"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async move {
            let client = preview.url.connect().await?;
            let found = discover::discover(&client).await?;
            let scratch = preview.plan.scratch();
            let mut all = call::restore(&found.server, &scratch, &preview.folder.backup(), preview.plan.jobs);
            all.extend(
                found.tables.iter().map(|table| Call::Measure { database: scratch.clone(), table: table.shown() }),
            );
            all.push(call::drop_database(&found.server, &scratch));
            all.push(Call::Write(preview.folder.trial().display().to_string()));
            Ok(all)
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let client = cx.connect(None).await?;
            let sql = "SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user";
            let row = client.query_one(sql, &[]).await.map_err(Error::sql("asking for rights"))?;
            if row.get(0) {
                return Ok(());
            }
            Err(Error::refused(
                "the role in DATABASE_URL may not create databases, and the backup is tried in one",
                "run ALTER ROLE ... CREATEDB as a superuser, then `pyairtable-platform cutover run`",
            ))
        })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let folder = cx.folder.backup();
            let (manifest, sum) = check_files(&folder)?;
            let scratch = cx.plan.scratch();
            drop(restored(cx, &manifest, &scratch).await?);
            drop_scratch(cx, &manifest.server).await?;
            let passed = Passed {
                manifest_sha256: sum,
                at: cx.clock.now(),
                tables: manifest.tables.len(),
                rows: manifest.rows(),
            };
            let path = cx.folder.trial();
            cx.call(Call::Write(path.display().to_string())).await?;
            files::replace_json(&path, &passed)
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            let Some(passed) = files::read_json::<Passed>(&cx.folder.trial())? else { return Ok(None) };
            let (_, sum) = check_files(&cx.folder.backup())?;
            let client = cx.connect(None).await?;
            let sql = "SELECT FROM pg_catalog.pg_database WHERE datname = $1";
            let left =
                client.query_opt(sql, &[&cx.plan.scratch()]).await.map_err(Error::sql("reading the databases"))?;
            let done = passed.manifest_sha256 == sum && left.is_none();
            Ok(done.then(|| json!({ "manifest_sha256": sum, "tables": passed.tables, "rows": passed.rows })))
        })
    }

    fn clear<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            files::remove(&cx.folder.trial())?;
            clear_scratch(cx).await
        })
    }

    fn undo<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        // What was tried stays true; `clear` has dropped what was left.
        Box::pin(async { Ok(()) })
    }
}

/// Restores the backup of this run into a new database and compares it with the manifest. A session of it.
pub(crate) async fn restored(cx: &mut Cx, manifest: &Manifest, into: &str) -> Result<Client> {
    let client = cx.connect(None).await?;
    let (tools, stop, application) = (cx.tools.clone(), cx.stop(), cx.application_name());
    let (url, server) = (cx.url.clone(), &manifest.server);
    let performer = Performer { url: &url, tools: &tools, server, application: &application, stop: &stop };
    for call in call::restore(server, into, &cx.folder.backup(), cx.plan.jobs) {
        cx.call(call.clone()).await?;
        if matches!(call, Call::Program(_)) {
            cx.wait("pg_restore fills a new database");
        }
        performer.perform(&client, &call).await?;
    }
    let restored = cx.connect(Some(into)).await?;
    same(cx, &restored, into, manifest).await?;
    Ok(restored)
}

/// Drops the scratch database.
pub(crate) async fn drop_scratch(cx: &mut Cx, server: &Server) -> Result<()> {
    cx.call(call::drop_database(server, &cx.plan.scratch())).await?;
    clear_scratch(cx).await
}

/// The same without a word in the journal, if there is one.
pub(crate) async fn clear_scratch(cx: &Cx) -> Result<()> {
    let client = cx.connect(None).await?;
    let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", call::name(&cx.plan.scratch()));
    client.batch_execute(&sql).await.map_err(Error::sql("dropping the scratch database"))
}

/// Whether a restored database holds what the manifest says.
async fn same(cx: &mut Cx, client: &Client, database: &str, manifest: &Manifest) -> Result<()> {
    client.batch_execute(SESSION).await.map_err(Error::sql("setting the session up"))?;
    let now = measure::all(cx, client, database, &manifest.tables, Some(&manifest.digests)).await?;
    differences(client, manifest, &now).await
}

/// Everything in which a restored database is not what was dumped.
pub(crate) async fn differences(
    client: &Client,
    manifest: &Manifest,
    now: &std::collections::BTreeMap<String, crate::digest::TableDigest>,
) -> Result<()> {
    let mut wrong = Vec::new();
    for (name, before) in &manifest.digests {
        if !now.get(name).is_some_and(|now| now.same(before)) {
            wrong.push(format!("{name} holds other rows"));
        }
    }
    // Without a superuser everything belongs to whoever restores.
    if manifest.server.sees_all {
        let now = schema(client).await?;
        let known = |lines: &[String]| lines.iter().map(|line| bare(line)).collect::<BTreeSet<_>>();
        let (before, after) = (known(&manifest.schema), known(&now));
        wrong.extend(before.difference(&after).map(|line| format!("the schema lacks {line:?}")));
        wrong.extend(after.difference(&before).map(|line| format!("the schema has {line:?}")));
    }
    let sequences = measure::sequences(client).await?;
    for (name, before) in &manifest.sequences {
        if sequences.get(name).is_none_or(|now| now < before) {
            wrong.push(format!("sequence {name} is behind"));
        }
    }
    if measure::large_objects(client).await? < manifest.large_objects {
        wrong.push("large objects are missing".to_owned());
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Error::differs(
        format!("the restored backup is not what was dumped: {}", wrong.join(", ")),
        "do not use this backup; make a new one in another folder with `pyairtable-platform cutover backup --dir DIR`",
    ))
}
