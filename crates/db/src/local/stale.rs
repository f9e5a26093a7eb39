//! Servers left over on a directory whose lock is ours: their manager was killed where nothing ended them with it, or
//! somebody started one by hand.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{LocalError, layout::Layout, layout::remove_file};

/// Each signal and how long it may take. A fast shutdown writes a checkpoint first.
pub(super) const LADDER: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(30)),
    (Signal::QUIT, Duration::from_secs(5)),
    (Signal::KILL, Duration::from_secs(5)),
];

const PAUSE: Duration = Duration::from_millis(5);

/// Stops every leftover process, and removes the pid file: a new server would refuse to start if some other process
/// had since been given the number in it.
pub(super) fn stop(layout: &Layout) -> Result<(), LocalError> {
    let pid_file = layout.data.join("postmaster.pid");
    for (signal, patience) in LADDER {
        let found = processes(layout);
        if found.is_empty() {
            break;
        }
        let postmaster = recorded(&pid_file).filter(|pid| found.contains(pid));
        // To a backend SIGINT only means "cancel": the first step is for the one that stops the others.
        let targets = if signal == Signal::INT { postmaster.into_iter().collect() } else { found };
        if targets.is_empty() {
            continue;
        }
        tracing::warn!(?targets, ?signal, "stopping a PostgreSQL left over from an earlier run");
        for pid in targets.iter().filter_map(|&pid| Pid::from_raw(pid)) {
            // Gone in the meantime is what is wanted; not permitted shows below.
            let _ = kill_process(pid, signal);
        }
        let start = Instant::now();
        while start.elapsed() < patience && !processes(layout).is_empty() {
            thread::sleep(PAUSE);
        }
    }
    match processes(layout).first() {
        Some(&pid) => Err(LocalError::Stale { pid: pid.unsigned_abs(), data: layout.data.clone() }),
        None => remove_file(&pid_file),
    }
}

/// The processes of PostgreSQL that work below the root.
fn processes(layout: &Layout) -> BTreeSet<i32> {
    if Path::new("/proc/self/stat").exists() {
        // Someone may have put the data on another disk and a link in its place.
        let data = fs::canonicalize(&layout.data).unwrap_or_else(|_| layout.data.clone());
        let places = [layout.root.as_path(), &data];
        return entries(Path::new("/proc")).filter(|&pid| works_below(pid, &places)).collect();
    }
    // Elsewhere only the postmaster can be told, by its command line; it stops the others.
    let mut found = BTreeSet::new();
    if let Some(pid) = recorded(&layout.data.join("postmaster.pid")) {
        let output = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
        let text = output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
        if text.contains("postgres") && text.contains(&*layout.data.to_string_lossy()) {
            found.insert(pid);
        }
    }
    found
}

fn entries(proc: &Path) -> impl Iterator<Item = i32> {
    fs::read_dir(proc).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// PostgreSQL makes the data directory its working directory. A zombie has none, and counts as gone.
fn works_below(pid: i32, places: &[&Path]) -> bool {
    let proc = Path::new("/proc").join(pid.to_string());
    fs::read_link(proc.join("cwd")).is_ok_and(|cwd| places.iter().any(|place| cwd.starts_with(place)))
        && fs::read_to_string(proc.join("comm")).is_ok_and(|name| matches!(name.trim(), "postgres" | "initdb"))
}

/// The first line of `postmaster.pid`.
fn recorded(pid_file: &Path) -> Option<i32> {
    fs::read_to_string(pid_file).ok()?.lines().next()?.trim().parse().ok().filter(|&pid| pid > 1)
}
