//! The database of a command: a server somebody else runs, or the local one for as long as the command takes.

use db::DatabaseUrl;
use db::local::{LocalError, LocalPostgres};

use crate::config::{Config, Database};

/// A database that can be connected to.
pub(crate) struct Opened {
    pub(crate) url: DatabaseUrl,
    /// The server, when it is ours.
    pub(crate) local: Option<LocalPostgres>,
}

/// Why the local database is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error("the thread that starts PostgreSQL ended early")]
    Thread,
}

impl OpenError {
    /// Whether another process, most likely a server, works on the same directory.
    pub(crate) const fn is_in_use(&self) -> bool {
        matches!(self, Self::Local(LocalError::Locked { .. }))
    }
}

/// Starts the local database if the configuration says so. A server is not connected to yet.
pub(crate) async fn open(config: &Config) -> Result<Opened, OpenError> {
    let directory = match &config.database {
        Database::Server(url) => return Ok(Opened { url: (**url).clone(), local: None }),
        Database::Local(directory) => directory,
    };
    let options = config.local_options(directory);
    let start = tokio::task::spawn_blocking(move || LocalPostgres::start(&options));
    let local = start.await.map_err(|_| OpenError::Thread)??;
    Ok(Opened { url: DatabaseUrl::from_config(local.config()), local: Some(local) })
}

impl Opened {
    /// Stops the server if it is ours.
    pub(crate) async fn close(self) -> Result<(), OpenError> {
        let Some(local) = self.local else { return Ok(()) };
        tokio::task::spawn_blocking(move || local.stop()).await.map_err(|_| OpenError::Thread)??;
        Ok(())
    }
}
