//! The step that looks whether the rows are still what they should be, while others write: the backup in the scratch
//! database, every change since on top of it, and every table compared with what the live one held at that moment.

use std::collections::BTreeMap;
use std::time::Instant;

use db::migrate::SESSION_NAME;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::Position;
use super::compare::{compare, words};
use super::follow::{round, round_seen};
use super::restore::{covered, session};
use super::step::{NEAR, appender};
use crate::backup::{call, check_files, trial};
use crate::report::kept::keep_verification;
use crate::run::{Call, Cx, Doing, Preview, Step};
use crate::{Error, Result, files};

/// After so many rounds the copy need not come nearer: the live database can be looked at as of a minute ago as well.
const ROUNDS: u32 = 10;

/// Compares the live rows with the backup and the change log.
pub struct Verify;

/// What it came to; kept in the run's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Verified {
    manifest_sha256: String,
    at: Timestamp,
    tables: usize,
    rows: u64,
    changes: i64,
    /// Who made them, by `application_name`.
    by: BTreeMap<String, i64>,
}

impl Step for Verify {
    fn name(&self) -> &'static str {
        "verify"
    }

    fn about(&self) -> &'static str {
        "put backup and change log together, and compare every row of the old tables with that"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async move {
            let found = crate::discover::discover(&preview.url.connect().await?).await?;
            let (plan, scratch) = (&preview.plan, preview.plan.scratch());
            let mut all = call::restore(&found.server, &scratch, &preview.folder.backup(), plan.jobs);
            let read = |database: &str, table: String| Call::Measure { database: database.to_owned(), table };
            all.extend(found.tables.iter().map(|table| read(&scratch, table.shown())));
            all.push(Call::sql(&scratch, FREED));
            all.push(Call::sql(&scratch, applied(&plan.database)));
            all.extend(found.tables.iter().map(|table| read(&plan.database, table.shown())));
            all.push(Call::Write(preview.folder.verification().display().to_string()));
            all.push(call::drop_database(&found.server, &scratch));
            all.push(Call::Write(preview.folder.verified().display().to_string()));
            Ok(all)
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let live = session(cx, None).await?;
            covered(cx, &live).await.map(drop)
        })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let (_, sum) = check_files(&cx.folder.backup())?;
            let live = session(cx, None).await?;
            let (manifest, seen) = covered(cx, &live).await?;
            let scratch = cx.plan.scratch();
            let restored = trial::restored(cx, &manifest, &scratch).await?;
            Position::of(seen.clone(), sum.clone()).begin(&restored).await?;
            cx.call(Call::sql(&scratch, FREED)).await?;
            free(&restored).await?;
            drop(restored);
            let copy = appender(cx, &scratch).await?;
            cx.call(Call::sql(&scratch, applied(&cx.plan.database))).await?;
            // A transaction that stays open holds VACUUM up, so the last one should be short.
            for number in 1..ROUNDS {
                let began = Instant::now();
                let each = async |done, total| {
                    cx.breathe().await?;
                    if number == 1 {
                        cx.progress("changes applied", done, total);
                    }
                    Ok(())
                };
                round(&live, &copy, each).await?;
                if began.elapsed() < NEAR {
                    break;
                }
            }
            round_seen(&live, &copy, async |_, _| Ok(())).await?;
            let verdict = compare(cx, &live, &copy, &manifest).await?;
            let by = authors(&live, &seen).await?;
            live.batch_execute("COMMIT").await.map_err(Error::sql("ending to read"))?;
            let position = Position::read(&copy).await?;
            drop(copy);
            let at = cx.clock.now();
            cx.call(Call::Write(cx.folder.verification().display().to_string())).await?;
            keep_verification(&cx.folder, at, &verdict, position.as_ref().map(|position| position.applied))?;
            if !verdict.equal {
                return Err(Error::differs(
                    format!("the live rows are not those of the backup and every change since: {}", words(&verdict)),
                    format!(
                        "somebody wrote past the triggers of the change log, or a row is damaged; look at these rows here \
                         and in database {scratch}, and run the same command again: no traffic has moved"
                    ),
                ));
            }
            by_nobody_here(&by)?;
            trial::drop_scratch(cx, &manifest.server).await?;
            let verified = Verified {
                manifest_sha256: sum,
                at,
                tables: verdict.tables.len(),
                rows: verdict.rows(),
                changes: position.map_or(0, |position| position.applied),
                by,
            };
            let path = cx.folder.verified();
            cx.call(Call::Write(path.display().to_string())).await?;
            files::replace_json(&path, &verified)
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            let Some(verified) = files::read_json::<Verified>(&cx.folder.verified())? else { return Ok(None) };
            let (_, sum) = check_files(&cx.folder.backup())?;
            let Verified { tables, rows, changes, by, .. } = &verified;
            let outcome = || json!({ "tables": tables, "rows": rows, "changes": changes, "by": by });
            Ok((verified.manifest_sha256 == sum).then(outcome))
        })
    }

    fn clear<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            files::remove(&cx.folder.verified())?;
            trial::clear_scratch(cx).await
        })
    }

    fn undo<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        // `clear` has dropped what was left.
        Box::pin(async { Ok(()) })
    }
}

/// What [`free`] does, for who reads the journal.
const FREED: &str = "DROP <each foreign key, deferrable constraint and trigger>";

/// What the rounds do.
fn applied(database: &str) -> String {
    format!("<each change of {database}'s log since the backup>")
}

/// Takes triggers and constraints away: the log has what triggers and cascades did, batches end in the middle of
/// transactions, and dropping takes no more than an owner's rights.
async fn free(copy: &Client) -> Result<()> {
    let sql = "SELECT pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::pg_catalog.regclass, conname)
        FROM pg_catalog.pg_constraint WHERE (contype = 'f' OR condeferrable) AND conparentid = 0 AND conrelid <> 0
        UNION ALL SELECT pg_catalog.format('DROP TRIGGER %I ON %s', tgname, tgrelid::pg_catalog.regclass)
        FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgparentid = 0";
    let rows = copy.query(sql, &[]).await.map_err(Error::sql("reading triggers and foreign keys"))?;
    let statements = rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("; ");
    copy.batch_execute(&statements).await.map_err(Error::sql("taking triggers and foreign keys away"))
}

/// Who wrote what the log has since the backup.
async fn authors(live: &Client, seen: &str) -> Result<BTreeMap<String, i64>> {
    let sql = "SELECT application, count(*) FROM pyairtable_cutover.changes
        WHERE NOT pg_catalog.pg_visible_in_snapshot(xid, $1::text::pg_snapshot) GROUP BY 1";
    let rows = live.query(sql, &[&seen]).await.map_err(Error::sql("reading the change log"))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Neither an expansion nor anything else of the take-over changes a row of the old services.
fn by_nobody_here(by: &BTreeMap<String, i64>) -> Result<()> {
    let ours = |name: &str| name == SESSION_NAME || name.starts_with(crate::run::APPLICATION);
    let Some((name, rows)) = by.iter().find(|(name, _)| ours(name)) else { return Ok(()) };
    Err(Error::differs(
        format!("{name} changed rows of the old tables, {rows} in all, and it should have changed none"),
        "see which with `pyairtable-platform cutover changes`, and go back with `pyairtable-platform cutover rollback \
         --full`",
    ))
}
