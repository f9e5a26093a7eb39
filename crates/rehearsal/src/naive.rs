//! The negative control: the take-over as it is written down in many a plan. A dump into a text file, `SELECT COUNT(*)` as
//! validation, shares set by hand, a human who notices, and a restored dump as the way back. The load, the fault and the
//! questions in the end are those of [`crate::scenario`].

use std::fs::File;
use std::process::Stdio;

use crate::outcome::{Fault, Outcome};
use crate::scenario::hold;
use crate::stage::{Error, Options, Stage, ended, now};
use crate::world::DATABASE;

const DUMP: &str = "backup.sql";

/// Does it.
pub async fn naive(options: &Options) -> Result<Outcome, Error> {
    let mut stage = Box::pin(Stage::open(options, None)).await?;
    let (mut faults, mut notes) = (Vec::new(), Vec::new());

    stage.phase("old services alone", async |_| hold(options).await).await?;
    let before = counts(&stage).await?;
    stage.phase("pg_dump > backup.sql", async |stage| dump(stage)).await?;
    stage.phase("the new program starts and migrates", async |stage| migrated(stage).await).await?;
    notes.push(validated(&before, &counts(&stage).await?));
    stage
        .phase("10 %, killed on the way", async |stage| {
            faults.push(killed(stage, options).await?);
            Ok(())
        })
        .await?;
    stage.phase("started again by hand", async |stage| Ok(stage.world.start_platform(&[]).await?)).await?;
    stage.phase("10, 50, 100 % by hand", async |stage| by_hand(stage, options).await).await?;
    stage.phase("full rollback: psql < backup.sql", async |stage| restored(stage, &mut notes).await).await?;
    stage.phase("old services from the backup", async |_| hold(options).await).await?;

    let ended = stage.close().await?;
    let mut outcome = Outcome::of(ended, &faults, options);
    outcome.notes.extend(notes);
    Ok(outcome)
}

fn dump(stage: &Stage) -> Result<(), Error> {
    let file = File::create(stage.world.folder().join(DUMP))?;
    let mut command = stage.world.postgres_program("pg_dump");
    let status = tokio::task::block_in_place(|| command.stdout(file).status())?;
    if status.success() { Ok(()) } else { Err(ended(&["pg_dump"], status)) }
}

/// Gates are off, and a share holds whether anybody watches or not.
async fn migrated(stage: &mut Stage) -> Result<(), Error> {
    stage.must(&["migrate", "up"])?;
    stage.world.start_platform(&[]).await?;
    stage.order(&["disarm"], "nothing returns by itself")
}

/// What the recipe validates with.
async fn counts(stage: &Stage) -> Result<[i64; 3], Error> {
    let sql = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM workspaces), (SELECT count(*) FROM tenants)";
    let row = stage.world.connect().await?.query_one(sql, &[]).await?;
    Ok([row.get(0), row.get(1), row.get(2)])
}

fn validated(before: &[i64; 3], after: &[i64; 3]) -> String {
    format!(
        "SELECT COUNT(*) of users, workspaces, tenants before and after: {before:?}, {after:?}; nothing there to see, whatever \
         the rows say"
    )
}

fn set(stage: &Stage, share: &str) -> Result<(), Error> {
    stage.order(&["set", share], "by hand")?;
    stage.order(&["confirm"], "by hand")
}

/// The same fault at the same share, and a human in place of gates.
async fn killed(stage: &mut Stage, options: &Options) -> Result<Fault, Error> {
    set(stage, "10%")?;
    tokio::time::sleep(options.hold / 3).await;
    stage.say("kill -9 of the new program")?;
    let from = now();
    stage.world.kill_platform();
    tokio::time::sleep(options.human).await;
    stage.order(&["set", "0%"], "somebody noticed")?;
    Ok(Fault { from, to: now() })
}

async fn by_hand(stage: &mut Stage, options: &Options) -> Result<(), Error> {
    for share in ["10%", "50%", "100%"] {
        set(stage, share)?;
        hold(options).await?;
    }
    Ok(())
}

/// Everything stands still while the database is made anew.
async fn restored(stage: &mut Stage, notes: &mut Vec<String>) -> Result<(), Error> {
    stage.order(&["return"], "the issues persist")?;
    stage.world.kill_platform();
    stage.world.stop_old();
    // To the letter: into the database that is there.
    let (code, errors) = psql(stage)?;
    notes.push(format!(
        "psql < backup.sql into the database as it is: {errors} errors, exit code {code}, and nothing restored; so the database \
         was dropped and created first"
    ));
    let beside = stage.world.connect_beside().await?;
    beside.batch_execute(&format!("DROP DATABASE {DATABASE} WITH (FORCE)")).await?;
    beside.batch_execute(&format!("CREATE DATABASE {DATABASE}")).await?;
    let (code, errors) = psql(stage)?;
    notes.push(format!("psql < backup.sql into an empty database: {errors} errors, exit code {code}"));
    Ok(stage.world.start_old()?)
}

/// The exit code and how many errors it wrote.
fn psql(stage: &Stage) -> Result<(i32, usize), Error> {
    let file = File::open(stage.world.folder().join(DUMP))?;
    let mut command = stage.world.postgres_program("psql");
    command.arg("--quiet").stdin(file).stdout(Stdio::null());
    let output = tokio::task::block_in_place(|| command.stderr(Stdio::piped()).output())?;
    let errors = String::from_utf8_lossy(&output.stderr).lines().filter(|line| line.contains("ERROR:")).count();
    Ok((output.status.code().unwrap_or_default(), errors))
}
