//! The step: every statement announced, then run.

use db::migrate::{Event, Expansion, Limits, MigrateError, Piece, Way};
use serde_json::{Value, json};

use super::{open, plan, refused};
use crate::discover::{fingerprint, schema};
use crate::run::{Call, Cx, Doing, Preview, Step};

/// Brings the schema to this program's, beside the services that use it.
pub struct Expand;

/// The name under which the journal keeps that a statement had to wait.
pub(crate) const WAITED: &str = "waited";

/// The statement as it is executed.
pub(crate) fn call(database: &str, piece: &Piece) -> Call {
    Call::sql(
        database,
        match piece.way {
            Way::Concurrently { .. } => piece.sql.clone(),
            Way::Brief | Way::File => format!("BEGIN; {}\n; COMMIT", piece.sql),
        },
    )
}

impl Step for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn about(&self) -> &'static str {
        "add this program's tables, columns, policies and indexes while the old services go on"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async {
            let pieces = plan(&preview.url).await?;
            Ok(pieces.iter().map(|piece| call(&preview.plan.database, piece)).collect())
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async { plan(&cx.url).await.map(drop) })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let Some(expansion) = open(&cx.url, Limits::default()).await? else { return Ok(()) };
            let pieces = expansion.pieces();
            for (done, piece) in (0_u64..).zip(pieces) {
                cx.breathe().await?;
                cx.progress("statements", done, pieces.len() as u64);
                let database = cx.plan.database.clone();
                cx.call(call(&database, piece)).await?;
                if let Some(waited) = run(cx, &expansion, piece).await.map_err(refused)? {
                    cx.note(WAITED, waited).await?;
                }
            }
            expansion.close().await.map_err(refused)
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            if !plan(&cx.url).await?.is_empty() {
                return Ok(None);
            }
            let client = cx.connect(None).await?;
            Ok(Some(json!({ "fingerprint": fingerprint(&schema(&client).await?) })))
        })
    }

    fn undo<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        // The old services work with it as without: nothing they know was changed, and their rows may refer to nothing
        // that was added. What was written into the new tables since would be lost.
        Box::pin(async { Ok(()) })
    }
}

/// Runs an announced piece, and tells whoever looks on what it waits for. What the journal should know of that.
pub(crate) async fn run(cx: &mut Cx, expansion: &Expansion, piece: &Piece) -> Result<Option<Value>, MigrateError> {
    let (told, mut telling) = tokio::sync::mpsc::unbounded_channel();
    let mut look_on = |event: Event<'_>| {
        if let Event::Waits { piece, attempts, blockers } = event {
            let _ = told.send(waits(piece, attempts, &blockers));
        }
    };
    let (mut waited, mut last) = (0_u32, None);
    let mut running = std::pin::pin!(expansion.run(piece, &mut look_on));
    loop {
        tokio::select! {
            done = &mut running => break done?,
            Some(why) = telling.recv() => {
                cx.wait(&why);
                waited += 1;
                last = Some(why);
            }
        }
    }
    Ok(last.map(|why| json!({ "statement": piece.name, "times": waited, "last": why })))
}

/// Why nothing goes on.
fn waits(piece: &Piece, attempts: u32, blockers: &[db::migrate::Blocker]) -> String {
    let table = piece.table.unwrap_or(piece.name);
    let who: Vec<String> = blockers.iter().map(ToString::to_string).collect();
    let who = if who.is_empty() { "somebody who has let go by now".to_owned() } else { who.join("; ") };
    format!("attempt {attempts} at {table} met a lock of {who}; nobody waits behind this one")
}
