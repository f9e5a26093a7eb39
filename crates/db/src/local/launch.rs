//! As whom PostgreSQL runs, and how it dies with its manager.
//!
//! PostgreSQL refuses root. In a user namespace root's own number appears as nobody's: the files stay root's and
//! nothing changes hands. Where namespaces are forbidden, root becomes nobody for good and the files are given to it.
//!
//! The signal at the parent's death is set by util-linux between fork and exec, where only unsafe code could do it in
//! this process. It has to be set last, because a change of credentials clears it.

use std::{
    env,
    ffi::OsString,
    fs, io,
    os::unix::fs::{MetadataExt, lchown},
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use rustix::process::geteuid;

use super::{LocalError, Options};

/// Nobody, by number: its group is called differently from one distribution to the next.
const NOBODY: u32 = 65534;

/// The manager may die before the signal is set; then it would never come. By the time this runs it is set, so either
/// the parent is still the expected one and the signal is sure, or there is nothing to start for.
const ONLY_IF_PARENT_LIVES: &str = r#"[ "$PPID" = "$1" ] || exit 1; shift; exec "$@""#;

/// Whose rights the server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// Those of this process, which is not root.
    Same,
    /// Root's, under another name.
    Namespace,
    /// Another user's: nobody's, or those of the user who already owns the files. By number, user and group.
    Setuid(u32, u32),
}

impl Identity {
    /// Where namespaces are forbidden.
    pub(super) const NOBODY: Self = Self::Setuid(NOBODY, NOBODY);
}

/// What comes between this process and PostgreSQL.
#[derive(Debug, Clone)]
pub(super) struct Launcher {
    pub(super) identity: Identity,
    unshare: PathBuf,
    /// `None` where it cannot set the signal: not Linux, or a reduced edition.
    setpriv: Option<PathBuf>,
    pub(super) dies_with_parent: bool,
}

impl Launcher {
    /// The best that works for `root`, which is given to the resulting user.
    pub(super) fn choose(options: &Options, root: &Path) -> Result<Self, LocalError> {
        if !geteuid().is_root() {
            let same = Self::with(options, Identity::Same);
            let dies_with_parent = same.dies_with_parent && same.try_on(root).is_ok();
            if cfg!(target_os = "linux") && !dies_with_parent {
                tracing::warn!("no `setpriv` of util-linux: a killed server process leaves its PostgreSQL running");
            }
            return Ok(Self { dies_with_parent, ..same });
        }
        let found = fs::symlink_metadata(root).map_err(LocalError::io("read", root))?;
        // What belongs to somebody stays theirs, as when they started with sudo for once.
        let candidates = match found.uid() {
            0 => vec![Identity::Namespace, Identity::NOBODY],
            NOBODY => vec![Identity::NOBODY, Identity::Namespace],
            somebody => vec![Identity::Setuid(somebody, found.gid())],
        };
        let mut reasons = Vec::new();
        for identity in candidates {
            let launcher = Self::with(options, identity);
            launcher.take_over(root).map_err(LocalError::io("change the owner of", root))?;
            match launcher.try_on(root) {
                Ok(()) => return Ok(launcher),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(LocalError::Unprivileged { directory: root.to_owned(), reason: reasons.join("; ") })
    }

    /// A given identity, untested.
    pub(super) fn with(options: &Options, identity: Identity) -> Self {
        let setpriv = tool(options, "setpriv");
        let unshare = tool(options, "unshare").unwrap_or_else(|| "unshare".into());
        Self { identity, unshare, dies_with_parent: setpriv.is_some(), setpriv }
    }

    /// The user that owns the files, as seen from here.
    pub(super) fn owner(&self) -> u32 {
        if let Identity::Setuid(user, _) = self.identity { user } else { geteuid().as_raw() }
    }

    /// `program`, wrapped. `death` is the signal it gets when the calling *thread* ends.
    pub(super) fn command(&self, program: &Path, death: &str) -> Command {
        let mut words: Vec<OsString> = Vec::new();
        if self.identity == Identity::Namespace {
            words.push(self.unshare.clone().into());
            words.extend(["--user".into(), format!("--map-user={NOBODY}").into()]);
            words.extend([format!("--map-group={NOBODY}").into(), "--".into()]);
        }
        if self.dies_with_parent || matches!(self.identity, Identity::Setuid(..)) {
            words.push(self.setpriv.clone().unwrap_or_else(|| "setpriv".into()).into());
        }
        if let Identity::Setuid(user, group) = self.identity {
            words.extend(
                [format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".into()].map(Into::into),
            );
        }
        if self.dies_with_parent {
            let pid = process::id().to_string();
            words.extend(["--pdeathsig", death, "/bin/sh", "-c", ONLY_IF_PARENT_LIVES, "sh", &pid].map(Into::into));
        }
        words.push(program.into());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null());
        // What the caller's shell says about other servers, languages and time zones is not meant for this one.
        for name in ["PGDATA", "PGPORT", "PGHOST", "PGUSER", "PGDATABASE", "PGOPTIONS", "PGTZ", "PGDATESTYLE"] {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").env("TZ", "UTC");
        command
    }

    /// Whether a wrapped program starts at all and may write to `root`.
    fn try_on(&self, root: &Path) -> Result<(), String> {
        let mut command = self.command(Path::new("/bin/sh"), "KILL");
        command.args(["-c", r#"[ -w "$1" ] && [ -x "$1" ]"#, "sh"]).arg(root).stdout(Stdio::null());
        let name = format!("{:?}", self.identity).to_lowercase();
        match command.output() {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) if output.stderr.is_empty() => Err(format!("{name}: it may not enter or write the directory")),
            Ok(output) => Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim())),
            Err(error) => Err(format!("{name}: {error}")),
        }
    }

    /// Gives everything below `root` to the owner: an earlier run may have had another identity.
    pub(super) fn take_over(&self, root: &Path) -> io::Result<()> {
        if !geteuid().is_root() || fs::symlink_metadata(root)?.uid() == self.owner() {
            return Ok(());
        }
        change_owner(root, self.owner())
    }
}

/// Contents first: the owner of the root says that all below it is done.
fn change_owner(path: &Path, owner: u32) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            change_owner(&entry?.path(), owner)?;
        }
    }
    lchown(path, Some(owner), None)
}

fn tool(options: &Options, name: &str) -> Option<PathBuf> {
    let usual = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let given = options.search_path.iter().flat_map(env::split_paths).filter(|path| path.is_absolute());
    usual.into_iter().chain(given).map(|directory| directory.join(name)).find(|path| path.is_file())
}
