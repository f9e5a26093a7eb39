//! The listening socket: accepts connections and shares them out to the threads that serve them.
//!
//! One thread accepts for all. A socket for each would save a hand-over per connection, but the kernel then fills the
//! threads unevenly, and a second gateway on the same address would not be noticed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;

use super::connection::{self, Accepted, stopped};
use super::stream::Place;
use crate::gateway::Gateway;
use crate::worker::{self, Thread};

/// From the signal to stop until what is still open is cut.
const DRAIN: Duration = Duration::from_secs(10);
/// Connections served at once; further ones wait in the kernel's queue.
const MOST: usize = 12_000;
const BACKLOG: u32 = 1024;
/// What the kernel keeps of an answer the client is slow to take, on each connection; by itself it would keep megabytes.
const SENT: u32 = 256 * 1024;

/// A socket that nothing is accepted from yet.
#[derive(Debug)]
pub struct Bound(TcpListener);

/// Listens on `address`.
pub fn bind(address: SocketAddr) -> io::Result<Bound> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart must not wait for connections of the run before.
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SENT)?;
    socket.bind(address)?;
    socket.listen(BACKLOG).map(Bound)
}

impl Bound {
    /// The address, with the port that was chosen if port 0 was asked for.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Serves until `stop` turns true or its sender is gone, then lets requests under way end. Dropping the future cuts
    /// every connection.
    pub async fn serve(self, gateway: Arc<Gateway>, stop: watch::Receiver<bool>) -> io::Result<()> {
        let mut threads = Vec::new();
        for number in 0..worker::count() {
            // Counts the connections of the thread, by those who hold it.
            threads.push((Arc::new(()), Thread::start(&gateway, number, connection::run)?));
        }
        let places = Arc::new(Semaphore::new(MOST));
        let mut until = std::pin::pin!(stopped(stop.clone()));
        loop {
            let (accepted, permit) = tokio::select! {
                biased;
                () = &mut until => break,
                next = async {
                    let permit = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
                    Ok((self.0.accept().await?, permit))
                } => match next {
                    Ok((accepted, permit)) => (accepted, permit),
                    Err(error) => {
                        let error: io::Error = error;
                        // Without file descriptors the socket stays ready; accepting again at once would spin.
                        tracing::warn!(%error, "cannot accept connections");
                        sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            let Some((held, thread)) = threads.iter().min_by_key(|(held, _)| Arc::strong_count(held)) else { break };
            // Its thread waits for it from now on.
            let Ok(stream) = accepted.0.into_std() else { continue };
            let place = Place { _permit: permit, _of_thread: Arc::clone(held) };
            thread.give(Accepted { stream, peer: accepted.1, place, stop: stop.clone() });
        }
        drop(self);
        let ending: Vec<_> = threads.into_iter().map(|(_, thread)| tokio::spawn(thread.end(DRAIN))).collect();
        let mut cut = false;
        for ended in ending {
            cut |= !ended.await.unwrap_or(false);
        }
        tracing::info!(cut, "the gateway stopped");
        Ok(())
    }
}
