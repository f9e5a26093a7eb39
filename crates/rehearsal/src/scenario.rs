//! The take-over, tried out from beginning to end: by the commands that take a real deployment over, under load, with this
//! program killed on the way. A further phase is a line in [`rehearse`].

use std::time::Duration;

use crate::outcome::{Fault, Outcome};
use crate::stage::{Error, Options, RETURNED, Stage, now};
use crate::world::Front;

/// Between `gateway thaw` and the next share: the gates look once a second, and thaw has them forget what was before.
pub(crate) const AFTER_THAW: Duration = Duration::from_secs(2);

/// Longer than the rehearsal's soak.
const QUIET: Duration = Duration::from_secs(3);

/// Builds everything, takes it over, and looks at what became of it. Tells what it does on standard error.
pub async fn rehearse(options: &Options) -> Result<Outcome, Error> {
    let steps = steps(options.hold);
    let shadow = shadow(options);
    let shift = ["cutover", "run", "--gateway", "gateway.sock", "--steps", &steps, "--shadow", shadow, "--soak", "2s"];
    let mut stage = Box::pin(Stage::open(options, None)).await?;
    let mut faults = Vec::new();

    stage.phase("old services alone", async |_| hold(options).await).await?;
    stage
        .phase("backup, trial restore, expansion", async |stage| stage.must(&["cutover", "run", "--old", "old"]))
        .await?;
    stage.phase("this program starts beside them", async |stage| Ok(stage.world.start_platform(&[]).await?)).await?;
    stage
        .phase("10 %, killed on the way", async |stage| {
            faults.push(killed(stage, &shift, options).await?);
            Ok(())
        })
        .await?;
    stage.phase("old services again", async |stage| again(stage).await).await?;
    stage.phase("10, 50, 100 %", async |stage| stage.must(&shift)).await?;
    stage.phase("this program alone", async |_| hold(options).await).await?;
    stage
        .phase("old services stopped, clean-up", async |stage| {
            stage.world.stop_old();
            // A rehearsal's day without old services is as short as its soak.
            tokio::time::sleep(QUIET).await;
            stage.must(&["cutover", "clean-up", "--ignore", "rehearsal"])
        })
        .await?;
    stage.phase("after it", async |_| hold(options).await).await?;

    let ended = stage.close().await?;
    Ok(Outcome::of(ended, &faults, options))
}

/// In this time a killed service is found even on a busy machine and at few requests a second. The share it is killed at is
/// held no shorter: what is not found goes on to the next.
const FOUND: Duration = Duration::from_secs(10);

/// `10%:10s:unless-failing,...`: gates that have seen too little in a short time may hold for ever.
fn steps(hold: Duration) -> String {
    let step = |(share, hold): (u32, Duration)| format!("{share}%:{}s:unless-failing", hold.as_secs().max(1));
    [(10, hold.max(FOUND)), (50, hold), (100, hold)].map(step).join(",")
}

/// Two thousand reads must be asked twice before any is compared: too few come at a low rate. HAProxy asks nobody twice.
fn shadow(options: &Options) -> &'static str {
    let is_possible = options.per_second >= 100 && !options.patient && options.front == Front::Gateway;
    if is_possible { "5s:500" } else { "none" }
}

pub(crate) async fn hold(options: &Options) -> Result<(), Error> {
    tokio::time::sleep(options.hold).await;
    Ok(())
}

/// Begins to shift, kills this program, and sees the traffic return and the tool say so.
async fn killed(stage: &mut Stage, shift: &[&str], options: &Options) -> Result<Fault, Error> {
    let mut tool = stage.command(shift).spawn()?;
    stage.until_share("10%", shift, &mut tool).await?;
    tokio::time::sleep(options.hold / 3).await;
    stage.say("kill -9 of this program")?;
    let from = now();
    stage.world.kill_platform();
    Stage::ends(shift, &mut tool, RETURNED)?;
    Ok(Fault { from, to: now() })
}

/// Repairs what was broken and says so to the gateway.
async fn again(stage: &mut Stage) -> Result<(), Error> {
    stage.world.start_platform(&[]).await?;
    stage.order(&["thaw"], "it serves again")?;
    tokio::time::sleep(AFTER_THAW).await;
    Ok(())
}
