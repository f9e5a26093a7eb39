//! A running server, from start to stop.

use std::{
    fs,
    os::unix::{fs::lchown, process::CommandExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::process::geteuid;

use super::{
    LocalError, Options, binaries, cluster,
    keeper::{Keeper, Phase},
    launch::Launcher,
    layout::Layout,
    lock::Lock,
    stale::{self, LADDER},
};

/// Recovery after a crash has this long; `max_wal_size` keeps it far below.
const READY_WITHIN: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(3);

/// A PostgreSQL that runs for as long as this value lives.
///
/// Dropping it stops the server in order and waits for that, about as long as `stop`, but keeps errors to itself.
#[derive(Debug)]
pub struct LocalPostgres {
    keeper: Keeper,
    layout: Layout,
    log_start: u64,
    /// Last: let go of only when the server has stopped.
    _lock: Lock,
}

impl LocalPostgres {
    /// Starts the server of `options.directory`, creating it first if need be. Blocks until it accepts connections.
    pub fn start(options: &Options) -> Result<Self, LocalError> {
        Self::start_as(options, |root| Launcher::choose(options, root))
    }

    /// `start` with the choice of identity left to the caller.
    pub(super) fn start_as(
        options: &Options,
        choose: impl FnOnce(&Path) -> Result<Launcher, LocalError>,
    ) -> Result<Self, LocalError> {
        let layout = Layout::create(&options.directory)?;
        let lock = Lock::take(&layout.lock, &options.directory)?;
        stale::stop(&layout)?;
        let binaries = binaries::find(options, &layout.data)?;
        let launcher = choose(&layout.root)?;
        layout.create_socket_dir(launcher.owner())?;
        cluster::ensure(&layout, &binaries, &launcher, options.durability)?;

        let log = layout.open_log()?;
        if geteuid().is_root() {
            // The next start may be its owner's own.
            for path in [&layout.lock, &layout.log] {
                lchown(path, Some(launcher.owner()), None).map_err(LocalError::io("give away", path))?;
            }
        }
        let log_start = log.metadata().map_err(LocalError::io("read", &layout.log))?.len();
        // On the death of the manager SIGQUIT, not SIGKILL: the postmaster then ends its children too, of which a busy
        // one would otherwise work on.
        let mut command = launcher.command(&binaries.postgres, "QUIT");
        command.args(options.server_arguments(&layout.data, &layout.socket_dir));
        command.stdout(log.try_clone().map_err(LocalError::io("open", &layout.log))?).stderr(log);
        // Ctrl-C in a terminal goes to the whole group; the manager decides when the database stops.
        command.process_group(0);
        let keeper = Keeper::spawn(command).map_err(LocalError::io("run", &binaries.postgres))?;
        let server = Self { keeper, layout, log_start, _lock: lock };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&self) -> Result<(), LocalError> {
        let start = Instant::now();
        while !self.is_ready() {
            if let Some(status) = self.keeper.exit() {
                let (log, tail) = self.log_and_tail();
                return Err(LocalError::Failed { program: "postgres", status, log, tail });
            }
            if start.elapsed() > READY_WITHIN {
                let (log, tail) = self.log_and_tail();
                return Err(LocalError::NotReady { seconds: READY_WITHIN.as_secs(), log, tail });
            }
            thread::sleep(POLL);
        }
        self.keeper.enter(Phase::Serving);
        Ok(())
    }

    /// The pid file says so in its eighth line. The first makes sure that it speaks of this server.
    fn is_ready(&self) -> bool {
        let Ok(text) = fs::read_to_string(self.layout.data.join("postmaster.pid")) else { return false };
        let mut lines = text.lines().map(str::trim);
        lines.next() == Some(&self.pid().to_string()) && lines.nth(6) == Some("ready")
    }

    /// How to connect: as the superuser, to the database `postgres`.
    pub fn config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host_path(&self.layout.socket_dir).user("postgres").dbname("postgres");
        config
    }

    /// The directory of the socket: the `host` of a connection string.
    pub fn socket_dir(&self) -> &Path {
        &self.layout.socket_dir
    }

    /// The process id of the server.
    pub fn pid(&self) -> u32 {
        self.keeper.pid().as_raw_nonzero().get().unsigned_abs()
    }

    /// What the server writes about itself; moved to `server.log.1` at a start once it has passed 10 MB.
    pub fn log_file(&self) -> &Path {
        &self.layout.log
    }

    /// Whether the server process still runs. An unexpected end is logged as well.
    pub fn is_running(&self) -> bool {
        self.keeper.exit().is_none()
    }

    /// Stops the server in order and waits until it has ended.
    pub fn stop(self) -> Result<(), LocalError> {
        self.halt()
    }

    fn halt(&self) -> Result<(), LocalError> {
        self.keeper.enter(Phase::Stopping);
        for (signal, patience) in LADDER {
            self.keeper.signal(signal);
            if self.keeper.wait(patience).is_some() {
                break;
            }
        }
        self.layout.remove_outside();
        match self.keeper.exit() {
            Some(status) if status.success() => Ok(()),
            status => {
                let (log, tail) = self.log_and_tail();
                Err(LocalError::Unclean { status: status.unwrap_or_default(), log, tail })
            }
        }
    }

    fn log_and_tail(&self) -> (PathBuf, String) {
        (self.layout.log.clone(), self.layout.log_tail(self.log_start))
    }
}

impl Drop for LocalPostgres {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.halt();
        }
    }
}
