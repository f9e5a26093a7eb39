//! `audit anchor`: notes the heads of the chains outside the database.

use std::io::{self, Write as _};

use db::audit::{self, Anchor};
use kernel::{Clock as _, SystemClock};

use super::anchors::{self, Line};
use super::arguments::AnchorArgs;
use super::progress::Progress;
use super::verify::{Found, found};
use super::{Verdict, chains, database, key, on_database, stored, trail_of};

pub(super) const ABOUT: &str = "\
Note the heads of the chains in a file, so that a cut-off end is found.

A tenant has a chain in audit_events and, once something happened in its workspaces, one in workspace_audit_logs. \
Each is checked as `audit verify --anchors` does before its head is noted. A chain that is broken, or shorter than its \
last anchor, keeps the anchor it has: an anchor never moves backwards. The file is replaced in one step. Keep it, or a \
copy, where those who may write to the database may not write.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  pyairtable-platform audit anchor --file /var/lib/anchors/pyairtable.jsonl

Exit codes:
  0  all chains are whole and anchored
  1  at least one is broken and keeps its old anchor; the others are anchored
  2  used wrongly
  3  could not look or not write; the file is as it was";

pub(super) fn run(arguments: &AnchorArgs) -> anyhow::Result<Option<Verdict>> {
    let inputs = arguments.secrets.and(&arguments.database);
    on_database(&inputs, "audit anchor", async |config, opened| {
        let db = database(config, opened)?;
        let _others_wait = anchors::lock(&arguments.file)?;
        let mut lines = anchors::read_if_any(&arguments.file)?;
        let old: Vec<Anchor> = lines.iter().map(|line| line.anchor.clone()).collect();
        let tx = db.read_system("the audit chains of all tenants").await?;
        let anchored = old.iter().map(|anchor| anchor.chain.clone());
        let chains = chains(arguments.tenant, stored(&tx).await?, anchored)?;
        let (key, mut progress) = (key(config)?, Progress::new());
        let (mut heads, mut broken) = (Vec::new(), Vec::new());
        for (index, chain) in chains.iter().enumerate() {
            let further = |records| progress.further(records, index, chains.len());
            match audit::verify(&tx, trail_of(chain)?, &key, chain.tenant_id, &old, further).await? {
                Ok(head) => heads.extend(head),
                Err(place) => broken.push(found(chain.clone(), Err(place))),
            }
        }
        progress.end();
        let moved = heads.len();
        renew(&mut lines, heads);
        anchors::write(&arguments.file, &lines)?;
        let mut out = io::stdout().lock();
        for line in broken.iter().filter_map(Found::line) {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "{moved} anchored, {} broken", broken.len())?;
        Ok(if broken.is_empty() { Verdict::Whole } else { Verdict::Broken })
    })
}

/// Puts each head in the place of its chain's older anchors. One that has not moved keeps its time: since then nothing
/// was recorded.
fn renew(lines: &mut Vec<Line>, heads: Vec<Anchor>) {
    let now = SystemClock.now();
    for head in heads {
        if let Some(same) = lines.iter().position(|line| line.anchor == head) {
            let same = lines.swap_remove(same);
            lines.retain(|line| line.anchor.chain != head.chain);
            lines.push(same);
        } else {
            lines.retain(|line| line.anchor.chain != head.chain);
            lines.push(Line { anchor: head, at: now });
        }
    }
    lines.sort_by(|one, other| (&one.anchor.chain, one.anchor.seq).cmp(&(&other.anchor.chain, other.anchor.seq)));
}
