//! The second step: the change log on top of the backup, while others go on writing.

use std::cell::Cell;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_postgres::Client;

use super::restore::{as_a_replica, covered, session, switched};
use super::{Choice, Position, round};
use crate::run::{Call, Cx, Doing, Preview, Step};
use crate::{Error, Result};

/// A copy this far behind is as good as one that is not: the rest is applied while writers wait.
pub(super) const NEAR: Duration = Duration::from_secs(1);

/// Replays the change log until the copy is near.
pub struct Replay {
    choice: Choice,
    near: Cell<bool>,
}

impl Replay {
    pub(super) const fn new(choice: Choice) -> Self {
        Self { choice, near: Cell::new(false) }
    }
}

/// A session of the copy that applies changes.
pub(super) async fn writer(cx: &Cx) -> Result<Client> {
    let copy = appender(cx, &cx.plan.restored()).await?;
    as_a_replica(&copy).await?;
    Ok(copy)
}

/// The same for a copy without triggers and foreign keys.
pub(super) async fn appender(cx: &Cx, database: &str) -> Result<Client> {
    let copy = session(cx, Some(database)).await?;
    // A batch that a crash of the server takes back is applied again: how far it went is taken back with it.
    let sql =
        "SET synchronous_commit = off; SET lc_monetary = 'C'; SET quote_all_identifiers = off; SET xmloption = content";
    copy.batch_execute(sql).await.map_err(Error::sql("setting the session up"))?;
    Ok(copy)
}

impl Step for Replay {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn about(&self) -> &'static str {
        "put the change log on top of it, until it is less than a second behind"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        let until = self.choice.until.map(|until| format!(" up to {until}")).unwrap_or_default();
        Box::pin(async move {
            let statement = format!("every change of {}'s log that the backup lacks{until}", preview.plan.database);
            Ok(vec![Call::sql(&preview.plan.restored(), statement)])
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
            let live = session(cx, None).await?;
            let copy = writer(cx).await?;
            let statement = format!("changes of {}'s log that are not in it", cx.plan.database);
            cx.call(Call::sql(&cx.plan.restored(), statement)).await?;
            let mut rounds = 0_u32;
            loop {
                let began = Instant::now();
                rounds += 1;
                let each = async |done, total| {
                    cx.breathe().await?;
                    // Later rounds are short, and a bar that begins again tells nobody anything.
                    if rounds == 1 {
                        cx.progress("changes applied", done, total);
                    }
                    Ok(())
                };
                let done = round(&live, &copy, each).await?;
                if done.fresh && began.elapsed() < NEAR {
                    break;
                }
                cx.wait(&format!("catching up: {} changes in round {rounds}", done.applied));
            }
            self.near.set(true);
            Ok(())
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            if switched(cx).await? {
                return Ok(Some(json!({ "switched": true })));
            }
            if !self.near.get() {
                return Ok(None);
            }
            let position = Position::read(&cx.connect(Some(&cx.plan.restored())).await?).await?;
            Ok(position.map(|position| json!({ "changes": position.applied })))
        })
    }

    fn undo<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}
