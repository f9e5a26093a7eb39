//! The listening socket and the connections of clients.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::serve;
use crate::gateway::Gateway;

/// For a request's head, and between two requests of a connection.
const IDLE: Duration = Duration::from_secs(75);
/// From the signal to stop until what is still open is cut.
const DRAIN: Duration = Duration::from_secs(10);
/// Connections served at once; further ones wait in the kernel's queue.
const MOST: usize = 12_000;
const BACKLOG: u32 = 1024;
/// The most that is kept of a head, or of an answer the client is slow to take.
const BUFFER: usize = 64 * 1024;

/// A socket that nothing is accepted from yet.
#[derive(Debug)]
pub struct Bound(TcpListener);

/// Listens on `address`.
pub fn bind(address: SocketAddr) -> io::Result<Bound> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart must not wait for connections of the run before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG).map(Bound)
}

impl Bound {
    /// The address, with the port that was chosen if port 0 was asked for.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Serves until `stop` turns true or its sender is gone, then lets requests under way end.
    pub async fn serve(self, gateway: Arc<Gateway>, stop: watch::Receiver<bool>) {
        let mut stopped = std::pin::pin!(stopped(stop.clone()));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = &mut stopped => break,
                Some(_) = connections.join_next() => {}
                accepted = self.0.accept(), if connections.len() < MOST => match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(connection(Arc::clone(&gateway), stream, peer, stop.clone()));
                    }
                    Err(error) => {
                        // Without file descriptors the socket stays ready; accepting again at once would spin.
                        tracing::warn!(%error, "cannot accept connections");
                        sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        drop(self);
        let ended = async { while connections.join_next().await.is_some() {} };
        let cut = timeout(DRAIN, ended).await.is_err();
        tracing::info!(cut, "the gateway stopped");
    }
}

async fn connection(gateway: Arc<Gateway>, stream: TcpStream, peer: SocketAddr, stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let gateway = Arc::clone(&gateway);
        async move { Ok::<_, Infallible>(serve(&gateway, peer, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a client's connection failed");
    }
}

/// Completes when `stop` is true, or when nobody is left who could make it so.
async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
