//! The last step: writers wait, the rest is applied, every table is compared, and the two databases change their names.
//!
//! Writers are held by locks of this session, which go when it goes: a tool that is killed leaves the live database as it
//! was. Only at the very end, when all is known to be equal, both databases refuse connections for as long as it takes to
//! end the sessions and to change the names.

use std::time::{Duration, Instant};

use db::DatabaseUrl;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::compare::{compare, words};
use super::restore::{covered, database_exists, session, switched};
use super::step::writer;
use super::{Choice, Position, carry, round, tables};
use crate::backup::{Manifest, call};
use crate::capture::{Left, left_out, literal};
use crate::digest::quote;
use crate::journal;
use crate::run::{Call, Cx, Doing, Folder, Plan, Preview, Step};
use crate::{Error, Result};

/// The step's name.
pub const SWITCH: &str = "switch-database";
/// How long writers in the way are waited for before they are ended: their sessions end in a moment anyway.
const LOCK_WAIT: Duration = Duration::from_secs(3);

/// Puts the copy in place of the live database.
pub struct Switch {
    choice: Choice,
}

impl Switch {
    pub(super) const fn new(choice: Choice) -> Self {
        Self { choice }
    }
}

fn renames(plan: &Plan) -> String {
    let [live, kept, copy] = [&plan.database, &plan.kept(), &plan.restored()].map(|name| call::name(name));
    format!("BEGIN; ALTER DATABASE {live} RENAME TO {kept}; ALTER DATABASE {copy} RENAME TO {live}; COMMIT")
}

fn connections(name: &str, allowed: bool) -> String {
    format!("ALTER DATABASE {} ALLOW_CONNECTIONS {allowed}", call::name(name))
}

impl Step for Switch {
    fn name(&self) -> &'static str {
        SWITCH
    }

    fn about(&self) -> &'static str {
        "hold writers, compare every table, and put the copy in place of the live database"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async move {
            let plan = &preview.plan;
            let tables = Manifest::read(&preview.folder.backup())?.map(|manifest| manifest.tables).unwrap_or_default();
            let mut all =
                vec![Call::sql(&plan.database, "BEGIN; LOCK TABLE <each table of the backup> IN EXCLUSIVE MODE")];
            if self.choice.until.is_none() {
                let both = |name: &str| Call::Measure { database: plan.database.clone(), table: name.to_owned() };
                all.extend(tables.iter().map(|table| both(&table.shown())));
            }
            all.push(Call::sql("postgres", connections(&plan.database, false)));
            all.push(Call::sql("postgres", renames(plan)));
            all.push(Call::sql("postgres", connections(&plan.kept(), true)));
            Ok(all)
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let live = session(cx, None).await?;
            let (manifest, _) = covered(cx, &live).await?;
            tables::check(&live, &manifest, &self.choice).await?;
            let sql = "SELECT count(*) FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()";
            let row = live.query_one(sql, &[]).await.map_err(Error::sql("looking for prepared transactions"))?;
            if row.get::<_, i64>(0) == 0 {
                return Ok(());
            }
            Err(Error::refused(
                "a prepared transaction would be neither in the copy nor ended",
                "COMMIT PREPARED or ROLLBACK PREPARED it: SELECT gid FROM pg_prepared_xacts",
            ))
        })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let done = self.held(cx).await;
            let Ok(Held { mut outcome, since, refused }) = done else {
                let _ = allow(&cx.url, &cx.plan).await;
                return done.map(drop);
            };
            let swapped = match cx.step_out().await {
                Ok(()) => swap(cx).await,
                Err(error) => Err(error),
            };
            if swapped.is_err() {
                // The names did not change: the live database goes on.
                let _ = allow(&cx.url, &cx.plan).await;
            }
            let back = cx.come_back().await;
            swapped?;
            back?;
            let millis = |since: Instant| u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            outcome["writers_waited_ms"] = millis(since).into();
            outcome["nobody_connected_ms"] = millis(refused).into();
            cx.note("outcome", outcome).await
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            if !switched(cx).await? {
                return Ok(None);
            }
            // The note of how far the copy was has done its work.
            let client = cx.connect(None).await?;
            let sql = "DROP SCHEMA IF EXISTS pyairtable_cutover CASCADE";
            client.batch_execute(sql).await.map_err(Error::sql(sql))?;
            let known = cx.noted("outcome").cloned();
            Ok(Some(known.unwrap_or_else(|| json!({ "database": cx.plan.database, "kept": cx.plan.kept() }))))
        })
    }

    fn clear<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move { allow(&cx.url, &cx.plan).await })
    }

    fn undo<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move { roll_forward(cx).await })
    }
}

/// What was done while writers waited, and since when.
struct Held {
    outcome: Value,
    since: Instant,
    refused: Instant,
}

impl Switch {
    /// Everything while writers wait. Dropping the sessions lets them go on, so nobody is left by then.
    async fn held(&self, cx: &mut Cx) -> Result<Held> {
        let (live, reader, copy) = (session(cx, None).await?, session(cx, None).await?, writer(cx).await?);
        let maintenance = cx.connect(Some("postgres")).await?;
        let (manifest, _) = covered(cx, &reader).await?;
        for call in carry::statements(&reader, &cx.plan.database, &cx.plan.restored()).await? {
            cx.call(call.clone()).await?;
            let Call::Sql { statement, .. } = call else { continue };
            reader.batch_execute(&statement).await.map_err(Error::sql(statement.clone()))?;
        }
        let since = Instant::now();
        hold(cx, &live, &reader, &manifest).await?;
        covered(cx, &reader).await?;
        let mut applied = 0;
        loop {
            let done = round(&reader, &copy, async |_, _| Ok(())).await?;
            applied += done.applied;
            if done.fresh {
                break;
            }
        }
        let sequences = sequences(&reader, &copy).await?;
        let mut left: Vec<Left> = Vec::new();
        let position = Position::read(&copy).await?;
        let mut rows = None;
        match position.as_ref().and_then(|position| position.until) {
            Some(until) => left = left_out(&reader, until).await?,
            None => rows = Some(same(cx, &reader, &copy, &manifest).await?),
        }
        // On disk before anybody relies on it: this commit waits for all before it.
        let sync = "SET synchronous_commit = on; CREATE TEMP TABLE last (at timestamptz); DROP TABLE last";
        copy.batch_execute(sync).await.map_err(Error::sql("syncing the copy"))?;
        // Those who wait for this session's locks must be gone when it ends.
        let refused = Instant::now();
        cx.call(Call::sql("postgres", connections(&cx.plan.database, false))).await?;
        let sql = connections(&cx.plan.database, false);
        maintenance.batch_execute(&sql).await.map_err(Error::sql(sql.clone()))?;
        let all = "SELECT pg_catalog.pg_terminate_backend(pid, 5000) FROM pg_catalog.pg_stat_activity
            WHERE datname = current_database() AND application_name <> current_setting('application_name')";
        reader.query(all, &[]).await.map_err(Error::sql("ending sessions"))?;
        let others = "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database()
            AND backend_type = 'client backend' AND application_name <> current_setting('application_name')";
        if reader.query_one(others, &[]).await.map_err(Error::sql("ending sessions"))?.get::<_, i64>(0) > 0 {
            return Err(Error::refused(
                "a session of the live database does not end, and might write when this one lets go",
                "nothing was switched; find it in pg_stat_activity, and run the same command again",
            ));
        }
        let outcome = json!({
            "database": cx.plan.database, "kept": cx.plan.kept(), "tables": manifest.tables.len(), "rows_compared": rows,
            "changes": position.map(|position| position.applied), "while_writers_waited": applied,
            "sequences": sequences, "left_out": left,
        });
        Ok(Held { outcome, since, refused })
    }
}

/// Has all writers of the captured tables wait. Readers go on.
async fn hold(cx: &mut Cx, live: &Client, reader: &Client, manifest: &Manifest) -> Result<()> {
    let names: Vec<String> =
        manifest.tables.iter().map(|table| format!("ONLY {}.{}", quote(&table.schema), quote(&table.name))).collect();
    if names.is_empty() {
        return Ok(());
    }
    let lock = format!("BEGIN; LOCK TABLE {} IN EXCLUSIVE MODE", names.join(", "));
    cx.call(Call::sql(&cx.plan.database, lock.clone())).await?;
    let pid: i32 =
        live.query_one("SELECT pg_backend_pid()", &[]).await.map_err(Error::sql("asking for a session"))?.get(0);
    let waiting = async {
        tokio::time::sleep(LOCK_WAIT).await;
        loop {
            let sql = "SELECT pg_catalog.pg_terminate_backend(blocker)
                FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1)) blocker WHERE blocker <> 0";
            reader.query(sql, &[&pid]).await.map_err(Error::sql("ending those in the way"))?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        done = live.batch_execute(&lock) => done.map_err(Error::sql("having writers wait")),
        failed = waiting => {
            let failed: Result<std::convert::Infallible> = failed;
            match failed { Err(error) => Err(error), Ok(never) => match never {} }
        }
    }
}

/// Sequences as far as they are now. How many.
async fn sequences(live: &Client, copy: &Client) -> Result<usize> {
    let doing = || Error::sql("copying the sequences");
    let sql = "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND c.relpersistence <> 't'
        AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pyairtable_cutover')";
    let names = async |client: &Client| -> Result<Vec<String>> {
        Ok(client.query(sql, &[]).await.map_err(doing())?.iter().map(|row| row.get(0)).collect())
    };
    let (there, wanted) = (names(live).await?, names(copy).await?);
    let mut copied = 0;
    for name in wanted.iter().filter(|name| there.contains(name)) {
        let row = live.query_one(&format!("SELECT last_value, is_called FROM {name}"), &[]).await.map_err(doing())?;
        let (last, called): (i64, bool) = (row.get(0), row.get(1));
        let set = format!("SELECT pg_catalog.setval({}, {last}, {called})", literal(name));
        copy.query(&set, &[]).await.map_err(doing())?;
        copied += 1;
    }
    Ok(copied)
}

/// Compares every table of the backup, live and in the copy. How many rows.
async fn same(cx: &mut Cx, live: &Client, copy: &Client, manifest: &Manifest) -> Result<u64> {
    let verdict = compare(cx, live, copy, manifest).await?;
    if verdict.equal { Ok(verdict.rows()) } else { Err(differ(&words(&verdict))) }
}

fn differ(what: &str) -> Error {
    Error::differs(
        format!("live database and copy differ, and nothing was switched: {what}"),
        "if the live rows are the damaged ones, name the moment before with --until; otherwise see \
         docs/runbooks/full-rollback.md",
    )
}

/// The names change in one transaction.
async fn swap(cx: &mut Cx) -> Result<()> {
    let maintenance = cx.connect(Some("postgres")).await?;
    for name in [cx.plan.database.clone(), cx.plan.restored()] {
        end_sessions(&maintenance, &name).await?;
    }
    let sql = renames(&cx.plan);
    cx.call(Call::sql("postgres", sql.clone())).await?;
    if let Err(error) = maintenance.batch_execute(&sql).await {
        let _ = maintenance.batch_execute("ROLLBACK").await;
        return Err(Error::sql(sql)(error));
    }
    let sql = connections(&cx.plan.kept(), true);
    cx.call(Call::sql("postgres", sql.clone())).await?;
    maintenance.batch_execute(&sql).await.map_err(Error::sql(sql.clone()))
}

async fn end_sessions(maintenance: &Client, name: &str) -> Result<()> {
    let sql = "SELECT pg_catalog.pg_terminate_backend(pid, 5000) FROM pg_catalog.pg_stat_activity WHERE datname = $1";
    maintenance.query(sql, &[&name]).await.map_err(Error::sql("ending sessions")).map(drop)
}

/// Lets everybody connect to the databases of this run, whatever they are called by now.
async fn allow(url: &DatabaseUrl, plan: &Plan) -> Result<()> {
    let maintenance = url.with_database("postgres").connect().await?;
    let sql = "SELECT datname::text FROM pg_catalog.pg_database WHERE datname = ANY ($1) AND NOT datallowconn";
    let names = vec![plan.database.clone(), plan.kept(), plan.restored(), plan.undone()];
    for row in maintenance.query(sql, &[&names]).await.map_err(Error::sql("reading the databases"))? {
        let sql = connections(row.get(0), true);
        maintenance.batch_execute(&sql).await.map_err(Error::sql(sql.clone()))?;
    }
    Ok(())
}

/// What a tool that was killed in the middle of a switch left: databases that refuse connections. To be called before a
/// run is opened, which needs a connection. Does nothing while another tool holds the run.
pub async fn mend(folder: &Folder, url: &DatabaseUrl) -> Result<()> {
    let Some(plan) = Plan::read(folder)? else { return Ok(()) };
    let records = journal::read(&folder.journal())?.records;
    let began = records.iter().any(|record| record.entry.step() == Some(SWITCH));
    if !began || crate::run::held(folder) {
        return Ok(());
    }
    allow(url, &plan).await
}

/// Takes a full rollback back: the kept database gets its name again. What was written to the copy since is kept too.
pub async fn roll_forward(cx: &mut Cx) -> Result<()> {
    let client = cx.connect(None).await?;
    let (kept, undone) = (cx.plan.kept(), cx.plan.undone());
    if !switched(cx).await? {
        return Ok(());
    }
    if database_exists(&client, &undone).await? {
        return Err(Error::refused(
            format!("database {undone} exists, where the present one would go"),
            format!("DROP DATABASE {undone} or rename it, then run the same command again"),
        ));
    }
    drop(client);
    let [live, kept, undone] = [&cx.plan.database, &kept, &undone].map(|name| call::name(name));
    let sql =
        format!("BEGIN; ALTER DATABASE {live} RENAME TO {undone}; ALTER DATABASE {kept} RENAME TO {live}; COMMIT");
    cx.step_out().await?;
    let swapped = async {
        let maintenance = cx.connect(Some("postgres")).await?;
        for name in [cx.plan.database.clone(), cx.plan.kept()] {
            let closed = connections(&name, false);
            cx.call(Call::sql("postgres", closed.clone())).await?;
            maintenance.batch_execute(&closed).await.map_err(Error::sql(closed.clone()))?;
            end_sessions(&maintenance, &name).await?;
        }
        cx.call(Call::sql("postgres", sql.clone())).await?;
        let done = maintenance.batch_execute(&sql).await;
        if done.is_err() {
            let _ = maintenance.batch_execute("ROLLBACK").await;
        }
        done.map_err(Error::sql(sql.clone()))
    }
    .await;
    allow(&cx.url, &cx.plan).await?;
    cx.come_back().await?;
    swapped
}
