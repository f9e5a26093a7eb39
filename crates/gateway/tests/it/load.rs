//! Load of many small requests, and a check of each of them: whoever starts a request after a share was answered for must
//! be on the side that this share puts them on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pyairtable_gateway::split::{Position, Share, Splitter, StickyKey};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::support::{PATIENCE, token};

/// A service that answers everything with its name, with as little work as possible, until dropped.
pub(crate) struct Light {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Light {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Light {
    pub(crate) async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}", name.len());
        let task = tokio::spawn(async move {
            // Dropped with the service, as its connections would be if its process ended.
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let answer = answer.clone();
                connections.spawn(async move {
                    let mut wire = Wire::new(stream);
                    while wire.read().await.is_some() && wire.stream.write_all(answer.as_bytes()).await.is_ok() {}
                });
            }
        });
        Self { address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A connection on which messages with `content-length` are read, of either direction.
struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    /// The next message: its head and its body. `None` when the connection ended before.
    async fn read(&mut self) -> Option<(String, String)> {
        loop {
            // Both sides of these tests write text.
            let end = std::str::from_utf8(&self.read).unwrap().find("\r\n\r\n");
            if let Some(end) = end {
                let head = String::from_utf8(self.read[..end].to_vec()).unwrap();
                let length = head
                    .lines()
                    .filter_map(|line| line.split_once(':'))
                    .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                    .map_or(0, |(_, length)| length.trim().parse().unwrap());
                if self.read.len() >= end + 4 + length {
                    let body = String::from_utf8(self.read[end + 4..end + 4 + length].to_vec()).unwrap();
                    self.read.drain(..end + 4 + length);
                    return Some((head, body));
                }
            }
            if self.stream.read_buf(&mut self.read).await.ok()? == 0 {
                return None;
            }
        }
    }
}

/// A person who sends requests.
pub(crate) struct Person {
    pub(crate) bearer: String,
    pub(crate) position: Position,
}

pub(crate) fn person(seed: &str, name: &str) -> Person {
    Person {
        bearer: format!("Bearer {}", token(name, "t")),
        position: Splitter::new(seed).position(StickyKey::User(name)),
    }
}

/// A client with one connection, opened anew when the other side closed it.
pub(crate) struct Sender {
    address: SocketAddr,
    wire: Option<Wire>,
}

impl Sender {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, wire: None }
    }

    /// Sends one request; the head and the body of its answer, or what went wrong.
    pub(crate) async fn send(&mut self, method: &str, authorization: &str) -> Result<(String, String), String> {
        let body = if method == "POST" { "{}" } else { "" };
        let request = format!(
            "{method} /api/v1/users/1 HTTP/1.1\r\nhost: api.example.com\r\nauthorization: {authorization}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let asked = async {
            let mut wire = match self.wire.take() {
                Some(wire) => wire,
                None => Wire::new(TcpStream::connect(self.address).await.map_err(|error| error.to_string())?),
            };
            wire.stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
            let (head, body) = wire.read().await.ok_or("the connection ended without an answer")?;
            if !head.lines().any(|line| line.eq_ignore_ascii_case("connection: close")) {
                self.wire = Some(wire);
            }
            if head.starts_with("HTTP/1.1 200 ") { Ok((head, body)) } else { Err(head) }
        };
        timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }
}

/// What became of the requests.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) requests: u64,
    pub(crate) failed: Vec<String>,
    /// Answers of the side that the share in force did not allow.
    pub(crate) misled: Vec<String>,
    /// Requests that were decided under a share already answered for.
    pub(crate) checked: u64,
    pub(crate) on_platform: u64,
}

/// The share everybody has to see, and whether another one is being put in force.
struct Board {
    /// Odd while a share is being changed, even when it was answered for.
    turn: AtomicU64,
    millionths: AtomicU64,
    requests: AtomicU64,
    stop: AtomicBool,
}

/// Sends requests of 16 connections while `change` is called for one share after the other, with an equal part of at
/// least `requests` requests after each. With `is_sticky` each answer is held against the share.
pub(crate) async fn under_load(
    address: SocketAddr,
    seed: &str,
    requests: u64,
    shares: &[Share],
    is_sticky: bool,
    mut change: impl AsyncFnMut(Share),
) -> Sent {
    let board = Arc::new(Board {
        turn: AtomicU64::new(1),
        millionths: AtomicU64::new(0),
        requests: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    });
    let mut clients = JoinSet::new();
    for worker in 0..16 {
        let people: Vec<Person> = (0..20).map(|n| person(seed, &format!("user-{worker}-{n}"))).collect();
        clients.spawn(send(address, people, Arc::clone(&board), is_sticky));
    }
    let part = requests / u64::try_from(shares.len()).unwrap();
    for (done, share) in (1..).zip(shares) {
        board.turn.fetch_add(u64::from(done > 1), Ordering::SeqCst);
        change(*share).await;
        board.millionths.store(u64::from(share.millionths()), Ordering::SeqCst);
        board.turn.fetch_add(1, Ordering::SeqCst);
        while board.requests.load(Ordering::SeqCst) < part * done {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    board.stop.store(true, Ordering::SeqCst);
    let mut sent = Sent::default();
    for one in clients.join_all().await {
        sent.requests += one.requests;
        sent.checked += one.checked;
        sent.on_platform += one.on_platform;
        sent.failed.extend(one.failed);
        sent.misled.extend(one.misled);
    }
    sent
}

async fn send(address: SocketAddr, people: Vec<Person>, board: Arc<Board>, is_sticky: bool) -> Sent {
    let mut sender = Sender::new(address);
    let mut sent = Sent::default();
    for (n, person) in people.iter().cycle().enumerate() {
        if board.stop.load(Ordering::SeqCst) {
            break;
        }
        let turn = board.turn.load(Ordering::SeqCst);
        let share = Share::from_millionths(u32::try_from(board.millionths.load(Ordering::SeqCst)).unwrap());
        let answer = sender.send(if n % 5 == 0 { "POST" } else { "GET" }, &person.bearer).await;
        board.requests.fetch_add(1, Ordering::SeqCst);
        sent.requests += 1;
        let on_platform = match answer {
            Ok((_, body)) => body == "platform",
            Err(why) => {
                sent.failed.push(why);
                continue;
            }
        };
        sent.on_platform += u64::from(on_platform);
        // Started after the answer for this share, and answered before the next one was asked for.
        if is_sticky && turn.is_multiple_of(2) && board.turn.load(Ordering::SeqCst) == turn {
            sent.checked += 1;
            if on_platform != share.takes(person.position) {
                sent.misled.push(format!("{share}: on_platform={on_platform}"));
            }
        }
    }
    sent
}

/// Forty shares, up and down.
pub(crate) fn forty() -> Vec<Share> {
    let percents = [1, 10, 50, 100, 50, 10, 1, 0, 100, 0];
    percents.iter().cycle().take(40).map(|percent| Share::from_basis_points(percent * 100)).collect()
}
