//! Comparing: a backup with its manifest, a database with a backup.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Serialize;
use tokio_postgres::Client;

use super::manifest::{FORMAT, MANIFEST, Manifest, SUMS, walk};
use crate::digest::{Difference, SESSION, Side, bisect, counts, differing, measure_again};
use crate::{Error, Result, files};

/// How many damaged files a message names.
const NAMED: usize = 5;

/// Compares every byte of the backup in `folder` with its manifest. The manifest and its SHA-256.
pub fn check_files(folder: &Path) -> Result<(Manifest, String)> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).map_err(Error::file("read", &path))
    };
    let (text, sums) = (read(MANIFEST)?, read(SUMS)?);
    let sum = files::sha256(&text);
    let damaged = |what: String| {
        Error::differs(
            format!("the backup in {} is damaged: {what}", folder.display()),
            "do not use it: put an undamaged copy in its place, or make a new one in another folder with \
             `pyairtable-platform cutover backup --dir DIR`",
        )
    };
    if !sums.starts_with(format!("{sum}  {MANIFEST}\n").as_bytes()) {
        return Err(damaged(format!("{MANIFEST} is not what {SUMS} says")));
    }
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| damaged(format!("{MANIFEST}: {error}")))?;
    if manifest.format > FORMAT {
        return Err(Error::refused(
            format!("the backup in {} is of format {}", folder.display(), manifest.format),
            "use the pyairtable-platform that made it",
        ));
    }
    if sums != manifest.sums(&sum).as_bytes() {
        return Err(damaged(format!("{SUMS} is not what {MANIFEST} says")));
    }
    let mut wrong = Vec::new();
    let mut listed = BTreeSet::new();
    for file in &manifest.files {
        listed.insert(file.path.as_str());
        let path = folder.join(&file.path);
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_file() && meta.len() == file.bytes => {
                if files::sha256_file(&path)?.0 != file.sha256 {
                    wrong.push(format!("{} has other contents", file.path));
                }
            }
            Ok(meta) => wrong.push(format!("{} has {} bytes instead of {}", file.path, meta.len(), file.bytes)),
            Err(_) => wrong.push(format!("{} is missing", file.path)),
        }
    }
    for (name, _) in walk(folder)? {
        if !listed.contains(name.as_str()) {
            wrong.push(format!("{name} does not belong to it"));
        }
    }
    if wrong.is_empty() {
        return Ok((manifest, sum));
    }
    let more = wrong.len().saturating_sub(NAMED);
    wrong.truncate(NAMED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Err(damaged(format!("{}{more}", wrong.join(", "))))
}

/// A table, then and now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableVerdict {
    /// `schema.table`
    pub table: String,
    /// Whether both hold the same.
    pub equal: bool,
    /// What it came to in the backup.
    pub before: String,
    /// What it comes to now; `None` if it is gone or lacks a column.
    pub now: Option<String>,
    /// What `SELECT COUNT(*)` said.
    pub count_before: u64,
    /// What `SELECT COUNT(*)` says now.
    pub count_now: Option<u64>,
    /// How many chunks differ, of how many.
    pub chunks: (usize, usize),
    /// Rows that differ, as far as they were looked for.
    pub rows: Vec<Difference>,
}

/// A database, then and now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether all tables hold the same.
    pub equal: bool,
    /// Whether counting rows says so too.
    pub equal_by_count: bool,
    /// Table by table.
    pub tables: Vec<TableVerdict>,
}

impl Verdict {
    /// How many rows there are now.
    pub fn rows(&self) -> u64 {
        self.tables.iter().filter_map(|table| table.count_now).sum()
    }
}

/// Compares a database with the digests of a backup, on one snapshot. With `restored`, a session of the database the
/// backup was restored into, rows and columns are named, `most` of a table.
pub async fn compare(client: &Client, manifest: &Manifest, restored: Option<&Client>, most: usize) -> Result<Verdict> {
    for session in [Some(client), restored].into_iter().flatten() {
        let begin = format!("{SESSION}; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        session.batch_execute(&begin).await.map_err(Error::sql("beginning to read"))?;
    }
    let there = crate::digest::tables(client).await?;
    let mut all = Vec::new();
    for table in &manifest.tables {
        let name = table.shown();
        let Some(before) = manifest.digests.get(&name) else { continue };
        let found = there.iter().find(|found| found.shown() == name);
        let measurable = found
            .is_some_and(|found| table.columns.iter().all(|column| found.columns.iter().any(|other| other == column)));
        let mut verdict = TableVerdict {
            table: name,
            equal: false,
            before: before.digest.to_string(),
            now: None,
            count_before: before.rows,
            count_now: None,
            chunks: (before.chunks.len(), before.chunks.len()),
            rows: Vec::new(),
        };
        if measurable {
            let side = Side::new(client);
            let now = measure_again(&side, table, before, async |_| Ok(())).await?;
            let chunks = differing(before, &now);
            verdict.equal = before.same(&now);
            verdict.now = Some(now.digest.to_string());
            verdict.chunks.0 = chunks.len();
            verdict.count_now = counts(client, std::slice::from_ref(table)).await?.first().copied();
            for chunk in chunks {
                let Some(restored) = restored.filter(|_| verdict.rows.len() < most) else { break };
                verdict.rows.extend(bisect(&Side::new(restored), &side, table, before, chunk).await?);
            }
            verdict.rows.truncate(most);
        }
        all.push(verdict);
    }
    for session in [Some(client), restored].into_iter().flatten() {
        session.batch_execute("ROLLBACK").await.map_err(Error::sql("ending to read"))?;
    }
    Ok(Verdict {
        equal: all.iter().all(|table| table.equal),
        equal_by_count: all.iter().all(|table| table.count_now == Some(table.count_before)),
        tables: all,
    })
}
