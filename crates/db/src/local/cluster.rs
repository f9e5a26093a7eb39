//! Creates the data directory: all of it or nothing.

use std::{
    fs::{self, File},
    io,
    path::Path,
    process, thread,
    time::{Duration, Instant},
};

use super::{Durability, LocalError, binaries::Binaries, launch::Launcher, layout::Layout};

const SIDE: &str = "data.new-";

/// What letters are and how their case changes, best first. Sorting is always by code point, so that no library
/// update can silently reorder an index.
const CHARACTER_TYPES: [&str; 3] = ["C.UTF-8", "en_US.UTF-8", "C"];

/// Makes sure that there is a data directory.
pub(super) fn ensure(
    layout: &Layout,
    binaries: &Binaries,
    launcher: &Launcher,
    durability: Durability,
) -> Result<(), LocalError> {
    remove_unfinished(&layout.root)?;
    if layout.data.join("PG_VERSION").exists() {
        return Ok(());
    }
    if fs::read_dir(&layout.data).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(LocalError::NotADataDirectory(layout.data.clone()));
    }
    let side = layout.root.join(format!("{SIDE}{}", process::id()));
    for character_type in CHARACTER_TYPES {
        remove_dir(&side)?;
        match initdb(layout, binaries, launcher, durability, &side, character_type) {
            Ok(()) => break,
            // Not every system knows every name; the last one is built in.
            Err(LocalError::Failed { tail, .. }) if character_type != "C" && tail.contains("locale") => {}
            Err(error) => return Err(error),
        }
    }
    fs::rename(&side, &layout.data).map_err(LocalError::io("rename", &side))?;
    if durability == Durability::Durable {
        File::open(&layout.root).and_then(|root| root.sync_all()).map_err(LocalError::io("sync", &layout.root))?;
    }
    Ok(())
}

fn initdb(
    layout: &Layout,
    binaries: &Binaries,
    launcher: &Launcher,
    durability: Durability,
    side: &Path,
    character_type: &str,
) -> Result<(), LocalError> {
    let log = layout.open_log()?;
    let start = log.metadata().map_err(LocalError::io("read", &layout.log))?.len();
    let output = log.try_clone().map_err(LocalError::io("open", &layout.log))?;
    // Trust is enough: whoever reaches the socket is this user already.
    let mut command = launcher.command(&binaries.initdb, "KILL");
    command.arg("-D").arg(side).args(["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
    command.arg(format!("--lc-ctype={character_type}"));
    if durability == Durability::ForTests {
        command.arg("--no-sync");
    }
    let status = command.stdout(output).stderr(log).status().map_err(LocalError::io("run", &binaries.initdb))?;
    if status.success() {
        return Ok(());
    }
    let (log, tail) = (layout.log.clone(), layout.log_tail(start));
    Err(LocalError::Failed { program: "initdb", status, log, tail })
}

/// Clears what an interrupted run left.
fn remove_unfinished(root: &Path) -> Result<(), LocalError> {
    for entry in fs::read_dir(root).map_err(LocalError::io("read", root))? {
        let entry = entry.map_err(LocalError::io("read", root))?;
        if entry.file_name().to_string_lossy().starts_with(SIDE) {
            remove_dir(&entry.path())?;
        }
    }
    Ok(())
}

/// A child of an initdb that was killed with its manager writes on until it notices.
const WRITES_ON: Duration = Duration::from_secs(5);

fn remove_dir(path: &Path) -> Result<(), LocalError> {
    let began = Instant::now();
    loop {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && began.elapsed() < WRITES_ON => {
                thread::sleep(Duration::from_millis(10));
            }
            removed => return removed.map_err(LocalError::io("remove", path)),
        }
    }
}
