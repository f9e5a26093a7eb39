//! The accept loop over real sockets: what it serves, whom it cuts, how it stops.
//!
//! Every "is cut" has its control: the same client, with that one limit out of the way, stays connected.
#![cfg(test)]

use std::convert::Infallible;
use std::io;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::routing::{get, post};
use futures_util::stream;
use pyairtable_web::server::{BindError, DrainSummary, ServerConfig, bind, shutdown_signal};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const LOCALHOST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// More than any test takes, so that only the limit under test can be the reason.
const LONG: Duration = Duration::from_mins(1);

/// Less than [`LONG`] by far; more than a busy machine delays anything.
const PATIENCE: Duration = Duration::from_secs(5);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Limits that no test runs into; each test lowers the one it is about.
fn patient() -> ServerConfig {
    ServerConfig {
        header_timeout: LONG,
        first_request_timeout: LONG,
        idle_timeout: LONG,
        write_stall_timeout: LONG,
        drain: LONG,
        max_connections: 1000,
    }
}

struct TestServer {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<DrainSummary>,
}

impl TestServer {
    async fn start(router: Router, config: ServerConfig) -> Self {
        let bound = bind(LOCALHOST).await.unwrap();
        let addr = bound.local_addr();
        let (stop, stopped) = watch::channel(false);
        Self { addr, stop, task: tokio::spawn(bound.serve(router, config, stopped)) }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.addr).await.unwrap())
    }

    fn stop(&self) {
        self.stop.send(true).unwrap();
    }

    async fn summary(self) -> DrainSummary {
        timeout(PATIENCE, self.task).await.expect("the server must stop").unwrap()
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&self, bytes: &str) {
        self.try_send(bytes).await.unwrap();
    }

    async fn try_send(&self, bytes: &str) -> io::Result<()> {
        let mut rest = bytes.as_bytes();
        while !rest.is_empty() {
            self.0.writable().await?;
            match self.0.try_write(rest) {
                Ok(sent) => rest = &rest[sent..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn get(&self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
    }

    /// What comes next; empty at the end of the connection, also at a hard one.
    async fn read(&self) -> Vec<u8> {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            self.0.readable().await.unwrap();
            match self.0.try_read(&mut buffer) {
                Ok(read) => {
                    buffer.truncate(read);
                    return buffer;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Vec::new(),
            }
        }
    }

    /// One response whose body ends with `end`.
    async fn response(&self, end: &str) -> String {
        let mut all = Vec::new();
        let read = async {
            while !all.ends_with(end.as_bytes()) {
                let bytes = self.read().await;
                assert!(!bytes.is_empty(), "closed after {:?}", String::from_utf8_lossy(&all));
                all.extend(bytes);
            }
        };
        timeout(PATIENCE, read).await.expect("a response in time");
        String::from_utf8(all).unwrap()
    }

    /// Everything until the end of the connection, and how long that took; `None` if it stays open for `limit`.
    async fn until_closed(&self, limit: Duration) -> Option<(String, Duration)> {
        let start = Instant::now();
        let mut all = Vec::new();
        let read = async {
            loop {
                let bytes = self.read().await;
                if bytes.is_empty() {
                    return;
                }
                all.extend(bytes);
            }
        };
        timeout(limit, read).await.ok()?;
        Some((String::from_utf8(all).unwrap(), start.elapsed()))
    }
}

/// `/` answers, `/peer` shows the client's address, `/slow` takes 400 ms, `/never` does not answer.
fn app() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/peer", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { format!("peer {peer}.") }))
        .route(
            "/slow",
            get(|| async {
                sleep(ms(400)).await;
                "finished"
            }),
        )
        .route("/never", get(std::future::pending::<&'static str>))
}

#[tokio::test]
async fn a_request_is_answered_and_its_handler_knows_the_peer() {
    let server = TestServer::start(app(), ServerConfig::default()).await;
    let client = server.connect().await;
    client.get("/").await;
    let response = client.response("hello").await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");

    client.get("/peer").await;
    let expected = format!("peer {}.", client.0.local_addr().unwrap());
    assert!(client.response(".").await.ends_with(&expected));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::start(app(), ServerConfig::default()).await;
    let client = server.connect().await;
    client.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let both = client.response("hello").await;
    assert!(both.find("finished").unwrap() < both.find("hello").unwrap());
}

#[tokio::test]
async fn a_connection_without_a_byte_is_cut() {
    let server = TestServer::start(app(), ServerConfig { first_request_timeout: ms(300), ..patient() }).await;
    let (received, after) = server.connect().await.until_closed(PATIENCE).await.expect("must be cut");
    assert_eq!(received, "");
    assert!(after >= ms(250), "{after:?}");

    let control = TestServer::start(app(), patient()).await;
    assert!(control.connect().await.until_closed(ms(900)).await.is_none());
}

/// Sends a head byte by byte until it is complete or refused; returns how long that went on.
async fn drip(client: &Client, every: Duration) -> Duration {
    let start = Instant::now();
    for byte in "GET / HTTP/1.1\r\nhost: a\r\n\r\n".chars() {
        if client.try_send(&byte.to_string()).await.is_err() {
            break;
        }
        if client.until_closed(every).await.is_some() {
            break;
        }
    }
    start.elapsed()
}

#[tokio::test]
async fn a_head_arriving_byte_by_byte_is_cut() {
    let server = TestServer::start(app(), ServerConfig { header_timeout: ms(500), ..patient() }).await;
    let went_on = drip(&server.connect().await, ms(100)).await;
    assert!((ms(450)..ms(1500)).contains(&went_on), "{went_on:?}");

    // Between requests the same limit holds, from the first byte on.
    let client = server.connect().await;
    client.get("/").await;
    client.response("hello").await;
    sleep(ms(700)).await;
    let went_on = drip(&client, ms(100)).await;
    assert!((ms(450)..ms(1500)).contains(&went_on), "{went_on:?}");

    let control = TestServer::start(app(), patient()).await;
    let client = control.connect().await;
    let complete = async {
        for byte in "GET / HTTP/1.1\r\nhost: a\r\n\r\n".chars() {
            client.send(&byte.to_string()).await;
            sleep(ms(50)).await;
        }
        client.response("hello").await
    };
    assert!(complete.await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn an_idle_connection_is_closed_between_requests() {
    // The limits on heads are shorter, and must not be what closes it.
    let config =
        ServerConfig { idle_timeout: ms(800), header_timeout: ms(150), first_request_timeout: ms(200), ..patient() };
    let server = TestServer::start(app(), config).await;
    let client = server.connect().await;
    for _ in 0..3 {
        client.get("/").await;
        client.response("hello").await;
        sleep(ms(400)).await;
    }
    client.get("/").await;
    client.response("hello").await;
    let (received, after) = client.until_closed(PATIENCE).await.expect("must be closed");
    assert_eq!(received, "");
    assert!(after >= ms(700), "{after:?}");
}

/// Sends chunks of `size` for ever, every `pause`; tells `ended` when it is dropped.
fn endless(size: usize, pause: Duration, ended: mpsc::Sender<()>) -> Body {
    struct Tell(mpsc::Sender<()>);
    impl Drop for Tell {
        fn drop(&mut self) {
            let _ = self.0.try_send(());
        }
    }
    let chunk = Bytes::from(vec![b'x'; size]);
    Body::from_stream(stream::unfold(Tell(ended), move |tell| {
        let chunk = chunk.clone();
        async move {
            sleep(pause).await;
            Some((Ok::<_, Infallible>(chunk), tell))
        }
    }))
}

fn endless_app(size: usize, pause: Duration) -> (Router, mpsc::Receiver<()>) {
    let (ended, has_ended) = mpsc::channel(1);
    let app = Router::new().route("/", get(move || async move { endless(size, pause, ended) }));
    (app, has_ended)
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let limits = ServerConfig { write_stall_timeout: ms(800), ..patient() };
    let (app, mut ended) = endless_app(1 << 20, Duration::ZERO);
    let server = TestServer::start(app, limits.clone()).await;
    let client = server.connect().await;
    client.get("/").await;
    timeout(PATIENCE, ended.recv()).await.expect("must be cut");

    // A slow one is not: it takes something all the time.
    let (app, mut ended) = endless_app(1 << 20, Duration::ZERO);
    let server = TestServer::start(app, limits).await;
    let client = server.connect().await;
    client.get("/").await;
    let slowly = async {
        loop {
            for _ in 0..8 {
                assert!(!client.read().await.is_empty());
            }
            sleep(ms(100)).await;
        }
    };
    assert!(timeout(ms(2500), slowly).await.is_err());
    assert!(ended.try_recv().is_err());
}

#[tokio::test]
async fn a_stream_lives_as_long_as_its_heartbeat() {
    let limits = ServerConfig { idle_timeout: ms(500), ..patient() };
    let (app, mut ended) = endless_app(1, ms(150));
    let server = TestServer::start(app, limits.clone()).await;
    let client = server.connect().await;
    client.get("/").await;
    assert!(client.until_closed(ms(1500)).await.is_none());
    assert!(ended.try_recv().is_err());

    let (app, mut ended) = endless_app(1, LONG);
    let server = TestServer::start(app, limits).await;
    let client = server.connect().await;
    client.get("/").await;
    let (received, _) = client.until_closed(PATIENCE).await.expect("must be cut");
    assert!(received.starts_with("HTTP/1.1 200"), "{received}");
    timeout(PATIENCE, ended.recv()).await.expect("its handler must be gone");
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let app = Router::new().route("/", post(|| async { (StatusCode::PAYLOAD_TOO_LARGE, "too much") }));
    let server = TestServer::start(app, patient()).await;
    let megabyte = "x".repeat(1 << 20);
    // Several times: whether a closed connection still delivers what was sent before is a matter of luck.
    for _ in 0..5 {
        let client = server.connect().await;
        client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10485760\r\n\r\n").await;
        for _ in 0..10 {
            client.send(&megabyte).await;
        }
        let response = client.response("too much").await;
        assert!(response.starts_with("HTTP/1.1 413"), "{response}");

        let client = server.connect().await;
        client.send("GET / HTTP/1.1\r\nhost: a\r\nx-long: ").await;
        client.send(&megabyte).await;
        let response = client.response("\r\n\r\n").await;
        assert!(response.starts_with("HTTP/1.1 431"), "{response}");
    }

    // Nor can it go on for ever.
    let client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let sends_on = async {
        while client.try_send("1\r\nx\r\n").await.is_ok() {
            sleep(ms(20)).await;
        }
    };
    timeout(PATIENCE, sends_on).await.expect("must be cut");
}

#[tokio::test]
async fn a_panicking_handler_ends_its_own_connection_only() {
    async fn panics() -> &'static str {
        panic!("expected in the output of this test")
    }
    let server = TestServer::start(app().route("/panics", get(panics)), patient()).await;
    let other = server.connect().await;
    other.get("/").await;
    other.response("hello").await;
    let client = server.connect().await;
    client.get("/panics").await;
    client.until_closed(PATIENCE).await.expect("must be closed");
    other.get("/").await;
    other.response("hello").await;
}

#[tokio::test]
async fn half_open_connections_do_not_slow_others_down() {
    let limits = ServerConfig { first_request_timeout: ms(2500), ..patient() };
    let server = TestServer::start(app(), limits).await;
    let mut half_open = Vec::new();
    for number in 0..500 {
        let client = server.connect().await;
        if number % 2 == 0 {
            client.send("GET / HTTP/1.1\r\nhost: a").await;
        }
        half_open.push(client);
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        let start = Instant::now();
        let client = server.connect().await;
        client.get("/").await;
        client.response("hello").await;
        slowest = slowest.max(start.elapsed());
    }
    assert!(slowest < ms(1000), "{slowest:?}");
    for client in half_open {
        client.until_closed(PATIENCE).await.expect("must be cut");
    }
}

#[tokio::test]
async fn the_connection_cap_makes_further_clients_wait() {
    let server = TestServer::start(app(), ServerConfig { max_connections: 2, ..patient() }).await;
    let first = server.connect().await;
    let second = server.connect().await;
    for client in [&first, &second] {
        client.get("/").await;
        client.response("hello").await;
    }
    let third = server.connect().await;
    third.get("/").await;
    assert!(timeout(ms(400), third.read()).await.is_err(), "the third must wait");

    drop(first);
    third.response("hello").await;
    second.get("/").await;
    second.response("hello").await;
}

#[tokio::test]
async fn stopping_lets_a_request_finish_and_takes_no_new_ones() {
    let server = TestServer::start(app(), patient()).await;
    let client = server.connect().await;
    client.get("/slow").await;
    sleep(ms(100)).await;
    server.stop();
    sleep(ms(100)).await;
    let refused = TcpStream::connect(server.addr).await.expect_err("nobody listens any more");
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);

    let (response, _) = client.until_closed(PATIENCE).await.expect("closed after the response");
    assert!(response.ends_with("finished"), "{response}");
    assert!(response.contains("\r\nconnection: close\r\n"), "{response}");
    assert_eq!(server.summary().await, DrainSummary { drained: 1, cut: 0 });
}

#[tokio::test]
async fn stopping_closes_idle_connections_at_once() {
    let server = TestServer::start(app(), patient()).await;
    let client = server.connect().await;
    client.get("/").await;
    let response = client.response("hello").await;
    assert!(!response.contains("connection: close"), "{response}");
    let silent = server.connect().await;
    assert!(client.until_closed(ms(400)).await.is_none());

    server.stop();
    for client in [client, silent] {
        let (received, after) = client.until_closed(PATIENCE).await.expect("must be closed");
        assert_eq!(received, "");
        assert!(after < ms(500), "{after:?}");
    }
    assert_eq!(server.summary().await, DrainSummary { drained: 2, cut: 0 });
}

#[tokio::test]
async fn a_client_that_connected_just_before_the_stop_is_answered() {
    let server = TestServer::start(app(), patient()).await;
    let client = server.connect().await;
    server.stop();
    sleep(ms(50)).await;
    client.get("/").await;
    let (response, _) = client.until_closed(PATIENCE).await.expect("closed after the response");
    assert!(response.ends_with("hello"), "{response}");
    assert_eq!(server.summary().await, DrainSummary { drained: 1, cut: 0 });
}

#[tokio::test]
async fn what_hangs_is_cut_when_the_drain_is_over() {
    let server = TestServer::start(app(), ServerConfig { drain: ms(700), ..patient() }).await;
    let hanging = server.connect().await;
    hanging.get("/never").await;
    let finishing = server.connect().await;
    finishing.get("/slow").await;
    sleep(ms(100)).await;
    server.stop();
    let (received, after) = hanging.until_closed(PATIENCE).await.expect("must be cut");
    assert_eq!(received, "");
    assert!(after >= ms(650), "{after:?}");
    finishing.response("finished").await;
    assert_eq!(server.summary().await, DrainSummary { drained: 1, cut: 1 });
}

#[tokio::test]
async fn several_listeners_stop_on_one_signal() {
    let (stop, stopped) = watch::channel(false);
    let public = bind(LOCALHOST).await.unwrap();
    let internal = bind(LOCALHOST).await.unwrap();
    let addresses = [public.local_addr(), internal.local_addr()];
    let both = tokio::spawn(async move {
        tokio::join!(public.serve(app(), patient(), stopped.clone()), internal.serve(app(), patient(), stopped))
    });
    for addr in addresses {
        let client = Client(TcpStream::connect(addr).await.unwrap());
        client.get("/").await;
        client.response("hello").await;
    }
    stop.send(true).unwrap();
    timeout(PATIENCE, both).await.expect("both must stop").unwrap();
}

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    let taken = bind(LOCALHOST).await.unwrap().local_addr();
    bind(taken).await.expect("free again");

    let holder = bind(taken).await.unwrap();
    let error = bind(taken).await.expect_err("taken");
    assert!(matches!(error, BindError::InUse { .. }));
    let port = taken.port();
    assert_eq!(error.to_string(), format!("port {port} is in use: stop the other program or set PORT"));
    drop(holder);

    let elsewhere = SocketAddr::from(([192, 0, 2, 1], 8080));
    let error = bind(elsewhere).await.expect_err("not an address of this host");
    assert_eq!(error.to_string(), "cannot listen on 192.0.2.1:8080");
}

#[tokio::test]
async fn a_slow_start_of_the_listener_loses_nobody() {
    let bound = bind(LOCALHOST).await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    let client = Client(socket.connect(bound.local_addr()).await.unwrap());
    client.get("/").await;
    let (_stop, stopped) = watch::channel(false);
    tokio::spawn(bound.serve(app(), patient(), stopped));
    client.response("hello").await;
}

/// Counts how often it is cloned: with every copy of the route that holds it.
struct Counted(Arc<AtomicUsize>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

fn counted_app() -> (Router, Arc<AtomicUsize>) {
    let clones = Arc::new(AtomicUsize::new(0));
    let counted = Counted(Arc::clone(&clones));
    let handler = move || {
        let _ = &counted;
        async { "hello" }
    };
    (Router::new().route("/counted", get(handler)).merge(app()), clones)
}

#[tokio::test]
async fn connections_share_one_route_table() {
    async fn clones_for_ten_connections(addr: SocketAddr, clones: &AtomicUsize) -> usize {
        let mut before = 0;
        for number in 0..11 {
            let client = Client(TcpStream::connect(addr).await.unwrap());
            client.get("/").await;
            client.response("hello").await;
            if number == 0 {
                before = clones.load(Ordering::Relaxed);
            }
        }
        clones.load(Ordering::Relaxed) - before
    }

    let (app, clones) = counted_app();
    let server = TestServer::start(app, patient()).await;
    assert_eq!(clones_for_ten_connections(server.addr, &clones).await, 0);

    let (app, clones) = counted_app();
    let listener = tokio::net::TcpListener::bind(LOCALHOST).await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    let control = clones_for_ten_connections(addr, &clones).await;
    assert!(control >= 10, "{control}");
}

#[tokio::test]
async fn sigterm_completes_the_signal() {
    let mut signal = std::pin::pin!(shutdown_signal());
    assert!(timeout(ms(50), &mut signal).await.is_err());
    let this = std::process::id();
    Command::new("sh").arg("-c").arg(format!("kill -TERM {this}")).status().unwrap();
    assert_eq!(timeout(PATIENCE, signal).await.expect("must complete").unwrap(), "SIGTERM");
}

/// The processor time a process has used, in the kernel's ticks of 10 ms.
fn cpu_ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn without_descriptors_accepting_waits_and_recovers() {
    let this = std::env::current_exe().unwrap();
    let mut server = Command::new("sh")
        .args(["-c", "ulimit -n 40 && exec \"$0\" --ignored --nocapture --exact serve_until_stdin_closes"])
        .arg(this)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(server.stdout.take().unwrap()).lines();
    let addr: SocketAddr = output
        .find_map(|line| line.unwrap().split_once("listening on ").map(|(_, addr)| addr.parse().unwrap()))
        .unwrap();

    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(Client(TcpStream::connect(addr).await.unwrap()));
    }
    let late = Client(TcpStream::connect(addr).await.unwrap());
    late.get("/").await;
    sleep(ms(300)).await;
    let before = cpu_ticks(server.id());
    assert!(timeout(ms(1000), late.read()).await.is_err(), "there must be no descriptor left to serve it");
    let used = cpu_ticks(server.id()) - before;
    assert!(used <= 20, "{used} ticks of 100: the loop spins");
    assert!(server.try_wait().unwrap().is_none(), "the server must survive");

    clients.clear();
    late.response("hello").await;
    drop(server.stdin.take());
    output.for_each(drop);
    assert!(server.wait().unwrap().success());
}

#[tokio::test]
#[ignore = "the server process of without_descriptors_accepting_waits_and_recovers"]
async fn serve_until_stdin_closes() {
    let server = TestServer::start(app(), patient()).await;
    println!("listening on {}", server.addr);
    let closed = tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
    closed.await.unwrap().unwrap();
}
