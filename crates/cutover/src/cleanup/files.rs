//! The steps: archive the plan's paths, then remove them.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::archived::{archive, verify};
use super::forget::forgotten;
use super::removed::remove;
use super::restored::restore;
use super::tree::{Tree, look, place, there};
use crate::run::{Call, Cx, Doing, Folder, Plan, Preview, Step};
use crate::{Error, Result, files};

const PARTIAL: &str = "files.partial-";
const MANIFEST: &str = "manifest.json";

/// Archives the old services' files as they are now: since the backup they may have changed.
pub struct ArchiveFiles;

/// Removes what was archived, and nothing else.
pub struct RemoveFiles;

/// A tree and where its archive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// The archive's name in the folder of archives.
    file: String,
    sha256: String,
    tree: Tree,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    run: String,
    kept: Vec<Kept>,
    /// Paths of the plan where nothing was.
    absent: Vec<String>,
}

/// Where the archives are.
fn folder(run: &Folder) -> PathBuf {
    run.clean_up().join("files")
}

fn read(run: &Folder) -> Result<Option<(Manifest, String)>> {
    let path = folder(run).join(MANIFEST);
    let Some(manifest) = files::read_json(&path)? else { return Ok(None) };
    Ok(Some((manifest, files::sha256_file(&path)?.0)))
}

fn kept(run: &Folder) -> Result<Manifest> {
    read(run)?.map(|(manifest, _)| manifest).ok_or_else(|| {
        Error::refused(
            "the files are not archived",
            "run `pyairtable-platform cutover clean-up`, which archives them first",
        )
    })
}

/// The archives' own names.
fn name(number: usize, source: &Path) -> String {
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '_' };
    format!("{:02}-{}.tar", number + 1, name.chars().map(plain).collect::<String>())
}

/// Looks at every path of the plan. Refuses what must not be removed; nothing is changed.
fn trees(run: &Folder, plan: &Plan) -> Result<(Vec<Tree>, Vec<String>)> {
    let mut forbidden = vec![(run.path().to_owned(), "the folder of this run")];
    if let Ok(program) = std::env::current_exe() {
        forbidden.push((program, "this program"));
    }
    forbidden.extend(plan.environment.iter().map(|path| (path.clone(), "the new service's environment")));
    forbidden.extend(plan.shift.iter().map(|shift| (shift.gateway.clone(), "the gateway's socket")));
    let mut places: Vec<PathBuf> = Vec::new();
    let (mut all, mut absent) = (Vec::new(), Vec::new());
    for path in &plan.archive {
        if there(path)?.is_none() {
            absent.push(path.display().to_string());
            continue;
        }
        let (parent, name) = place(path)?;
        let at = parent.join(name);
        if let Some(other) = places.iter().find(|other| other.starts_with(&at) || at.starts_with(other)) {
            return Err(Error::refused(
                format!("{} and {} are one within the other; nothing was removed", at.display(), other.display()),
                "begin another run that names each path once with --archive",
            ));
        }
        places.push(at);
        all.push(look(path, &forbidden)?);
    }
    Ok((all, absent))
}

impl Step for ArchiveFiles {
    fn name(&self) -> &'static str {
        "archive-files"
    }

    fn about(&self) -> &'static str {
        "archive the old services' files as they are now, and compare the archives with them"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async move {
            let partial = preview.folder.clean_up().join(format!("{PARTIAL}<token>"));
            let (trees, _) = trees(&preview.folder, &preview.plan)?;
            let write = |path: PathBuf| Call::Write(path.display().to_string());
            let mut all = vec![write(partial.clone())];
            let archives =
                trees.iter().enumerate().map(|(number, tree)| write(partial.join(name(number, &tree.top()))));
            all.extend(archives);
            all.push(write(folder(&preview.folder)));
            Ok(all)
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move { trees(&cx.folder, &cx.plan).map(drop) })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let partial = cx.folder.clean_up().join(format!("{PARTIAL}{}", cx.token()));
            let (trees, absent) = trees(&cx.folder, &cx.plan)?;
            cx.call(Call::Write(partial.display().to_string())).await?;
            fs::create_dir_all(&partial).map_err(Error::file("create", &partial))?;
            let mut manifest = Manifest { run: cx.plan.run.clone(), kept: Vec::new(), absent };
            for (number, tree) in trees.into_iter().enumerate() {
                cx.breathe().await?;
                let file = name(number, &tree.top());
                let target = partial.join(&file);
                cx.call(Call::Write(target.display().to_string())).await?;
                archive(&tree, &target)?;
                verify(&tree, &target, true)?;
                let sha256 = files::sha256_file(&target)?.0;
                manifest.kept.push(Kept { file, sha256, tree });
            }
            files::replace_json(&partial.join(MANIFEST), &manifest)?;
            let sum = files::sha256_file(&partial.join(MANIFEST))?.0;
            // Manifest and archives can be forged together; the journal cannot be with them.
            cx.note(MANIFEST, json!(sum)).await?;
            let whole = folder(&cx.folder);
            cx.call(Call::Write(whole.display().to_string())).await?;
            fs::rename(&partial, &whole).map_err(Error::file("rename", &partial))?;
            files::sync_parent(&whole)?;
            files::sync_parent(&cx.folder.clean_up())
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            if forgotten(cx) {
                return Ok(Some(json!({ "forgotten": true })));
            }
            let Some((manifest, sum)) = read(&cx.folder)? else { return Ok(None) };
            let noted = cx.noted(MANIFEST).and_then(Value::as_str);
            let undamaged = |kept: &Kept| {
                files::sha256_file(&folder(&cx.folder).join(&kept.file)).is_ok_and(|(sum, _)| sum == kept.sha256)
            };
            let damaged = manifest.kept.iter().find(|kept| !undamaged(kept));
            if manifest.run != cx.plan.run || noted.is_some_and(|noted| noted != sum) || damaged.is_some() {
                let what = damaged.map_or(MANIFEST, |kept| kept.file.as_str());
                return Err(Error::differs(
                    format!("{} is not what this run archived", folder(&cx.folder).join(what).display()),
                    "put an undamaged copy in its place, and run the same command again",
                ));
            }
            let entries: usize = manifest.kept.iter().map(|kept| kept.tree.len()).sum();
            let paths = manifest.kept.len();
            Ok(Some(json!({ "manifest_sha256": sum, "paths": paths, "entries": entries, "absent": manifest.absent })))
        })
    }

    fn clear<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            for entry in fs::read_dir(cx.folder.clean_up()).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
                    files::remove_folder(&entry.path())?;
                }
            }
            Ok(())
        })
    }

    fn undo<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        // The files are back and were compared: another clean-up archives them as they are then.
        Box::pin(async move {
            let path = folder(&cx.folder);
            cx.call(Call::Remove(path.display().to_string())).await?;
            files::remove_folder(&path)?;
            cx.note(MANIFEST, Value::Null).await
        })
    }
}

impl Step for RemoveFiles {
    fn name(&self) -> &'static str {
        "remove-files"
    }

    fn about(&self) -> &'static str {
        "remove exactly the archived paths, after comparing them with their archives byte by byte"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async move {
            let (trees, _) = trees(&preview.folder, &preview.plan)?;
            Ok(trees.iter().map(|tree| Call::Remove(tree.top().display().to_string())).collect())
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            // What may not be removed may have come since: a mount, for example.
            trees(&cx.folder, &cx.plan)?;
            for kept in &kept(&cx.folder)?.kept {
                cx.breathe().await?;
                verify(&kept.tree, &folder(&cx.folder).join(&kept.file), false)?;
            }
            Ok(())
        })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            for kept in kept(&cx.folder)?.kept {
                cx.breathe().await?;
                cx.call(Call::Remove(kept.tree.top().display().to_string())).await?;
                remove(&kept.tree)?;
            }
            Ok(())
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            if forgotten(cx) {
                return Ok(Some(json!({ "forgotten": true })));
            }
            let Some((manifest, _)) = read(&cx.folder)? else { return Ok(None) };
            for kept in &manifest.kept {
                if there(&kept.tree.top())?.is_some() {
                    return Ok(None);
                }
            }
            let tops: Vec<String> = manifest.kept.iter().map(|kept| kept.tree.top().display().to_string()).collect();
            Ok(Some(json!({ "removed": tops })))
        })
    }

    fn undo<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let Some((manifest, _)) = read(&cx.folder)? else { return Ok(()) };
            for kept in &manifest.kept {
                cx.breathe().await?;
                cx.call(Call::Write(kept.tree.top().display().to_string())).await?;
                restore(&kept.tree, &folder(&cx.folder).join(&kept.file))?;
            }
            Ok(())
        })
    }
}
