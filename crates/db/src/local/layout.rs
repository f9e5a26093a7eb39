//! Where things are: everything below `postgres/` in the directory of the options, except a socket whose path would
//! be too long.

use std::{
    env,
    ffi::OsString,
    fmt::Write as _,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, lchown},
    },
    path::{Path, PathBuf},
};

use rustix::{fs::OFlags, process::geteuid};
use sha2::{Digest, Sha256};

use super::LocalError;

/// `sun_path` holds 108 bytes on Linux and 104 on macOS, each with a terminating zero.
const LONGEST_SOCKET_PATH: usize = 103;
const SOCKET: &str = ".s.PGSQL.5432";
/// Root may work in a directory that belongs to somebody else, who must not send its writes elsewhere.
pub(super) const NO_LINKS: i32 = OFlags::NOFOLLOW.bits().cast_signed();
const LOG_LIMIT: u64 = 10 * 1024 * 1024;
const TAIL_LINES: usize = 10;
/// Far more than ten lines need, and bounded however long one line is.
const TAIL_BYTES: u64 = 16 * 1024;

/// The paths of one local PostgreSQL.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) root: PathBuf,
    pub(super) data: PathBuf,
    pub(super) log: PathBuf,
    pub(super) lock: PathBuf,
    pub(super) socket_dir: PathBuf,
}

impl Layout {
    /// Creates the root, private to the user.
    pub(super) fn create(directory: &Path) -> Result<Self, LocalError> {
        fs::create_dir_all(directory).map_err(LocalError::io("create", directory))?;
        // Absolute and without links: the name of the socket directory and the search for leftovers depend on it.
        let directory = fs::canonicalize(directory).map_err(LocalError::io("resolve", directory))?;
        let root = directory.join("postgres");
        private_dir(&root).map_err(LocalError::io("create", &root))?;
        let root = fs::canonicalize(&root).map_err(LocalError::io("resolve", root))?;
        Ok(Self {
            data: root.join("data"),
            log: root.join("server.log"),
            lock: root.join("lock"),
            socket_dir: socket_dir(&root),
            root,
        })
    }

    /// Whether the socket had to move out of the directory.
    fn socket_is_elsewhere(&self) -> bool {
        !self.socket_dir.starts_with(&self.root)
    }

    /// Creates the socket directory for `owner`, or makes sure that the one that is there is nobody else's.
    pub(super) fn create_socket_dir(&self, owner: u32) -> Result<(), LocalError> {
        let path = &self.socket_dir;
        let refuse = |problem| Err(LocalError::SocketDirectory { path: path.clone(), problem });
        private_dir(path).map_err(LocalError::io("create", path))?;
        let found = fs::symlink_metadata(path).map_err(LocalError::io("read", path))?;
        if !found.is_dir() {
            return refuse("is not a directory");
        }
        if found.uid() != owner && found.uid() != geteuid().as_raw() {
            return refuse("belongs to another user");
        }
        if found.mode() & 0o077 != 0 {
            return refuse("is open to others");
        }
        if found.uid() != owner {
            lchown(path, Some(owner), None).map_err(LocalError::io("give away", path))?;
        }
        // Left by a server that was killed. It would refuse to start if another process now has the old one's number.
        for name in [SOCKET.to_owned(), format!("{SOCKET}.lock")] {
            remove_file(&path.join(name))?;
        }
        Ok(())
    }

    /// Leaves nothing outside the directory.
    pub(super) fn remove_outside(&self) {
        if self.socket_is_elsewhere() {
            // Empty after an orderly stop; otherwise the next start uses it again.
            let _ = fs::remove_dir(&self.socket_dir);
        }
    }

    /// Opens the log for appending, after moving a large one out of the way.
    pub(super) fn open_log(&self) -> Result<File, LocalError> {
        if fs::metadata(&self.log).is_ok_and(|log| log.len() > LOG_LIMIT) {
            let mut old = OsString::from(&self.log);
            old.push(".1");
            fs::rename(&self.log, old).map_err(LocalError::io("rename", &self.log))?;
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .custom_flags(NO_LINKS)
            .open(&self.log)
            .map_err(LocalError::io("open", &self.log))
    }

    /// The last lines written to the log at or after byte `from`.
    pub(super) fn log_tail(&self, from: u64) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&self.log)?;
            let start = from.max(file.metadata()?.len().saturating_sub(TAIL_BYTES));
            file.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let text = read().map_or_else(|error| error.to_string(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

/// Inside the root if the path fits, else in the system's temporary directory under a name only this root has.
fn socket_dir(root: &Path) -> PathBuf {
    let fits = |path: &Path| path.as_os_str().len() + 1 + SOCKET.len() <= LONGEST_SOCKET_PATH;
    let inside = root.join("socket");
    if fits(&inside) {
        return inside;
    }
    let mut name = String::from("pyairtable-pg-");
    for byte in &Sha256::digest(root.as_os_str().as_bytes())[..8] {
        let _ = write!(name, "{byte:02x}");
    }
    let chosen = env::temp_dir().join(&name);
    if chosen.is_absolute() && fits(&chosen) { chosen } else { Path::new("/tmp").join(name) }
}

/// Creates a directory of mode 0700 unless something of that name exists.
fn private_dir(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// Removes a file that may not exist.
pub(super) fn remove_file(path: &Path) -> Result<(), LocalError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LocalError::io("remove", path)(error)),
        _ => Ok(()),
    }
}
