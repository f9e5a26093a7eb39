//! The step: the new service's environment, made of the old services'.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{collect, merge};
use crate::Error;
use crate::files::sha256;
use crate::run::{Call, Cx, Doing, Folder, Plan, Preview, Step};

/// Writes the environment file of the new service.
pub struct Environment;

fn file(plan: &Plan, folder: &Folder) -> PathBuf {
    plan.environment.clone().unwrap_or_else(|| folder.environment())
}

impl Step for Environment {
    fn name(&self) -> &'static str {
        "config"
    }

    fn about(&self) -> &'static str {
        "put the old services' environments together into the new service's"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async { Ok(vec![Call::Write(file(&preview.plan, &preview.folder).display().to_string())]) })
    }

    fn precondition<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let Some(old) = cx.plan.old.clone() else { return Ok(()) };
            let merged = merge(&collect(&old)?, &cx.plan.take, cx.rng.as_ref());
            let path = file(&cx.plan, &cx.folder);
            cx.call(Call::Write(path.display().to_string())).await?;
            merged.write(&path, false).map(drop)
        })
    }

    /// Whoever changed the file afterwards meant it: that it is there is enough.
    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            let path = file(&cx.plan, &cx.folder);
            match std::fs::read(&path) {
                Ok(bytes) => Ok(Some(json!({ "file": path, "sha256": sha256(bytes) }))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Error::file("read", &path)(error)),
            }
        })
    }

    fn undo<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        // Services that were started with it may be running still.
        let _ = cx;
        Box::pin(async { Ok(()) })
    }
}
