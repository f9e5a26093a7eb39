//! `audit verify`, `audit export` and `audit anchor`: the audit trail, seen by whoever has its key.
//!
//! These commands read. Nothing of theirs changes a record, and no record is made of their running.

mod anchor;
mod anchors;
mod arguments;
mod export;
mod output;
mod progress;
mod verify;

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use db::audit::{self, AuditKey, ChainId, Trail};
use db::{Db, PoolLimits, SystemTx};
use uuid::Uuid;

use self::arguments::AuditCommand as Command;
use super::is_closed_pipe;
use super::short::{migrated, with_database};
use crate::config::{self, Config, Inputs, keys};
use crate::local::Opened;
use crate::secrets;
use crate::system::SystemRng;

pub(super) use self::arguments::AuditCommand;

/// Somebody can trust a chain only if "broken" is told from "could not look".
const BROKEN: u8 = 1;
const COULD_NOT_LOOK: u8 = 3;

const USED: &[&str] = &[
    keys::CONFIG_FILE,
    keys::ENVIRONMENT,
    keys::PLATFORM_DATA_DIR,
    keys::DATABASE_URL,
    keys::PG_BINDIR,
    keys::LOG_LEVEL,
    keys::JWT_SECRET,
    keys::AUDIT_KEY,
];

/// What a look at the chains came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Whole,
    Broken,
}

pub(super) fn run(command: &Command) -> ExitCode {
    let done = match command {
        Command::Verify(arguments) => verify::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Anchor(arguments) => anchor::run(arguments),
    };
    match done {
        Ok(Some(Verdict::Whole)) => ExitCode::SUCCESS,
        Ok(Some(Verdict::Broken)) => ExitCode::from(BROKEN),
        Ok(None) => ExitCode::from(COULD_NOT_LOOK),
        // `audit export | head` has seen enough; half a check is none.
        Err(error) if matches!(command, Command::Export(_)) && is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::from(COULD_NOT_LOOK)
        }
    }
}

/// Does `work` on the configured database; `None` if the configuration stands in its way.
fn on_database(
    inputs: &Inputs,
    command: &str,
    work: impl AsyncFnOnce(&Config, &Opened) -> anyhow::Result<Verdict>,
) -> anyhow::Result<Option<Verdict>> {
    let mut verdict = None;
    with_database(&config::load(inputs), USED, command, async |config, opened| {
        migrated(opened).await?;
        verdict = Some(work(config, opened).await?);
        Ok(())
    })?;
    Ok(verdict)
}

/// The key the trail was signed with. None is made here: a new one would fit no record.
fn key(config: &Config) -> anyhow::Result<AuditKey> {
    if config.audit_key.is_none() && config.jwt_secret.is_none() && !secrets::is_kept_in(&config.data_dir) {
        bail!(
            "neither AUDIT_KEY nor JWT_SECRET is set, and {} has no kept key: set the one the records were signed with",
            config.data_dir.display()
        );
    }
    secrets::audit_key(config, &SystemRng)
}

fn database(config: &Config, opened: &Opened) -> anyhow::Result<Db> {
    // One connection at a time is all that is used.
    Ok(Db::new(&opened.url, PoolLimits::default(), key(config)?)?)
}

/// Every trail there is.
fn trails() -> [&'static Trail; 2] {
    [&audit::EVENTS, &workspaces::TRAIL]
}

/// The trail a chain is in. An anchor may name one that only a newer program has.
fn trail_of(chain: &ChainId) -> anyhow::Result<&'static Trail> {
    let trail = trails().into_iter().find(|trail| trail.name == chain.trail);
    trail.with_context(|| {
        format!("there is no audit trail {:?}: is the anchor of a newer pyairtable-platform?", chain.trail)
    })
}

/// The chains in the database.
async fn stored(tx: &SystemTx) -> anyhow::Result<Vec<ChainId>> {
    let mut all = Vec::new();
    for trail in trails() {
        all.append(&mut audit::chains(tx, trail).await?);
    }
    Ok(all)
}

/// The chains to look at: those there are and those that anchors speak of, which may have been removed whole.
fn chains(
    only: Option<Uuid>,
    stored: Vec<ChainId>,
    anchored: impl Iterator<Item = ChainId>,
) -> anyhow::Result<Vec<ChainId>> {
    let mut all: Vec<ChainId> = stored.into_iter().chain(anchored).collect();
    all.sort_unstable();
    all.dedup();
    if let Some(tenant) = only {
        all.retain(|chain| chain.tenant_id == tenant);
        if all.is_empty() {
            bail!("tenant {tenant} has no audit records and no anchor: is the id right?");
        }
    }
    Ok(all)
}

fn named(path: &Path) -> impl FnOnce(io::Error) -> anyhow::Error {
    let path = path.display().to_string();
    move |error| anyhow::Error::new(error).context(path)
}
