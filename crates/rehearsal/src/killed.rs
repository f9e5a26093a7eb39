//! The edition in which the tool itself is killed, at random moments of a shift and of a rollback: the gateway goes back to the
//! share that was safe, nobody notices, and the same commands go on and end where they should. What is killed may be another
//! version of the program, which then began what this one ends.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::load::Dice;
use crate::outcome::{Outcome, Section};
use crate::stage::{Error, Options, Stage, now, shift};

/// Short, so that a kill meets every step.
const STEPS: &str = "10%:2s:unless-failing,50%:2s:unless-failing,100%:2s:unless-failing";
const SHIFT: [&str; 10] = shift(STEPS);
/// How a rollback ends.
const ROLLED_BACK: i32 = 5;
/// A lease that nobody renews.
const LEASE: Duration = Duration::from_secs(15);
/// For the gateway to notice.
const MARGIN: Duration = Duration::from_secs(2);

/// Kills it so many times.
pub async fn killed_tools(options: &Options, times: u32) -> Result<Outcome, Error> {
    let mut stage = Box::pin(Stage::open(options, None)).await?;
    let (mut rows, mut late) = (Vec::new(), 0);
    stage
        .phase("backup, trial restore, expansion, killed on the way", async |stage| {
            kill(&mut stage.begun(&["cutover", "run"]), 3000).await?;
            stage.must(&["cutover", "run"])
        })
        .await?;
    stage.phase("this program starts beside them", async |stage| Ok(stage.world.start_platform(&[]).await?)).await?;
    // What is tried is the lease. Gates may find a busy machine worse than the old side was before.
    stage.order(&["disarm"], "the lease alone takes traffic back")?;
    for number in 1..=times {
        let name = format!("tool killed, time {number}");
        stage
            .phase(&name, async |stage| {
                let (row, in_time) = killed(stage, number).await?;
                rows.push(row);
                late += u32::from(!in_time);
                Ok(())
            })
            .await?;
    }
    let mut outcome = Outcome::of(stage.close().await?, &[], options);
    outcome.refuted |= late > 0;
    outcome.sections.push(Section {
        title: "The tool killed",
        head: &["time", "killed after s", "share then", "safe share", "safe after s", "went on to", "rollback"],
        rows,
    });
    Ok(outcome)
}

/// Starts a command and kills it within so many milliseconds; returns after how long.
async fn kill(command: &mut Command, within: usize) -> Result<Duration, Error> {
    let instant = now().as_microsecond().unsigned_abs();
    let after = Duration::from_millis(Dice::new(instant).below(within) as u64);
    let mut tool = command.spawn()?;
    tokio::time::sleep(after).await;
    tool.kill()?;
    tool.wait()?;
    Ok(after)
}

/// One shift that is killed, continued, and rolled back, with the rollback killed as well every other time.
async fn killed(stage: &mut Stage, number: u32) -> Result<(Vec<String>, bool), Error> {
    // The whole shift takes about nine seconds.
    let after = kill(&mut stage.begun(&SHIFT), 9000).await?;
    let began = Instant::now();
    let (share, safe) = (stage.share().await?, stage.safe().await?);
    while stage.share().await? != stage.safe().await? && began.elapsed() < LEASE + MARGIN * 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let until_safe = began.elapsed();
    stage.must(&SHIFT)?;
    let went_on = stage.share().await?;
    let mut rollback = "whole";
    if number.is_multiple_of(2) {
        rollback = "killed, and again";
        kill(&mut stage.begun(&["cutover", "rollback"]), 300).await?;
    }
    stage.rolled_back(ROLLED_BACK)?;
    let ends = stage.share().await?;
    let is_right = until_safe <= LEASE + MARGIN && went_on == "100%" && ends == "0%";
    let row = vec![
        number.to_string(),
        format!("{:.1}", after.as_secs_f64()),
        share,
        safe,
        format!("{:.1}", until_safe.as_secs_f64()),
        went_on,
        format!("{rollback}: {ends}"),
    ];
    Ok((row, is_right))
}
