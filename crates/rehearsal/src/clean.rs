//! The edition without a fault: traffic goes to a tenth and back, again and again, on a busy machine, and no gate may fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::outcome::{Outcome, Section};
use crate::scenario::{AFTER_THAW, hold};
use crate::stage::{Error, Options, RETURNED, Stage, ended, shift};

const STEPS: &str = "10%:600s:unless-failing,100%:600s:unless-failing";
const SHIFT: [&str; 10] = shift(STEPS);
/// How a command ends that was stopped in order.
const PAUSED: i32 = 4;
/// How a rollback ends.
const ROLLED_BACK: i32 = 5;

/// Does it so many times.
pub async fn clean_runs(options: &Options, times: u32) -> Result<Outcome, Error> {
    let mut stage = Box::pin(Stage::open(options, None)).await?;
    let mut returned = Vec::new();
    stage.phase("backup, trial restore, expansion", async |stage| stage.must(&["cutover", "run"])).await?;
    stage.phase("this program starts beside them", async |stage| Ok(stage.world.start_platform(&[]).await?)).await?;
    let hog = Hog::start();
    for number in 1..=times {
        let name = format!("10 % and back, time {number}");
        stage
            .phase(&name, async |stage| {
                returned.extend(there_and_back(stage, options, number).await?);
                Ok(())
            })
            .await?;
    }
    drop(hog);
    let mut outcome = Outcome::of(stage.close().await?, &[], options);
    outcome.refuted |= !returned.is_empty();
    outcome.notes.push(format!("{times} clean runs with a CPU hog: {} false returns", returned.len()));
    if !returned.is_empty() {
        outcome.sections.push(Section { title: "False returns", head: &["run", "log"], rows: returned });
    }
    Ok(outcome)
}

/// The row of a return that nothing was the reason for, if there was one.
async fn there_and_back(stage: &mut Stage, options: &Options, number: u32) -> Result<Option<Vec<String>>, Error> {
    let log = format!("clean-{number}.log");
    let file = std::fs::File::create(stage.world.folder().join(&log))?;
    let mut tool = stage.command(&SHIFT).stderr(file).spawn()?;
    stage.until_share("10%", &SHIFT, &mut tool).await?;
    hold(options).await?;
    let _ = std::process::Command::new("kill").args(["-INT", &tool.id().to_string()]).status();
    let status = tokio::task::block_in_place(|| tool.wait())?;
    if status.code() == Some(RETURNED) {
        stage.order(&["thaw"], "nothing was the matter")?;
        tokio::time::sleep(AFTER_THAW).await;
        return Ok(Some(vec![number.to_string(), log]));
    }
    if status.code() != Some(PAUSED) {
        return Err(ended(&SHIFT, status));
    }
    stage.rolled_back(ROLLED_BACK)?;
    Ok(None)
}

/// Keeps one core busy until dropped.
struct Hog(Arc<AtomicBool>);

impl Hog {
    fn start() -> Self {
        let busy = Arc::new(AtomicBool::new(true));
        let told = Arc::clone(&busy);
        std::thread::spawn(move || while told.load(Ordering::Relaxed) {});
        Self(busy)
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
