//! The step: each statement announced, with the one that takes it back on disk before.

use std::collections::BTreeMap;
use std::path::PathBuf;

use db::migrate::{Expansion, Limits, MigrateError, Piece, Way};
use serde_json::{Value, json};

use super::{Change, LeftOut, Reverse, planned};
use crate::cleanup::forget::forgotten;
use crate::digest::SESSION;
use crate::discover::{SHARED, fingerprint, schema};
use crate::expand::{self, Objection, lint};
use crate::run::{Call, Cx, Doing, Folder, Preview, Step};
use crate::{Error, Result, files};

/// Tightens the schema.
pub struct Contract;

/// Objections that were looked into: (rule, what the statement is about, why it does no harm here).
const LOOKED_INTO: &[(&str, &str, &str)] = &[
    ("adding-not-nullable-field", "_filled", "the validated check says that no row is NULL, so no row is read"),
    ("ban-drop-constraint", "_filled", "the check was made for this alone, a moment before"),
];

fn file(folder: &Folder) -> PathBuf {
    folder.clean_up().join("contract.json")
}

fn written(folder: &Folder) -> Result<Vec<Reverse>> {
    Ok(files::read_json(&file(folder))?.unwrap_or_default())
}

/// The changes without those that the server refused before, which are left out with what it said.
async fn open(cx: &Cx) -> Result<(Vec<Change>, Vec<LeftOut>)> {
    let client = cx.connect(None).await?;
    let (mut changes, mut left) = planned(&client).await?;
    let refused = refused_before(cx);
    left.extend(refused.iter().map(|(key, why)| LeftOut { key: key.clone(), why: why.clone() }));
    changes.retain(|change| !refused.contains_key(&change.key));
    Ok((changes, left))
}

fn refused_before(cx: &Cx) -> BTreeMap<String, String> {
    cx.noted("refused").and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
}

fn linted(changes: &[Change]) -> Result<()> {
    let excused = |piece: &Piece, one: &Objection| {
        LOOKED_INTO.iter().any(|(rule, about, _)| one.rule == *rule && piece.sql.contains(about))
    };
    let pieces = changes.iter().flat_map(|change| &change.pieces);
    let mut objections = pieces.flat_map(|piece| lint(piece).into_iter().filter(|one| !excused(piece, one)));
    match objections.next() {
        None => Ok(()),
        Some(Objection { rule, message, .. }) => Err(Error::refused(
            format!("nothing was executed: {rule}: {message}"),
            "use a released pyairtable-platform, whose statements were looked through",
        )),
    }
}

/// Runs a change, or leaves nothing of it: what the server said then.
async fn apply(cx: &mut Cx, expansion: &Expansion, change: &Change) -> Result<Option<String>> {
    for piece in &change.pieces {
        cx.breathe().await?;
        let database = cx.plan.database.clone();
        cx.call(expand::call(&database, piece)).await?;
        match expand::run(cx, expansion, piece).await {
            Ok(_) => {}
            // Rows came in between, or a value does not fit an index: the database is as it was, and so are the others.
            Err(MigrateError::Failed { message, .. }) => {
                take_back(cx, expansion, &change.reverse).await?;
                return Ok(Some(message));
            }
            Err(other) => return Err(expand::refused(other)),
        }
    }
    Ok(None)
}

async fn take_back(cx: &mut Cx, expansion: &Expansion, all: &[Reverse]) -> Result<()> {
    for one in all {
        let table = SHARED.iter().find(|table| **table == one.table).copied();
        let piece = Piece { version: 0, name: "contract", table, sql: one.sql.clone(), way: Way::Brief };
        let database = cx.plan.database.clone();
        cx.call(expand::call(&database, &piece)).await?;
        expand::run(cx, expansion, &piece).await.map_err(expand::refused)?;
    }
    Ok(())
}

impl Step for Contract {
    fn name(&self) -> &'static str {
        "contract"
    }

    fn about(&self) -> &'static str {
        "let the schema refuse what only old services did: doubled names, missing parents, NULLs"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async move {
            let (changes, _) = planned(&preview.url.connect().await?).await?;
            if changes.is_empty() {
                return Ok(Vec::new());
            }
            let mut all = vec![Call::Write(file(&preview.folder).display().to_string())];
            let pieces = changes.iter().flat_map(|change| &change.pieces);
            all.extend(pieces.map(|piece| expand::call(&preview.plan.database, piece)));
            Ok(all)
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move { linted(&open(cx).await?.0) })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let (changes, _) = open(cx).await?;
            // An attempt before this one has its own; taking back twice is taking back once.
            let mut back = written(&cx.folder)?;
            let new = changes.iter().flat_map(|change| change.reverse.clone());
            back.extend(new.filter(|new| !back.contains(new)).collect::<Vec<_>>());
            let path = file(&cx.folder);
            cx.call(Call::Write(path.display().to_string())).await?;
            std::fs::create_dir_all(cx.folder.clean_up()).map_err(Error::file("create", &path))?;
            files::replace_json(&path, &back)?;
            let pieces = changes.iter().flat_map(|change| change.pieces.clone()).collect();
            let expansion = Expansion::of(&cx.url, pieces, Limits::default()).await.map_err(expand::refused)?;
            let mut refused = refused_before(cx);
            for (done, change) in (0_u64..).zip(&changes) {
                cx.progress("changes", done, changes.len() as u64);
                let reverse: Vec<&str> = change.reverse.iter().map(|one| one.sql.as_str()).collect();
                cx.note("reverse", json!({ "change": change.key, "statements": reverse })).await?;
                if let Some(why) = apply(cx, &expansion, change).await? {
                    refused.insert(change.key.clone(), why);
                    cx.note("refused", json!(refused)).await?;
                }
            }
            expansion.close().await.map_err(expand::refused)
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            if forgotten(cx) {
                return Ok(Some(json!({ "forgotten": true })));
            }
            let (changes, left) = open(cx).await?;
            if !changes.is_empty() {
                return Ok(None);
            }
            let client = cx.connect(None).await?;
            client.batch_execute(SESSION).await.map_err(Error::sql("setting the session up"))?;
            let print = fingerprint(&schema(&client).await?);
            let statements = written(&cx.folder)?.len();
            Ok(Some(json!({ "fingerprint": print, "changes": statements, "left_out": left })))
        })
    }

    fn undo<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let mut back = written(&cx.folder)?;
            back.reverse();
            if !back.is_empty() {
                let expansion = Expansion::of(&cx.url, Vec::new(), Limits::default()).await.map_err(expand::refused)?;
                take_back(cx, &expansion, &back).await?;
                expansion.close().await.map_err(expand::refused)?;
                let path = file(&cx.folder);
                cx.call(Call::Remove(path.display().to_string())).await?;
                std::fs::remove_file(&path).map_err(Error::file("remove", &path))?;
                files::sync_parent(&path)?;
            }
            cx.note("refused", Value::Null).await
        })
    }
}
