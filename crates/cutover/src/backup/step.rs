//! The step that makes the backup.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::call::{self, Performer};
use super::manifest::{FORMAT, Manifest, sums_of};
use super::{Archive, archive, check_files, measure};
use crate::digest::SESSION;
use crate::discover::{self, Discovery, fingerprint};
use crate::run::{Call, Cx, Doing, Preview, Step, version};
use crate::{Error, Result, files};

/// Dumps under a snapshot that is measured.
pub struct Backup;

const PARTIAL: &str = "backup.partial-";

impl Step for Backup {
    fn name(&self) -> &'static str {
        "backup"
    }

    fn about(&self) -> &'static str {
        "dump database, roles and service folders under one measured snapshot"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async move {
            let client = preview.url.connect().await?;
            let found = discover::discover(&client).await?;
            let partial = preview.folder.path().join(format!("{PARTIAL}<token>"));
            let mut all = vec![Call::Write(partial.display().to_string())];
            all.push(Call::sql(&found.server.database, call::BEGIN));
            all.push(Call::sql(&found.server.database, call::EXPORT));
            all.push(call::dump(
                preview.plan.jobs,
                "<snapshot>",
                &partial.display().to_string(),
                &found.server.database,
            ));
            let database = &found.server.database;
            all.extend(
                found.tables.iter().map(|table| Call::Measure { database: database.clone(), table: table.shown() }),
            );
            all.extend(rest(&partial, &preview.plan.archive, database));
            all.push(Call::Write(preview.folder.backup().display().to_string()));
            Ok(all)
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let found = Discovery::read(&cx.folder)?;
            for program in ["pg_dump", "pg_dumpall", "pg_restore"] {
                cx.tools.find(program, found.server.major).await?;
            }
            for path in &cx.plan.archive {
                if !path.exists() {
                    return Err(Error::refused(
                        format!("{} is to be archived and does not exist", path.display()),
                        "begin again in another folder: `pyairtable-platform cutover backup --dir DIR --archive PATH`",
                    ));
                }
            }
            room(cx.folder.path(), found.server.bytes)
        })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let found = Discovery::read(&cx.folder)?;
            let partial = cx.folder.path().join(format!("{PARTIAL}{}", cx.token()));
            cx.call(Call::Write(partial.display().to_string())).await?;
            fs::create_dir(&partial).map_err(Error::file("create", &partial))?;
            let manifest = dump(cx, &found, &partial).await?;
            manifest.write(&partial)?;
            files::sync(&partial)?;
            let whole = cx.folder.backup();
            cx.call(Call::Write(whole.display().to_string())).await?;
            fs::rename(&partial, &whole).map_err(Error::file("rename", &partial))?;
            files::sync_parent(&whole)
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            if !cx.folder.backup().exists() {
                return Ok(None);
            }
            let (manifest, sum) = check_files(&cx.folder.backup())?;
            // Manifest and sums can be forged together; the journal cannot be with them.
            let noted = cx.outcome(self.name()).and_then(|outcome| outcome["manifest_sha256"].as_str());
            if manifest.run != cx.plan.run || noted.is_some_and(|noted| noted != sum) {
                return Err(Error::differs(
                    format!("{} is not the backup that this run made", cx.folder.backup().display()),
                    "put that one back, or make a new one in another folder: \
                     `pyairtable-platform cutover backup --dir DIR`",
                ));
            }
            Ok(Some(json!({
                "manifest_sha256": sum, "rows": manifest.rows(), "tables": manifest.tables.len(),
                "files": manifest.files.len(), "bytes": manifest.bytes(), "fingerprint": manifest.fingerprint,
            })))
        })
    }

    fn clear<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let folder = cx.folder.path().to_owned();
            for entry in fs::read_dir(&folder).map_err(Error::file("list", &folder))?.flatten() {
                if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
                    files::remove_folder(&entry.path())?;
                }
            }
            Ok(())
        })
    }

    fn undo<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        // Whoever goes back is glad to have it.
        Box::pin(async { Ok(()) })
    }
}

/// What follows the dump.
fn rest(partial: &Path, folders: &[PathBuf], database: &str) -> Vec<Call> {
    let mut all = vec![call::roles(&partial.display().to_string(), database)];
    let archives = folders.iter().enumerate().map(|(at, source)| partial.join(archive::name(at, source)));
    all.extend(archives.map(|path| Call::Write(path.display().to_string())));
    all.push(Call::Write(partial.join(super::manifest::MANIFEST).display().to_string()));
    all
}

async fn dump(cx: &mut Cx, found: &Discovery, partial: &Path) -> Result<Manifest> {
    let database = found.server.database.clone();
    let (tools, stop, application) = (cx.tools.clone(), cx.stop(), cx.application_name());
    let (url, server) = (cx.url.clone(), found.server.clone());
    let performer = Performer { url: &url, tools: &tools, server: &server, application: &application, stop: &stop };

    // The snapshot lives as long as this transaction.
    let client = cx.connect(None).await?;
    client.batch_execute(SESSION).await.map_err(Error::sql("setting the session up"))?;
    cx.execute(&client, &database, call::BEGIN).await?;
    cx.call(Call::sql(&database, call::EXPORT)).await?;
    let snapshot: String = client.query_one(call::EXPORT, &[]).await.map_err(Error::sql(call::EXPORT))?.get(0);
    let made_at = cx.clock.now();
    let program = call::dump(cx.plan.jobs, &snapshot, &partial.display().to_string(), &database);
    cx.call(program.clone()).await?;
    let tables = crate::digest::tables(&client).await?;
    let captured = captured(&client, &tables).await?;
    // They stand outside of transactions. Read before the dump begins, they are behind those in it or the same.
    let sequences = measure::sequences(&client).await?;
    let dumped = performer.program(&program);
    let measured = async {
        let schema = discover::schema(&client).await?;
        let digests = measure::all(cx, &client, &database, &tables, None).await?;
        cx.wait("pg_dump writes the rest");
        Ok((schema, digests, measure::large_objects(&client).await?))
    };
    let ((), (schema, digests, large_objects)) = tokio::try_join!(dumped, measured)?;
    drop(client);

    let mut archives = Vec::new();
    for (at, call) in rest(partial, &cx.plan.archive.clone(), &database).into_iter().enumerate() {
        cx.call(call.clone()).await?;
        performer.program(&call).await?;
        let Some((number, source)) = at.checked_sub(1).and_then(|at| Some((at, cx.plan.archive.get(at)?.clone())))
        else {
            continue;
        };
        let file = archive::name(number, &source);
        let target = partial.join(&file);
        let folder = partial.join("files");
        fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        let (entries, skipped) = archive::pack(&source, &target, cx.folder.path())?;
        archives.push(Archive { source, file, entries, skipped });
    }
    let mut tools = Vec::new();
    for program in ["pg_dump", "pg_dumpall", "pg_restore"] {
        tools.extend(version(&cx.tools.find(program, found.server.major).await?).await);
    }
    tools.push(format!("pyairtable-platform {}", env!("CARGO_PKG_VERSION")));
    Ok(Manifest {
        format: FORMAT,
        run: cx.plan.run.clone(),
        made_at,
        server,
        tools,
        snapshot,
        captured: Some(captured),
        fingerprint: fingerprint(&schema),
        schema,
        tables,
        digests,
        sequences,
        large_objects,
        archives,
        files: sums_of(partial)?,
    })
}

/// What the snapshot of this transaction sees. Every table must be captured by then.
async fn captured(client: &tokio_postgres::Client, tables: &[crate::digest::Table]) -> Result<String> {
    let gaps: Vec<String> =
        crate::capture::gaps(client, tables).await?.iter().map(crate::digest::Table::shown).collect();
    if !gaps.is_empty() {
        return Err(Error::refused(
            format!("{} came into being or changed since the change log was installed", gaps.join(", ")),
            "run the same command again: it has them written down too",
        ));
    }
    let sql = "SELECT pg_catalog.pg_current_snapshot()::text";
    Ok(client.query_one(sql, &[]).await.map_err(Error::sql("asking what a snapshot sees"))?.get(0))
}

/// Whether the disk has room for the dump. It is compressed, so the size of the database is more than enough.
fn room(folder: &Path, bytes: u64) -> Result<()> {
    let disk = rustix::fs::statvfs(folder).map_err(|error| Error::file("look at the disk of", folder)(error.into()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free >= bytes {
        return Ok(());
    }
    Err(Error::refused(
        format!("{} has {} MB free, and the database has {} MB", folder.display(), free >> 20, bytes >> 20),
        "free space, or use a folder on another disk: `pyairtable-platform cutover backup --dir DIR`",
    ))
}
