//! `audit export`: the records as JSON lines, as they were signed.

use std::io::{self, BufWriter, Write};

use db::SystemTx;
use db::audit::{self, ChainId};

use super::arguments::ExportArgs;
use super::output::NewFile;
use super::progress::Progress;
use super::{Verdict, chains, named, on_database, stored, trail_of};

pub(super) const ABOUT: &str = "\
Write the audit records as JSON lines, tenant by tenant and trail by trail, each chain in its order.

Both trails are written, audit_events and workspace_audit_logs; of the latter not what old services left there unsealed. \
Every line has all fields of a record with its signature, so an export of whole chains can be checked anywhere with \
`audit verify --input FILE` and AUDIT_KEY, also after the database is gone. With --from or --to the lines are parts of \
chains, and their signatures can no longer be followed from the first record on. No key is needed to export.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  pyairtable-platform audit export --output /backup/audit.jsonl
  pyairtable-platform audit export --tenant 6e1b2f0a-4f0e-4f4e-9d52-0c3c8b2f8f11 \\
    --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z | jq -r .action | sort | uniq -c

Exit codes:
  0  exported
  2  used wrongly
  3  could not read or not write; with --output nothing was left behind";

pub(super) fn run(arguments: &ExportArgs) -> anyhow::Result<Option<Verdict>> {
    on_database(&arguments.database.inputs(), "audit export", async |_, opened| {
        // Reading needs no key, and none may be made on the way.
        let no_key = audit::AuditKey::new(Vec::new());
        let db = db::Db::new(&opened.url, db::PoolLimits::default(), no_key)?;
        let tx = db.read_system("an export of all tenants").await?;
        let chains = chains(arguments.tenant, stored(&tx).await?, std::iter::empty())?;
        let written = match &arguments.output {
            Some(path) => {
                let mut file = NewFile::beside(path).map_err(named(path))?;
                let written = copy(&tx, &chains, arguments, &mut file).await?;
                file.finish().map_err(named(path))?;
                written
            }
            None => copy(&tx, &chains, arguments, &mut BufWriter::new(io::stdout().lock())).await?,
        };
        writeln!(io::stderr(), "{written} records of {} chains exported", chains.len())?;
        Ok(Verdict::Whole)
    })
}

/// A page at a time, however long the chains are.
async fn copy(tx: &SystemTx, chains: &[ChainId], wanted: &ExportArgs, out: &mut impl Write) -> anyhow::Result<usize> {
    let (mut written, mut progress) = (0, Progress::new());
    for (index, chain) in chains.iter().enumerate() {
        let mut after = None;
        loop {
            let records = audit::page(tx, trail_of(chain)?, chain.tenant_id, after).await?;
            let Some(last) = records.last() else { break };
            after = Some(last.seq);
            for record in &records {
                let early = wanted.from.is_some_and(|from| record.at < from);
                let late = wanted.to.is_some_and(|to| record.at >= to);
                if !early && !late {
                    serde_json::to_writer(&mut *out, record).map_err(io::Error::from)?;
                    out.write_all(b"\n")?;
                    written += 1;
                }
            }
            progress.further(records.len(), index, chains.len());
        }
    }
    out.flush()?;
    progress.end();
    Ok(written)
}
