//! `audit verify`: walks the chains and says where the first broken place of each is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;

use anyhow::Context as _;
use db::audit::{self, Anchor, AuditKey, Broken, ChainId, Record, Walk};
use serde::Serialize;
use uuid::Uuid;

use super::arguments::VerifyArgs;
use super::progress::Progress;
use super::{Verdict, anchors, chains, database, key, named, on_database, stored, trail_of};
use crate::command::short::in_the_way;
use crate::config;

pub(super) const ABOUT: &str = "\
Check that no audit record was changed, removed, moved or forged.

The records of a tenant form chains: each is signed with AUDIT_KEY together with the signature before it. There are two \
trails, audit_events and, for the workspace family, workspace_audit_logs. This walks every chain of both and names the \
first record that does not fit. What was cut off the end of a chain is found with anchors only, which `audit anchor` \
takes and which must be kept where the database's owner cannot change them.

Old services write workspace_audit_logs too, and sign nothing. Their records are counted as unsealed, and are no error \
unless there are more than --max-unsealed.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  pyairtable-platform audit verify --anchors /var/lib/anchors/pyairtable.jsonl
  pyairtable-platform audit verify --tenant 6e1b2f0a-4f0e-4f4e-9d52-0c3c8b2f8f11 --json
  pyairtable-platform audit export --output trail.jsonl
  pyairtable-platform audit verify --input trail.jsonl

Exit codes:
  0  all chains are whole
  1  at least one is broken; standard output says where
  2  used wrongly
  3  could not look: no database, no key, or a file that cannot be read";

/// What was found of one chain, as `--json` shows it.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    #[serde(flatten)]
    chain: ChainId,
    /// The records that are good.
    records: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<Broken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// What was found of all.
#[derive(Debug, Serialize)]
struct Report {
    whole: bool,
    records: i64,
    anchors: usize,
    /// Records of `workspace_audit_logs` without a signature; an export has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    unsealed: Option<i64>,
    chains: Vec<Found>,
}

pub(super) fn run(arguments: &VerifyArgs) -> anyhow::Result<Option<Verdict>> {
    let inputs = arguments.secrets.and(&arguments.database);
    let anchors: Vec<Anchor> = match &arguments.anchors {
        Some(file) => anchors::read(file)?.into_iter().map(|line| line.anchor).collect(),
        None => Vec::new(),
    };
    if let Some(file) = &arguments.input {
        let loaded = config::load(&inputs);
        if in_the_way(&loaded, super::USED, "audit verify")? {
            return Ok(None);
        }
        let found = walk_file(file, &key(&loaded.config)?, &anchors, arguments.tenant)?;
        return tell(arguments, found, anchors.len(), None).map(Some);
    }
    on_database(&inputs, "audit verify", async |config, opened| {
        let db = database(config, opened)?;
        let tx = db.read_system("the audit chains of all tenants").await?;
        let anchored = anchors.iter().map(|anchor| anchor.chain.clone());
        let chains = chains(arguments.tenant, stored(&tx).await?, anchored)?;
        let (key, mut progress) = (key(config)?, Progress::new());
        let mut all = Vec::with_capacity(chains.len());
        for (index, chain) in chains.iter().enumerate() {
            let further = |records| progress.further(records, index, chains.len());
            let walked = audit::verify(&tx, trail_of(chain)?, &key, chain.tenant_id, &anchors, further).await?;
            all.push(found(chain.clone(), walked));
        }
        progress.end();
        let unsealed = workspaces::unsealed(&tx, arguments.tenant).await?;
        tell(arguments, all, anchors.len(), Some(unsealed))
    })
}

/// The chains in an export. It holds them whole, or it says so by a missing record.
fn walk_file(path: &Path, key: &AuditKey, anchors: &[Anchor], only: Option<Uuid>) -> anyhow::Result<Vec<Found>> {
    let mut walks: BTreeMap<ChainId, Result<Walk<'_>, Broken>> = BTreeMap::new();
    for (index, line) in BufReader::new(File::open(path).map_err(named(path))?).lines().enumerate() {
        let line = line.map_err(named(path))?;
        let record: Record = serde_json::from_str(&line)
            .with_context(|| format!("{}, line {}: no audit record", path.display(), index + 1))?;
        let walk = walks.entry(record.chain()).or_insert_with_key(|chain| Ok(Walk::new(key, chain.clone(), anchors)));
        if let Ok(good) = walk
            && let Err(broken) = good.step(&record)
        {
            *walk = Err(broken);
        }
    }
    let anchored = anchors.iter().map(|anchor| anchor.chain.clone());
    let chains = chains(only, walks.keys().cloned().collect(), anchored)?;
    let walked = chains.into_iter().map(|chain| {
        let walk = walks.remove(&chain).unwrap_or_else(|| Ok(Walk::new(key, chain.clone(), anchors)));
        found(chain, walk.and_then(Walk::end))
    });
    Ok(walked.collect())
}

pub(super) fn found(chain: ChainId, walked: Result<Option<Anchor>, Broken>) -> Found {
    match walked {
        Ok(head) => Found {
            chain,
            records: head.as_ref().map_or(0, |head| head.seq),
            head: head.map(|head| head.mac),
            broken: None,
            message: None,
        },
        Err(broken) => {
            let (good, message) = describe(&broken);
            Found { chain, records: good, head: None, broken: Some(broken), message: Some(message) }
        }
    }
}

/// How many records before it are good, and what to say.
fn describe(broken: &Broken) -> (i64, String) {
    match broken {
        Broken::Missing { seq, found_seq, found_id } => {
            (seq - 1, format!("record {seq} is missing; in its place stands record {found_seq}, id {found_id}"))
        }
        Broken::Removed { seq, id } => {
            (seq - 1, format!("record {seq}, id {id}, was removed: only its signature is left"))
        }
        Broken::Changed { seq, id } => (
            seq - 1,
            format!(
                "record {seq}, id {id}, does not fit its signature: it was changed, moved, or written without the key"
            ),
        ),
        Broken::CutOff { anchor_seq, last_seq } => (
            *last_seq,
            format!("the end was cut off: the last record is {last_seq}, yet record {anchor_seq} was anchored"),
        ),
        Broken::Rewritten { seq, id } => (
            seq - 1,
            format!("record {seq}, id {id}, is not the one that was anchored: the chain was written anew with the key"),
        ),
    }
}

impl Found {
    pub(super) fn line(&self) -> Option<String> {
        let ChainId { tenant_id, trail } = &self.chain;
        Some(format!("BROKEN  tenant {tenant_id}, {trail}: {}", self.message.as_ref()?))
    }

    const fn breaks_at_once(&self) -> bool {
        matches!(self.broken, Some(Broken::Changed { seq: 1, .. }))
    }
}

/// Prints the result.
fn tell(arguments: &VerifyArgs, chains: Vec<Found>, anchors: usize, unsealed: Option<i64>) -> anyhow::Result<Verdict> {
    let broken = chains.iter().filter(|chain| chain.broken.is_some()).count();
    let records = chains.iter().map(|chain| chain.records).sum();
    let (bare, limit) = (unsealed.unwrap_or_default(), arguments.max_unsealed);
    let too_many = limit.filter(|limit| bare > *limit);
    let report = Report { whole: broken == 0 && too_many.is_none(), records, anchors, unsealed, chains };
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        for line in report.chains.iter().filter_map(Found::line) {
            writeln!(out, "{line}")?;
        }
        if let Some(limit) = too_many {
            writeln!(out, "BROKEN  workspace_audit_logs: {bare} records are unsealed, and at most {limit} may be")?;
        }
        let whole = report.chains.len() - broken;
        let bare = if bare > 0 { format!(", {bare} unsealed") } else { String::new() };
        writeln!(out, "{whole} whole, {broken} broken; {records} good records, {anchors} anchors{bare}")?;
    }
    if broken > 0 && report.chains.iter().all(Found::breaks_at_once) {
        let hint = "every chain breaks at its first record: is AUDIT_KEY the key they were signed with?";
        writeln!(io::stderr(), "note: {hint}")?;
    }
    if bare > 0 && limit.is_none() {
        let hint = "unsealed records are an old service's, or anybody's: --max-unsealed tells when there are more";
        writeln!(io::stderr(), "note: {hint}")?;
    }
    if arguments.anchors.is_none() {
        let hint = "without --anchors, records cut off the end of a chain go unnoticed";
        writeln!(io::stderr(), "note: {hint}")?;
    }
    Ok(if report.whole { Verdict::Whole } else { Verdict::Broken })
}
