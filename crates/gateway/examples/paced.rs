//! Load at a fixed pace, for measurements: a request is due every so often whether or not earlier ones were answered, and
//! its latency counts from when it was due. A client that waits for each answer would not notice the time it waited.
//!
//!     paced load HOST:PORT RATE SECONDS CONNECTIONS [--tokens] SECRET_FILE    prints the 99th percentile, in ms
//!     paced wrk [--tokens] SECRET_FILE                                        prints the same requests as a script for wrk
//!     paced port                                                              prints a free port

#![expect(clippy::panic, clippy::unwrap_used, reason = "whatever goes wrong ends the measurement")]
#![expect(clippy::print_stdout, reason = "this is the result")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

/// People whose requests these are.
const PEOPLE: usize = 1000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &arguments[..] {
        ["port"] => println!("{}", testkit::port::free().port()),
        ["wrk", rest @ ..] => print_script(&tokens(rest)),
        ["load", address, rate, seconds, connections, rest @ ..] => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let load = Load {
                address: (*address).to_owned(),
                every: Duration::from_secs(1) / rate.parse().unwrap(),
                count: rate.parse::<usize>().unwrap() * seconds.parse::<usize>().unwrap(),
                requests: tokens(rest).into_iter().map(|token| request(&token)).collect(),
            };
            let p99 = runtime.block_on(load.run(connections.parse().unwrap()));
            println!("{:.3}", p99.as_secs_f64() * 1000.0);
        }
        _ => panic!("paced load|wrk|port: see the comment"),
    }
}

/// A header for each person, empty without `--tokens`.
fn tokens(arguments: &[&str]) -> Vec<String> {
    let ["--tokens", file] = arguments else { return vec![String::new()] };
    let key = EncodingKey::from_secret(std::fs::read_to_string(file).unwrap().trim().as_bytes());
    let token = |n| {
        let claims = serde_json::json!({
            "user_id": format!("{n:08}-0000-4000-8000-000000000000"), "tenant_id": "00000000-0000-4000-8000-000000000000",
            "email": format!("user-{n}@example.com"), "role": "member", "exp": 4_000_000_000_i64,
        });
        format!("Bearer {}", encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap())
    };
    (0..PEOPLE).map(token).collect()
}

fn request(token: &str) -> Vec<u8> {
    let authorization = if token.is_empty() { String::new() } else { format!("Authorization: {token}\r\n") };
    format!("GET /api/v1/users/1 HTTP/1.1\r\nHost: api.example.com\r\nAccept: application/json\r\n{authorization}\r\n")
        .into()
}

fn print_script(tokens: &[String]) {
    println!("local requests = {{}}\nlocal n = 0");
    for token in tokens {
        println!("requests[#requests + 1] = {:?}", String::from_utf8(request(token)).unwrap());
    }
    println!("request = function() n = n % #requests + 1; return requests[n] end");
}

struct Load {
    address: String,
    every: Duration,
    count: usize,
    requests: Vec<Vec<u8>>,
}

impl Load {
    async fn run(self, connections: usize) -> Duration {
        let load = Arc::new((self, AtomicUsize::new(0)));
        let begin = Instant::now() + Duration::from_millis(200);
        let mut clients: JoinSet<Vec<Duration>> = (0..connections).map(|_| client(Arc::clone(&load), begin)).collect();
        let mut latencies = Vec::new();
        while let Some(of_one) = clients.join_next().await {
            latencies.extend(of_one.unwrap());
        }
        latencies.sort_unstable();
        latencies[latencies.len() * 99 / 100]
    }
}

/// Takes the next request that is due, and the one after when this is answered.
async fn client(load: Arc<(Load, AtomicUsize)>, begin: Instant) -> Vec<Duration> {
    let (load, next) = &*load;
    let mut stream = TcpStream::connect(&load.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut latencies = Vec::new();
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= load.count {
            return latencies;
        }
        let due = begin + load.every * u32::try_from(n).unwrap();
        sleep_until(due.into()).await;
        stream.write_all(&load.requests[n % load.requests.len()]).await.unwrap();
        buffer.clear();
        while !is_whole(&buffer) {
            assert!(stream.read_buf(&mut buffer).await.unwrap() > 0, "the connection ended");
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer));
        latencies.push(due.elapsed());
    }
}

/// Whether an answer has arrived; it says its length.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    answer.len() >= end + 4 + length
}
