//! Clients that hold a connection and do nothing with it, over real sockets. The times are those of the gateway, so these
//! tests take as long as its patience.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::{Client, PATIENCE, Running, Service, raw, read_head, two_sides};

/// Reads until the other side has closed; says how long that took.
async fn closed(stream: &mut TcpStream, at_most: u64) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(at_most), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "still open after {at_most} s");
    began.elapsed()
}

#[tokio::test]
async fn client_that_says_nothing_or_little_is_cut_and_others_are_served_meanwhile() {
    let service = Service::start("legacy").await;
    let running = Running::start(&two_sides(&service.url(), &service.url()));
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let mut trickling = TcpStream::connect(running.address).await.unwrap();
    let mut half = TcpStream::connect(running.address).await.unwrap();
    half.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    let mut later = TcpStream::connect(running.address).await.unwrap();
    later.write_all(b"GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert!(read_head(&mut later).await.starts_with("HTTP/1.1 404"));
    later.write_all(b"GET /").await.unwrap();
    let (mut read, mut write) = trickling.split();
    let trickle = async {
        for byte in b"GET /api/v1/users/1 HTTP/1.1\r\nx-very-long: ".iter().cycle() {
            if write.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let cut = async {
        let began = Instant::now();
        let _ = timeout(Duration::from_secs(20), read.read_to_end(&mut Vec::new())).await.expect("the trickle is cut");
        began.elapsed()
    };
    let mut client = Client::connect(running.address).await;
    let well = async {
        for _ in 0..50 {
            assert_eq!(client.get("/api/v1/users", &[]).await.status, StatusCode::OK);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    let cuts = async { tokio::join!(closed(&mut silent, 20), closed(&mut half, 20), closed(&mut later, 20), cut) };
    let (silent, half, later, trickled) = tokio::select! {
        cuts = cuts => cuts,
        () = trickle => panic!("the trickle ended before it was cut"),
        () = well => unreachable!(),
    };
    for took in [silent, half, later, trickled] {
        assert!(took > Duration::from_secs(8), "{took:?} is too early for a slow network");
    }
}

/// An answer that never ends.
async fn endless() -> (String, tokio::task::JoinHandle<()>) {
    raw(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let chunk = [&b"4000\r\n"[..], &[b'x'; 0x4000], b"\r\n"].concat();
        while stream.write_all(&chunk).await.is_ok() {}
    })
    .await
}

/// How much of this process is in memory, in megabytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

#[tokio::test]
async fn client_that_does_not_read_its_answer_is_cut_and_costs_no_memory() {
    let (url, _service) = endless().await;
    let running = Running::start(&two_sides(&url, &url));
    let before = resident();
    let mut clients = Vec::new();
    for _ in 0..100 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(running.address).await.unwrap();
        stream.write_all(b"GET /api/v1/users/1 HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        clients.push(stream);
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    let more = resident().saturating_sub(before);
    assert!(more < 100, "{more} MB for 100 clients that do not read");
    // Reading now would be reading: only the gateway's side says that it has given up.
    let began = Instant::now();
    while open(&running) > 0 {
        assert!(began.elapsed() < Duration::from_secs(40), "{} are still served", open(&running));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, clients[0].read_to_end(&mut rest)).await.expect("the end in time");
    assert!(ended.is_err(), "cut off, not ended: {} bytes", rest.len());
}

/// Connections whose local end is the gateway's port and which the gateway's sockets hold, by the kernel's table.
fn open(running: &Running) -> usize {
    let port = format!(":{:04X}", running.address.port());
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let is_established = |line: &&str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, _, state) = (fields.next(), fields.next(), fields.next());
        local.is_some_and(|local| local.ends_with(&port)) && state == Some("01")
    };
    table.lines().filter(is_established).count()
}

#[tokio::test]
async fn client_of_http2_that_opens_no_window_is_cut() {
    let (url, _service) = endless().await;
    let running = Running::start(&two_sides(&url, &url));
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("http://a/api/v1/users/1").body(Empty::<Bytes>::new()).unwrap();
    let response = timeout(PATIENCE, sender.send_request(request)).await.expect("in time").unwrap();
    // The connection goes on, with its acknowledgements; only the answer is not read.
    let ended = timeout(Duration::from_mins(1), connection).await.expect("it is cut");
    drop((response, ended));
    assert_eq!(open(&running), 0);
}

#[tokio::test]
async fn client_that_gives_up_all_its_requests_is_cut() {
    let (url, _service) = raw(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let running = Running::start(&two_sides(&url, &url));
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let sender = Arc::new(sender);
    let give_up = async {
        for _ in 0..10_000 {
            let request = Request::get("http://a/api/v1/users/1").body(Empty::<Bytes>::new()).unwrap();
            let mut sender = (*sender).clone();
            let _ = timeout(Duration::from_millis(5), sender.send_request(request)).await;
            if connection.is_finished() {
                return;
            }
        }
    };
    timeout(Duration::from_mins(1), give_up).await.expect("in time");
    assert!(connection.is_finished(), "ten thousand requests were given up");
    let running_still = Client::connect(running.address).await.get("/nowhere", &[]).await;
    assert_eq!(running_still.status, StatusCode::NOT_FOUND);
}
