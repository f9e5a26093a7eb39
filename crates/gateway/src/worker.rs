//! The threads that serve connections. A connection stays with its thread, and so do the connections to services that
//! its requests use: nothing on the way of a request waits for another processor.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use kernel::Rng;
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::gateway::Gateway;
use crate::known::Known;

/// How many there are: one for each processor this process may use.
pub(crate) fn count() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// What the requests of one thread have in common.
pub(crate) struct Worker {
    pub(crate) gateway: Arc<Gateway>,
    /// From 0.
    pub(crate) number: usize,
    /// Without a secret nobody is known.
    pub(crate) known: Option<Known>,
    pub(crate) rng: Ahead,
}

impl Worker {
    fn new(gateway: &Arc<Gateway>, number: usize) -> Self {
        let rng = Ahead { source: Arc::clone(&gateway.rng), bytes: Mutex::default() };
        Self { gateway: Arc::clone(gateway), number, known: gateway.verifier.clone().map(Known::new), rng }
    }
}

/// Random bytes for many requests at a time: the system is not asked with each of them.
pub(crate) struct Ahead {
    source: Arc<dyn Rng>,
    bytes: Mutex<Vec<u8>>,
}

impl Rng for Ahead {
    fn fill(&self, buffer: &mut [u8]) {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.len() < buffer.len() {
            bytes.resize(1024.max(buffer.len()), 0);
            self.source.fill(&mut bytes);
        }
        let rest = bytes.len() - buffer.len();
        buffer.copy_from_slice(&bytes[rest..]);
        bytes.truncate(rest);
    }
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
        let worker = Arc::new(Worker::new(gateway, number));
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
