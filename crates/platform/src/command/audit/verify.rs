//! `audit verify`: walks the chains and says where the first broken place of each is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;

use anyhow::Context as _;
use db::audit::{self, Anchor, AuditKey, Broken, Stored, Walk};
use serde::Serialize;
use uuid::Uuid;

use super::arguments::VerifyArgs;
use super::progress::Progress;
use super::{Verdict, anchors, chains, database, key, named, on_database};
use crate::command::short::in_the_way;
use crate::config;

pub(super) const ABOUT: &str = "\
Check that no audit record was changed, removed, moved or forged.

The records of a tenant form a chain: each is signed with AUDIT_KEY together with the signature before it. This walks \
the chain of every tenant and names the first record that does not fit. What was cut off the end of a chain is found \
with anchors only, which `audit anchor` takes and which must be kept where the database's owner cannot change them. \
Records of the workspace family are kept unsigned in the old services' table, and are not looked at.";

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

/// One chain, as `--json` shows it.
#[derive(Debug, Serialize)]
pub(super) struct Chain {
    tenant_id: Uuid,
    /// The records that are good.
    records: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<Broken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    whole: bool,
    records: i64,
    anchors: usize,
    chains: Vec<Chain>,
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
        return tell(arguments, found, anchors.len()).map(Some);
    }
    on_database(&inputs, "audit verify", async |config, opened| {
        let db = database(config, opened)?;
        let tx = db.read_system("the audit chains of all tenants").await?;
        let anchored = anchors.iter().map(|anchor| anchor.tenant_id);
        let tenants = chains(arguments.tenant, audit::tenants(&tx).await?, anchored)?;
        let (key, mut progress) = (key(config)?, Progress::new());
        let mut found = Vec::with_capacity(tenants.len());
        for (index, tenant) in tenants.iter().enumerate() {
            let further = |records| progress.further(records, index, tenants.len());
            let walked = audit::verify(&tx, &key, *tenant, &anchors, further).await?;
            found.push(chain(*tenant, walked));
        }
        progress.end();
        tell(arguments, found, anchors.len())
    })
}

/// The chains in an export. It holds them whole, or it says so by a missing record.
fn walk_file(path: &Path, key: &AuditKey, anchors: &[Anchor], only: Option<Uuid>) -> anyhow::Result<Vec<Chain>> {
    let mut walks: BTreeMap<Uuid, Result<Walk<'_>, Broken>> = BTreeMap::new();
    for (index, line) in BufReader::new(File::open(path).map_err(named(path))?).lines().enumerate() {
        let line = line.map_err(named(path))?;
        let record: Stored = serde_json::from_str(&line)
            .with_context(|| format!("{}, line {}: no audit record", path.display(), index + 1))?;
        let tenant = record.tenant_id;
        let walk = walks.entry(tenant).or_insert_with(|| Ok(Walk::new(key, tenant, anchors)));
        if let Ok(good) = walk
            && let Err(broken) = good.step(&record)
        {
            *walk = Err(broken);
        }
    }
    let tenants = chains(only, walks.keys().copied().collect(), anchors.iter().map(|anchor| anchor.tenant_id))?;
    let walked = tenants.into_iter().map(|tenant| {
        let walk = walks.remove(&tenant).unwrap_or_else(|| Ok(Walk::new(key, tenant, anchors)));
        chain(tenant, walk.and_then(Walk::end))
    });
    Ok(walked.collect())
}

pub(super) fn chain(tenant: Uuid, walked: Result<Option<Anchor>, Broken>) -> Chain {
    match walked {
        Ok(head) => Chain {
            tenant_id: tenant,
            records: head.as_ref().map_or(0, |head| head.seq),
            head: head.map(|head| head.mac),
            broken: None,
            message: None,
        },
        Err(broken) => {
            let (good, message) = describe(&broken);
            Chain { tenant_id: tenant, records: good, head: None, broken: Some(broken), message: Some(message) }
        }
    }
}

/// How many records before it are good, and what to say.
fn describe(broken: &Broken) -> (i64, String) {
    match broken {
        Broken::Missing { seq, found_seq, found_id } => {
            (seq - 1, format!("record {seq} is missing; in its place stands record {found_seq}, id {found_id}"))
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

impl Chain {
    pub(super) fn line(&self) -> Option<String> {
        Some(format!("BROKEN  tenant {}: {}", self.tenant_id, self.message.as_ref()?))
    }

    const fn breaks_at_once(&self) -> bool {
        matches!(self.broken, Some(Broken::Changed { seq: 1, .. }))
    }
}

/// Prints the result.
fn tell(arguments: &VerifyArgs, chains: Vec<Chain>, anchors: usize) -> anyhow::Result<Verdict> {
    let broken = chains.iter().filter(|chain| chain.broken.is_some()).count();
    let records = chains.iter().map(|chain| chain.records).sum();
    let report = Report { whole: broken == 0, records, anchors, chains };
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        for line in report.chains.iter().filter_map(Chain::line) {
            writeln!(out, "{line}")?;
        }
        let whole = report.chains.len() - broken;
        writeln!(out, "{whole} whole, {broken} broken; {records} good records, {anchors} anchors")?;
    }
    if broken > 0 && report.chains.iter().all(Chain::breaks_at_once) {
        let hint = "every chain breaks at its first record: is AUDIT_KEY the key they were signed with?";
        writeln!(io::stderr(), "note: {hint}")?;
    }
    if arguments.anchors.is_none() {
        let hint = "without --anchors, records cut off the end of a chain go unnoticed";
        writeln!(io::stderr(), "note: {hint}")?;
    }
    Ok(if report.whole { Verdict::Whole } else { Verdict::Broken })
}
