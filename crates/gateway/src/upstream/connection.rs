//! Connections to one instance: made when needed, kept when idle. Each thread keeps its own, so no request waits for
//! another thread to pass it an answer.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::proxy::body::RequestBody;
use crate::routes::{Endpoint, Protocol};

/// Services close idle connections after 75 s or later; one that is closed while a request is on its way fails it.
const IDLE: Duration = Duration::from_secs(30);
/// More than are ever busy at once under the load a service takes.
const MOST_IDLE: usize = 256;
/// The most that is kept of the head of an answer.
const BUFFER: usize = 64 * 1024;
/// How often a connection that many requests share is asked whether it still is one, and how long that may take.
const PING: Duration = Duration::from_secs(10);
const PONG: Duration = Duration::from_secs(5);

/// hyper's work on a connection.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection to an instance, as one request has it.
pub(crate) enum Link {
    /// HTTP/1.1, which nobody else has meanwhile. Whoever waits on it does its work too: a task of its own would have to
    /// be woken for every request and every answer. None once the connection has ended, or has got such a task.
    Own(http1::SendRequest<RequestBody>, Option<Driver>),
    /// HTTP/2, which requests share; it has a task.
    Shared(http2::SendRequest<RequestBody>),
}

impl Link {
    /// Sends `request`, and waits for the head of its answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        match self {
            Self::Own(sender, driver) => {
                let mut sent = std::pin::pin!(sender.try_send_request(request));
                poll_fn(|cx| {
                    drive(driver, cx);
                    sent.as_mut().poll(cx)
                })
                .await
            }
            Self::Shared(sender) => sender.try_send_request(request).await,
        }
    }

    /// Does what can be done on the connection now.
    pub(crate) fn drive(&mut self, cx: &mut Context<'_>) {
        if let Self::Own(_, driver) = self {
            drive(driver, cx);
        }
    }

    /// Gives the connection a task, for when nobody waits on it.
    pub(crate) fn detach(&mut self) {
        if let Self::Own(_, driver) = self
            && let Some(driver) = driver.take()
        {
            tokio::spawn(async move { ended(driver.await) });
        }
    }

    /// Whether another request may be sent, as far as is known.
    fn is_ready(&self) -> bool {
        match self {
            Self::Own(sender, driver) => driver.is_some() && sender.is_ready(),
            Self::Shared(sender) => !sender.is_closed(),
        }
    }
}

fn drive(driver: &mut Option<Driver>, cx: &mut Context<'_>) {
    if let Some(working) = driver
        && let Poll::Ready(result) = working.as_mut().poll(cx)
    {
        *driver = None;
        ended(result);
    }
}

/// Whoever waits for an answer on it is told too.
fn ended(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection to a service failed");
    }
}

/// What one thread has of connections to one instance.
#[derive(Default)]
struct Kept {
    idle: Mutex<Vec<(Link, Instant)>>,
    /// Held while it is made, so that those who come meanwhile share it.
    shared: tokio::sync::Mutex<Option<http2::SendRequest<RequestBody>>>,
}

impl Kept {
    fn idle(&self) -> MutexGuard<'_, Vec<(Link, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connections to one instance, of each thread.
pub(crate) struct Connections(Box<[Kept]>);

impl Default for Connections {
    fn default() -> Self {
        Self((0..crate::worker::count()).map(|_| Kept::default()).collect())
    }
}

impl Connections {
    /// Those of a thread.
    fn of(&self, worker: usize) -> &Kept {
        &self.0[worker % self.0.len()]
    }

    /// A connection for a request, and whether it was there before: the service may have closed it meanwhile.
    pub(crate) async fn get(
        &self,
        worker: usize,
        endpoint: &Endpoint,
        patience: Duration,
        only_new: bool,
    ) -> io::Result<(Link, bool)> {
        match endpoint.protocol() {
            Protocol::Http1 => {
                let idle = if only_new { None } else { self.idle(worker).await };
                match idle {
                    Some(link) => Ok((link, true)),
                    None => Ok((connect(endpoint, patience).await?, false)),
                }
            }
            Protocol::H2c => {
                let shared = timeout(patience, self.shared(worker, endpoint, patience)).await;
                let (link, old) = shared.map_err(|_| io::ErrorKind::TimedOut)??;
                Ok((link, old && !only_new))
            }
        }
    }

    /// An idle connection, the one used last: the others may grow old and be closed.
    async fn idle(&self, worker: usize) -> Option<Link> {
        let kept = self.of(worker);
        loop {
            let (mut link, since) = kept.idle().pop()?;
            if since.elapsed() > IDLE {
                kept.idle().clear();
                return None;
            }
            // Notices what happened since, and has this request woken from now on.
            poll_fn(|cx| {
                link.drive(cx);
                Poll::Ready(())
            })
            .await;
            if link.is_ready() {
                return Some(link);
            }
        }
    }

    /// Keeps a connection whose last answer is over.
    pub(crate) fn keep(&self, worker: usize, link: Link) {
        if matches!(link, Link::Shared(_)) {
            return;
        }
        let mut idle = self.of(worker).idle();
        if idle.len() < MOST_IDLE {
            idle.push((link, Instant::now()));
        }
    }

    /// Closes what nobody needed for long, or what the service has closed.
    pub(crate) fn close_old(&self) {
        let mut nobody = Context::from_waker(Waker::noop());
        for kept in &self.0 {
            kept.idle().retain_mut(|(link, since)| {
                link.drive(&mut nobody);
                link.is_ready() && since.elapsed() <= IDLE
            });
        }
    }

    /// The connection that all requests of a thread share, and whether it was there before.
    async fn shared(&self, worker: usize, endpoint: &Endpoint, patience: Duration) -> io::Result<(Link, bool)> {
        let mut shared = self.of(worker).shared.lock().await;
        if let Some(sender) = shared.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok((Link::Shared(sender.clone()), true));
        }
        let link = connect(endpoint, patience).await?;
        if let Link::Shared(sender) = &link {
            *shared = Some(sender.clone());
        }
        Ok((link, false))
    }
}

/// Connects to an instance.
pub(crate) async fn connect(endpoint: &Endpoint, patience: Duration) -> io::Result<Link> {
    let connect = async {
        let stream = TcpStream::connect(endpoint.host_and_port()).await?;
        stream.set_nodelay(true)?;
        handshake(endpoint.protocol(), TokioIo::new(stream)).await.map_err(io::Error::other)
    };
    timeout(patience, connect).await.map_err(|_| io::ErrorKind::TimedOut)?
}

async fn handshake(protocol: Protocol, stream: TokioIo<TcpStream>) -> hyper::Result<Link> {
    match protocol {
        Protocol::Http1 => {
            // Most requests are a head and little else, which is cheaper to send in one piece.
            let mut builder = http1::Builder::new();
            let (sender, connection) = builder.writev(false).max_buf_size(BUFFER).handshake(stream).await?;
            Ok(Link::Own(sender, Some(Box::pin(connection.with_upgrades()))))
        }
        Protocol::H2c => {
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(PING)
                .keep_alive_timeout(PONG)
                .max_header_list_size(u32::try_from(BUFFER).unwrap_or(u32::MAX))
                .max_send_buf_size(BUFFER)
                .handshake(stream)
                .await?;
            tokio::spawn(async move { ended(connection.await) });
            Ok(Link::Shared(sender))
        }
    }
}
