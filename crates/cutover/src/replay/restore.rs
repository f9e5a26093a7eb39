//! The first step: the verified backup in a new database.

use serde_json::{Value, json};
use tokio_postgres::Client;

use super::{Choice, Position, SWITCH, tables};
use crate::backup::call;
use crate::backup::{Manifest, check_files, trial};
use crate::capture::gaps;
use crate::digest::{SESSION, Table};
use crate::run::{Call, Cx, Doing, Preview, Step};
use crate::{Error, Result};

/// Restores the backup beside the live database.
pub struct Beside {
    choice: Choice,
}

impl Beside {
    pub(super) const fn new(choice: Choice) -> Self {
        Self { choice }
    }

    fn wish(&self) -> String {
        self.choice.until.map(|until| until.to_string()).unwrap_or_default()
    }
}

pub(super) async fn database_exists(client: &Client, name: &str) -> Result<bool> {
    let sql = "SELECT FROM pg_catalog.pg_database WHERE datname = $1";
    Ok(client.query_opt(sql, &[&name]).await.map_err(Error::sql("reading the databases"))?.is_some())
}

/// Whether the databases of this run have changed their names: they do so in one transaction.
pub(crate) async fn switched(cx: &Cx) -> Result<bool> {
    let client = cx.connect(None).await?;
    Ok(database_exists(&client, &cx.plan.kept()).await? && !database_exists(&client, &cx.plan.restored()).await?)
}

/// A session of the copy or of the live database, set up so that texts of values are exact.
pub(super) async fn session(cx: &Cx, database: Option<&str>) -> Result<Client> {
    let client = cx.connect(database).await?;
    client.batch_execute(SESSION).await.map_err(Error::sql("setting the session up"))?;
    Ok(client)
}

/// The backup of this run and what its snapshot saw, with every change since written down.
pub(super) async fn covered(cx: &Cx, live: &Client) -> Result<(Manifest, String)> {
    let folder = cx.folder.backup();
    let Some(manifest) = Manifest::read(&folder)? else {
        return Err(Error::refused(
            format!("there is no backup in {}", folder.display()),
            "name the folder of its run with --dir; without a backup `pyairtable-platform cutover rollback` goes back \
             as far as it can",
        ));
    };
    let Some(seen) = manifest.captured.clone() else {
        return Err(Error::refused(
            "the backup is older than the change log, so what was written since is in no log",
            "`pyairtable-platform cutover restore --into NAME` brings back the rows of the backup alone",
        ));
    };
    let lost: Vec<String> = gaps(live, &manifest.tables).await?.iter().map(Table::shown).collect();
    if !lost.is_empty() {
        return Err(Error::refused(
            format!(
                "changes of {} are not all in the log: its triggers are gone, disabled or of other columns",
                lost.join(", ")
            ),
            "nothing brings back what nobody wrote down: go back with `pyairtable-platform cutover rollback`, and see \
             docs/runbooks/full-rollback.md for the rows",
        ));
    }
    Ok((manifest, seen))
}

impl Step for Beside {
    fn name(&self) -> &'static str {
        "restore-beside"
    }

    fn about(&self) -> &'static str {
        "restore the verified backup into a new database beside the live one"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async move {
            let Some(manifest) = Manifest::read(&preview.folder.backup())? else { return Ok(Vec::new()) };
            let copy = preview.plan.restored();
            let mut all = call::restore(&manifest.server, &copy, &preview.folder.backup(), preview.plan.jobs);
            let measured = manifest.tables.iter();
            all.extend(measured.map(|table| Call::Measure { database: copy.clone(), table: table.shown() }));
            Ok(all)
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let live = session(cx, None).await?;
            if database_exists(&live, &cx.plan.kept()).await? {
                let kept = cx.plan.kept();
                return Err(Error::refused(
                    format!("database {kept} exists: this run was rolled back in full before"),
                    format!(
                        "`pyairtable-platform cutover rollback --full --back` takes that back, or DROP DATABASE {kept}"
                    ),
                ));
            }
            let (manifest, ..) = covered(cx, &live).await?;
            tables::check(&live, &manifest, &self.choice).await?;
            if let Some(until) = self.choice.until {
                until.resolve(&live).await?;
            }
            cx.tools.find("pg_restore", manifest.server.major).await?;
            let sql = "SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user";
            let row = live.query_one(sql, &[]).await.map_err(Error::sql("asking for rights"))?;
            if !row.get::<_, bool>(0) {
                return Err(Error::refused(
                    "the role in DATABASE_URL may not create databases",
                    "ALTER ROLE ... CREATEDB, or use another role for this command",
                ));
            }
            as_a_replica(&live).await
        })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let live = session(cx, None).await?;
            let (_, sum) = check_files(&cx.folder.backup())?;
            let (manifest, seen) = covered(cx, &live).await?;
            let until = match self.choice.until {
                Some(until) => Some(until.resolve(&live).await?),
                None => None,
            };
            let copy = cx.plan.restored();
            let restored = trial::restored(cx, &manifest, &copy).await?;
            Position { until, wish: self.wish(), ..Position::of(seen, sum) }.begin(&restored).await
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            if switched(cx).await? {
                return Ok(Some(json!({ "database": cx.plan.database })));
            }
            let copy = cx.plan.restored();
            if !database_exists(&cx.connect(None).await?, &copy).await? {
                return Ok(None);
            }
            let Some(position) = Position::read(&cx.connect(Some(&copy)).await?).await? else { return Ok(None) };
            let (manifest, sum) = check_files(&cx.folder.backup())?;
            let ours = position.manifest_sha256 == sum && position.wish == self.wish();
            Ok(ours.then(|| json!({ "database": copy, "tables": manifest.tables.len(), "rows": manifest.rows() })))
        })
    }

    fn clear<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            // What a rollback in full ended with has another name by then.
            if cx.outcome(SWITCH).is_some() && switched(cx).await? {
                return Ok(());
            }
            let client = cx.connect(None).await?;
            let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", call::name(&cx.plan.restored()));
            client.batch_execute(&sql).await.map_err(Error::sql("dropping an unfinished copy"))
        })
    }

    fn undo<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Has triggers and foreign keys of this session stand still.
pub(super) async fn as_a_replica(client: &Client) -> Result<()> {
    let set = client.batch_execute("SET session_replication_role = replica").await;
    if set.is_err() {
        return Err(Error::refused(
            "the role in DATABASE_URL may not have triggers stand still, which would do everything a second time",
            "use a superuser for this command, or on PostgreSQL 15 and later as one: GRANT SET ON PARAMETER \
             session_replication_role TO the role",
        ));
    }
    Ok(())
}
