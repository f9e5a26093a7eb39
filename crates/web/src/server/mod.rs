//! The accept loop: HTTP/1.1 from a bound socket to a router, with every wait for a client bounded.
//!
//! `axum::serve` is not used: it bounds no wait, has no cap on connections and no end to its drain, and handed a
//! router it rebuilds the route table for every connection. hyper's own head timeout is not used either: it also runs
//! between the requests of a kept-alive connection, so the idle timeout could not be longer than it. The module
//! `activity` holds both limits, together with those hyper has no notion of.
//!
//! Deliberately absent: TLS and HTTP/2, which end at the proxy in front, upgrades, and the time a request body may
//! take, which is the extractors' business.

mod activity;
mod backoff;
mod bind;
mod connection;
mod requests;
mod signal;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt as _;
use hyper::server::conn::http1;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

pub use self::bind::{BindError, bind};
pub use self::signal::shutdown_signal;

use self::backoff::Backoff;

/// The most a connection may buffer of a request head, or of a response its client is slow to take.
const BUFFER: usize = 64 * 1024;

/// How long connections cut at the end of a drain may take to close their sockets.
const CLOSING: Duration = Duration::from_millis(200);

/// How long clients are waited for.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// From the first byte of a request head to its last: 10 s.
    pub header_timeout: Duration,
    /// From a connection being accepted to the end of its first request head: 10 s.
    pub first_request_timeout: Duration,
    /// Without a byte in either direction, between requests or during one: 75 s, longer than proxies keep theirs.
    /// Event streams must send a heartbeat more often.
    pub idle_timeout: Duration,
    /// Without the client accepting a byte of what is to be sent: 12 s.
    pub write_stall_timeout: Duration,
    /// From the signal to stop until what is still open is cut: 10 s.
    pub drain: Duration,
    /// Connections served at once: 12,000, for 10,000 event streams and the requests beside them. Further ones wait
    /// in the kernel's queue. At least one is always served.
    pub max_connections: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            first_request_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_stall_timeout: Duration::from_secs(12),
            drain: Duration::from_secs(10),
            max_connections: 12_000,
        }
    }
}

/// What became of the connections open at the signal to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainSummary {
    /// They ended by themselves: idle, or after their last response.
    pub drained: usize,
    /// They were still open when [`ServerConfig::drain`] was over.
    pub cut: usize,
}

/// A listening socket that nothing is accepted from yet.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    local_addr: SocketAddr,
}

impl Bound {
    /// The address, with the port that was chosen if port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves `router` until `shutdown` turns true or its sender is gone, then drains.
    ///
    /// Handlers find the client's address in [`axum::extract::ConnectInfo`]. Dropping the future cuts every
    /// connection.
    pub async fn serve(self, router: Router, config: ServerConfig, shutdown: watch::Receiver<bool>) -> DrainSummary {
        let Self { listener, local_addr } = self;
        let max_connections = config.max_connections.max(1);
        let mut server = Server::new(router, config, shutdown.clone());
        let mut stopped = std::pin::pin!(stopped(shutdown));
        let mut backoff = Backoff::default();
        let mut full = false;

        loop {
            tokio::select! {
                biased;
                () = &mut stopped => break,
                Some(ended) = server.connections.join_next() => {
                    log_panic(ended);
                    // Not at the first free place: at the cap each closing connection makes one, and the next fills it.
                    full = full && server.connections.len() >= max_connections / 10 * 9;
                }
                accepted = listener.accept(), if server.connections.len() < max_connections => match accepted {
                    Ok((stream, peer)) => {
                        if let Some(failures) = backoff.recovered() {
                            tracing::info!(%local_addr, failures, "accepting connections again");
                        }
                        server.spawn(stream, peer);
                        if !full && server.connections.len() >= max_connections {
                            full = true;
                            tracing::warn!(%local_addr, max_connections, "connection limit reached, new ones wait");
                        }
                    }
                    Err(error) => {
                        let (pause, first) = backoff.failed();
                        if first {
                            tracing::warn!(%local_addr, %error, "cannot accept connections, retrying");
                        }
                        // The error leaves the socket ready, so accepting again at once would spin.
                        tokio::select! {
                            () = &mut stopped => break,
                            () = sleep(pause) => {}
                        }
                    }
                },
            }
        }

        // Their clients already consider these connected; closing the listener would reset them.
        while server.connections.len() < max_connections
            && let Some(Ok((stream, peer))) = listener.accept().now_or_never()
        {
            server.spawn(stream, peer);
        }
        drop(listener);
        let summary = server.drain().await;
        tracing::info!(%local_addr, drained = summary.drained, cut = summary.cut, "stopped");
        summary
    }
}

/// What connections are made from.
struct Server {
    router: Router,
    http: http1::Builder,
    config: Arc<ServerConfig>,
    shutdown: watch::Receiver<bool>,
    connections: JoinSet<()>,
}

impl Server {
    fn new(router: Router, config: ServerConfig, shutdown: watch::Receiver<bool>) -> Self {
        let mut http = http1::Builder::new();
        http.header_read_timeout(None).max_buf_size(BUFFER).keep_alive(true);
        Self {
            // Turns every handler into a service now, shared by all connections, and not once per connection.
            router: router.with_state(()),
            http,
            config: Arc::new(config),
            shutdown,
            connections: JoinSet::new(),
        }
    }

    fn spawn(&mut self, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
        }
        // A socket for both families shows IPv4 clients as ::ffff:a.b.c.d; limits per address want one spelling.
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let connection = connection::Connection::new(
            &self.http,
            stream,
            peer,
            self.router.clone(),
            Arc::clone(&self.config),
            stopped(self.shutdown.clone()),
        );
        self.connections.spawn(connection);
    }

    /// Waits for the connections, which have seen the same signal, and cuts those that take too long.
    async fn drain(mut self) -> DrainSummary {
        let open = self.connections.len();
        let all_ended = async {
            while let Some(ended) = self.connections.join_next().await {
                log_panic(ended);
            }
        };
        // An error is the time being over; what is left says so too.
        let _ = timeout(self.config.drain, all_ended).await;
        let cut = self.connections.len();
        // A handler that blocks its thread cannot be cut; the caller is not made to wait for it.
        let _ = timeout(CLOSING, self.connections.shutdown()).await;
        DrainSummary { drained: open - cut, cut }
    }
}

/// Completes when `shutdown` is true, or when nobody is left who could make it so.
async fn stopped(mut shutdown: watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// A handler's panic ends its connection only; it was reported by the panic hook.
fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::debug!("a connection ended in a panic");
    }
}
