//! The end of the way back: after 30 days what was kept may go.

use jiff::SignedDuration;
use serde_json::json;

use crate::run::{Call, Cx};
use crate::{Error, Result, files};

/// Days for which a clean-up can be taken back.
pub const DAYS: i64 = 30;

const FORGOTTEN: &str = "forgotten";

/// Whether that is so: there is nothing left to take anything back with.
pub fn forgotten(cx: &Cx) -> bool {
    cx.noted_by("", FORGOTTEN).is_some() && !cx.folder.clean_up().exists()
}

/// Removes what was kept for undoing. Refused before its time. `last` is the last step of the clean-up.
pub async fn forget(cx: &mut Cx, last: &str) -> Result<String> {
    let path = cx.folder.clean_up();
    let Some(done) = cx.finished_at(last) else {
        return Err(Error::refused(
            "the clean-up is not done",
            "run `pyairtable-platform cutover clean-up`, or `cutover status` to see where it stands",
        ));
    };
    let until = done + SignedDuration::from_hours(24 * DAYS);
    if cx.clock.now() < until {
        return Err(Error::refused(
            format!("what the clean-up of {done:.0} took away is kept for {DAYS} days"),
            format!("it can be forgotten at {until:.0}; until then `cutover clean-up --undo` brings it back"),
        ));
    }
    let shown = path.display().to_string();
    cx.call(Call::Remove(shown.clone())).await?;
    files::remove_folder(&path)?;
    files::sync_parent(&path)?;
    cx.note(FORGOTTEN, json!(cx.clock.now())).await?;
    Ok(shown)
}
