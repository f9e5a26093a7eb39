//! The threads that serve connections. A connection stays with its thread, and so do the connections to services that
//! its requests use: nothing on the way of a request waits for another processor.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::gateway::Gateway;

/// How many there are: one for each processor this process may use.
pub(crate) fn count() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// What the requests of one thread have in common.
pub(crate) struct Worker {
    pub(crate) gateway: Arc<Gateway>,
    /// From 0.
    pub(crate) number: usize,
}

/// A thread, seen from the one who accepts connections. It ends when this is dropped, and cuts what it has then.
pub(crate) struct Thread<T> {
    connections: mpsc::UnboundedSender<T>,
    ended: oneshot::Receiver<()>,
}

impl<T: Send + 'static> Thread<T> {
    /// Starts thread `number`, which does `serve` with each connection it is given.
    pub(crate) fn start<F>(
        gateway: &Arc<Gateway>,
        number: usize,
        serve: impl Fn(Arc<Worker>, T) -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (connections, mut given) = mpsc::unbounded_channel();
        let (end, ended) = oneshot::channel();
        let worker = Arc::new(Worker { gateway: Arc::clone(gateway), number });
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name(format!("gateway-{number}")).spawn(move || {
            runtime.block_on(async {
                let mut serving = JoinSet::new();
                let mut end = end;
                loop {
                    tokio::select! {
                        Some(_) = serving.join_next() => {}
                        connection = given.recv() => match connection {
                            Some(connection) => drop(serving.spawn(serve(Arc::clone(&worker), connection))),
                            None => break,
                        },
                    }
                }
                tokio::select! {
                    () = end.closed() => {}
                    () = async { while serving.join_next().await.is_some() {} } => {}
                }
            });
        })?;
        Ok(Self { connections, ended })
    }

    /// Gives the thread a connection.
    pub(crate) fn give(&self, connection: T) {
        // It ends only with this.
        let _ = self.connections.send(connection);
    }

    /// Waits until its connections have ended, for `patience` at most; says whether they had.
    pub(crate) async fn end(self, patience: Duration) -> bool {
        drop(self.connections);
        timeout(patience, self.ended).await.is_ok()
    }
}
