//! The step: what was found is kept.

use serde_json::{Value, json};

use super::{Discovery, discover};
use crate::run::{Call, Cx, Doing, Folder, Preview, Step};
use crate::{Error, Result, files};

/// Reads the catalogs and keeps what they say.
pub struct Discover;

impl Discovery {
    /// What the run in `folder` found when it began.
    pub fn read(folder: &Folder) -> Result<Self> {
        files::read_json(&folder.discovery())?.ok_or_else(|| {
            Error::refused(
                format!("nothing is known about the database in {}", folder.path().display()),
                "run `pyairtable-platform cutover backup`, which looks first",
            )
        })
    }
}

impl Step for Discover {
    fn name(&self) -> &'static str {
        "discover"
    }

    fn about(&self) -> &'static str {
        "read what stands in the database and keep it"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async { Ok(vec![Call::Write(preview.folder.discovery().display().to_string())]) })
    }

    fn precondition<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let client = cx.connect(None).await?;
            let found = discover(&client).await?;
            let path = cx.folder.discovery();
            cx.call(Call::Write(path.display().to_string())).await?;
            files::replace_json(&path, &found)
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            let found: Option<Discovery> = files::read_json(&cx.folder.discovery())?;
            Ok(found.map(|found| json!({ "fingerprint": found.fingerprint, "tables": found.tables.len() })))
        })
    }

    fn undo<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        // Knowing what there was harms nobody, and the backup is measured by it.
        Box::pin(async { Ok(()) })
    }
}
