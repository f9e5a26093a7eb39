//! The step that switches coexistence off in the new service's environment file: that key, and no other byte.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::run::{Call, Cx, Doing, Folder, Preview, Step};
use crate::{Error, Result, files};

const KEY: &str = "LEGACY_COEXISTENCE";

/// Writes `LEGACY_COEXISTENCE=false`.
pub struct CoexistenceOff;

/// The text with the key off; unchanged if it is off.
fn switched(text: &str) -> String {
    let mut found = false;
    let mut out = String::with_capacity(text.len() + 32);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start();
        let bare = bare.strip_prefix("export ").map_or(bare, str::trim_start);
        let is_key = bare.strip_prefix(KEY).is_some_and(|rest| rest.trim_start().starts_with('='));
        if is_key {
            found = true;
            let before = &line[..line.find('=').map_or(line.len(), |at| at + 1)];
            out.push_str(before);
            out.push_str("false");
            out.push_str(if line.ends_with("\r\n") {
                "\r\n"
            } else if line.ends_with('\n') {
                "\n"
            } else {
                ""
            });
        } else {
            out.push_str(line);
        }
    }
    if !found {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(KEY);
        out.push_str("=false\n");
    }
    out
}

/// The file itself, where the plan may name a link to it.
fn file(plan: Option<&PathBuf>) -> Result<PathBuf> {
    let path =
        plan.ok_or_else(|| Error::refused("no environment file is known", "name it with --environment-file FILE"))?;
    fs::canonicalize(path).map_err(|error| {
        Error::refused(
            format!("{} cannot be read: {error}", path.display()),
            "put the new service's environment file there, or switch LEGACY_COEXISTENCE off by hand and make an empty file",
        )
    })
}

fn before(folder: &Folder) -> PathBuf {
    folder.clean_up().join("environment.before")
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::file("read", path))
}

/// Replaces the contents and leaves mode and owner.
fn write(path: &Path, text: &str) -> Result<()> {
    let meta = fs::metadata(path).map_err(Error::file("look at", path))?;
    files::replace(path, text.as_bytes())?;
    let now = fs::metadata(path).map_err(Error::file("look at", path))?;
    if (now.uid(), now.gid()) != (meta.uid(), meta.gid()) {
        chown(path, Some(meta.uid()), Some(meta.gid())).map_err(Error::file("give back", path))?;
    }
    fs::set_permissions(path, meta.permissions()).map_err(Error::file("set the mode of", path))
}

impl Step for CoexistenceOff {
    fn name(&self) -> &'static str {
        "coexistence-off"
    }

    fn about(&self) -> &'static str {
        "switch LEGACY_COEXISTENCE off in the new service's environment file"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async move {
            let path = file(preview.plan.environment.as_ref())?;
            Ok(vec![
                Call::Write(before(&preview.folder).display().to_string()),
                Call::Write(path.display().to_string()),
            ])
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move { read(&file(cx.plan.environment.as_ref())?).map(drop) })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let path = file(cx.plan.environment.as_ref())?;
            let (text, kept) = (read(&path)?, before(&cx.folder));
            cx.call(Call::Write(kept.display().to_string())).await?;
            // A second attempt keeps the first one's: what there is now may be switched already.
            if !kept.exists() {
                fs::create_dir_all(cx.folder.clean_up()).map_err(Error::file("create", &kept))?;
                files::replace(&kept, text.as_bytes())?;
            }
            cx.call(Call::Write(path.display().to_string())).await?;
            write(&path, &switched(&text))
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            let path = file(cx.plan.environment.as_ref())?;
            let text = read(&path)?;
            let next = "restart the replicas one by one, so that they read it";
            Ok((switched(&text) == text).then(|| json!({ "file": path.display().to_string(), "next": next })))
        })
    }

    fn undo<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let (path, kept) = (file(cx.plan.environment.as_ref())?, before(&cx.folder));
            if !kept.exists() {
                return Ok(());
            }
            let (text, now) = (read(&kept)?, read(&path)?);
            if now != text && now != switched(&text) {
                return Err(Error::refused(
                    format!("{} was edited since: it is not written over", path.display()),
                    format!("put {KEY}=true there by hand, remove {}, and run the same command again", kept.display()),
                ));
            }
            cx.call(Call::Write(path.display().to_string())).await?;
            write(&path, &text)?;
            cx.call(Call::Remove(kept.display().to_string())).await?;
            fs::remove_file(&kept).map_err(Error::file("remove", &kept))?;
            files::sync_parent(&kept)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::switched;

    #[test]
    fn only_the_key_changes() {
        for (text, expected) in [
            ("A=1\nLEGACY_COEXISTENCE=true\nB=2\n", "A=1\nLEGACY_COEXISTENCE=false\nB=2\n"),
            ("export LEGACY_COEXISTENCE = \"true\"\r\nX='a\tb'", "export LEGACY_COEXISTENCE =false\r\nX='a\tb'"),
            ("# LEGACY_COEXISTENCE=true\n", "# LEGACY_COEXISTENCE=true\nLEGACY_COEXISTENCE=false\n"),
            ("LEGACY_COEXISTENCE_NOT=true", "LEGACY_COEXISTENCE_NOT=true\nLEGACY_COEXISTENCE=false\n"),
            ("LEGACY_COEXISTENCE=true\nLEGACY_COEXISTENCE=1", "LEGACY_COEXISTENCE=false\nLEGACY_COEXISTENCE=false"),
            ("", "LEGACY_COEXISTENCE=false\n"),
        ] {
            let once = switched(text);
            assert_eq!(once, expected);
            assert_eq!(switched(&once), once);
        }
    }
}
