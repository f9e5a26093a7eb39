//! Connections to one instance: made when needed, kept when idle.

use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::proxy::body::RequestBody;
use crate::routes::Endpoint;

/// Services close idle connections after 75 s or later; one that is closed while a request is on its way fails it.
const IDLE: Duration = Duration::from_secs(30);
/// More than are ever busy at once under the load a service takes.
const MOST_IDLE: usize = 256;

pub(crate) type Sender = SendRequest<RequestBody>;

#[derive(Default)]
pub(crate) struct Connections(Mutex<Vec<(Sender, Instant)>>);

impl Connections {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Sender, Instant)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// An idle connection, the one used last: the others may grow old and be closed.
    pub(crate) async fn take(&self) -> Option<Sender> {
        loop {
            let (mut sender, since) = self.idle().pop()?;
            if since.elapsed() > IDLE {
                self.idle().clear();
                return None;
            }
            // Its task may not have noticed yet that the last answer is over; that it is gone, it has.
            if !sender.is_closed() && sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    /// Keeps a connection whose last answer is over.
    pub(crate) fn keep(&self, sender: Sender) {
        let mut idle = self.idle();
        if !sender.is_closed() && idle.len() < MOST_IDLE {
            idle.push((sender, Instant::now()));
        }
    }

    /// Closes what nobody needed for long; what is used last stays, so the old ones are at the front.
    pub(crate) fn close_old(&self) {
        self.idle().retain(|(sender, since)| !sender.is_closed() && since.elapsed() <= IDLE);
    }
}

/// Connects to an instance.
pub(crate) async fn connect(endpoint: &Endpoint, patience: Duration) -> io::Result<Sender> {
    let connect = async {
        let stream = TcpStream::connect(endpoint.host_and_port()).await?;
        stream.set_nodelay(true)?;
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)
    };
    let (sender, connection) = timeout(patience, connect).await.map_err(|_| io::ErrorKind::TimedOut)??;
    tokio::spawn(async move {
        // Whoever waits for an answer on it is told too.
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a connection to a service failed");
        }
    });
    Ok(sender)
}
