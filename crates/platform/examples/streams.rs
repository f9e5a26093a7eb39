//! The client side of `bench/streams`: opens many notification streams to a running server, waits, announces something
//! to everybody, and prints memory per stream and times of arrival.
//!
//! `streams SERVER PROCESS DATABASE STREAMS PEOPLE`, with `JWT_SECRET` as the server has it. DATABASE is a libpq
//! connection string; people and their log-ins are made there, which over HTTP would take a password hash each.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Stands in what is announced.
const MARKER: &[u8] = b"heard-by-all";
/// These pay for what is allocated once.
const WARM_UP: usize = 200;
/// Longer than the time between two heartbeats.
const IDLE: Duration = Duration::from_secs(20);

fn token(secret: &str, user: &str, session: Option<&str>) -> Outcome<String> {
    let claims = json!({ "user_id": user, "sid": session, "exp": 4_102_444_800_i64 });
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(&claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(signed.as_bytes());
    Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}

/// A tenant with `count` people, each logged in; the first is an admin.
async fn people(database: &str, count: i64) -> Outcome<Vec<(String, String)>> {
    const MAKE: &str = "WITH tenant AS (INSERT INTO tenants (id, name, slug)
            VALUES (gen_random_uuid(), 'Streams', 'streams-' || left(gen_random_uuid()::text, 8)) RETURNING id),
        made AS (INSERT INTO users (id, email, password_hash, first_name, last_name, role, tenant_id, is_active)
            SELECT gen_random_uuid(), gen_random_uuid() || '@streams.example', '!', 'A', 'B',
                CASE n WHEN 1 THEN 'admin' ELSE 'user' END, tenant.id, true
            FROM tenant, generate_series(1, $1::bigint) n RETURNING id, tenant_id, role),
        logged_in AS (INSERT INTO login_sessions (id, user_id, tenant_id, created_at, last_used_at, expires_at)
            SELECT gen_random_uuid(), id, tenant_id, now(), now(), now() + interval '7 days' FROM made
            RETURNING id, user_id)
        SELECT user_id::text, logged_in.id::text FROM logged_in JOIN made ON made.id = user_id ORDER BY role, user_id";
    let (client, connection) = tokio_postgres::connect(database, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let rows = client.query(MAKE, &[&count]).await?;
    client.batch_execute("ANALYZE").await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The resident memory of a process, in bytes.
fn resident(process: &str) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// Connects from one of many addresses: one alone has fewer ports than are wanted.
async fn connect(server: SocketAddr, number: usize) -> Outcome<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let last = u8::try_from(number % 100)? + 2;
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into())?;
    Ok(socket.connect(server).await?)
}

async fn open(server: SocketAddr, number: usize, token: &str) -> Outcome<TcpStream> {
    let mut stream = connect(server, number).await?;
    let head = format!(
        "GET /api/v1/notifications/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut received = Vec::new();
    while !received.windows(12).any(|bytes| bytes == b"unread_count") {
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Err(format!("closed: {}", String::from_utf8_lossy(&received)).into());
        }
        received.extend_from_slice(&buffer[..read]);
    }
    Ok(stream)
}

/// When the announcement was there.
async fn heard(mut stream: TcpStream) -> Outcome<Instant> {
    let mut received: Vec<u8> = Vec::new();
    loop {
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Err("a stream was closed".into());
        }
        received.extend_from_slice(&buffer[..read]);
        if received.windows(MARKER.len()).any(|bytes| bytes == MARKER) {
            return Ok(Instant::now());
        }
        let keep = received.len().saturating_sub(MARKER.len());
        received.drain(..keep);
    }
}

async fn announce(server: SocketAddr, token: &str) -> Outcome<String> {
    let body = json!({ "type": "bench", "title": String::from_utf8_lossy(MARKER), "message": "m" }).to_string();
    let mut stream = connect(server, 0).await?;
    let head = format!(
        "POST /api/v1/notifications/bulk HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[expect(clippy::print_stdout, reason = "the result")]
#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, process, database, streams, people_count] = arguments.as_slice() else {
        return Err("usage: streams SERVER PROCESS DATABASE STREAMS PEOPLE".into());
    };
    let (server, streams): (SocketAddr, usize) = (server.parse()?, streams.parse()?);
    #[expect(clippy::disallowed_methods, reason = "a tool beside the program")]
    let secret = std::env::var("JWT_SECRET")?;
    let people = people(database, people_count.parse()?).await?;
    let tokens = people.iter().map(|(user, session)| token(&secret, user, Some(session)));
    let tokens: Arc<Vec<String>> = Arc::new(tokens.collect::<Outcome<_>>()?);

    let mut opened = Vec::new();
    for number in 0..WARM_UP {
        opened.push(open(server, number, &tokens[number % tokens.len()]).await?);
    }
    let before = resident(process)?;
    let began = Instant::now();
    let at_once = Arc::new(Semaphore::new(64));
    let tasks: Vec<_> = (WARM_UP..streams)
        .map(|number| {
            let (at_once, tokens) = (Arc::clone(&at_once), Arc::clone(&tokens));
            tokio::spawn(async move {
                let _turn = at_once.acquire().await?;
                open(server, number, &tokens[number % tokens.len()]).await
            })
        })
        .collect();
    for task in tasks {
        opened.push(task.await??);
    }
    let opening = began.elapsed();
    let (sender, mut arrivals) = mpsc::unbounded_channel();
    for stream in opened {
        let sender = sender.clone();
        tokio::spawn(async move { sender.send(heard(stream).await) });
    }
    drop(sender);
    tokio::time::sleep(IDLE).await;
    let counted = u64::try_from(streams - WARM_UP)?;
    let each = resident(process)?.saturating_sub(before) / counted;

    let began = Instant::now();
    let status = announce(server, tokens.first().ok_or("nobody")?).await?;
    let answered = began.elapsed();
    let mut times = Vec::new();
    while times.len() < streams {
        let next = tokio::time::timeout(Duration::from_secs(30), arrivals.recv()).await;
        match next {
            Ok(Some(at)) => times.push(at?.duration_since(began)),
            _ => return Err(format!("{status}; only {} of {streams} streams were told", times.len()).into()),
        }
    }
    times.sort_unstable();
    println!("streams {streams}, people {}, all open after {opening:.1?}", people.len());
    println!("memory per idle stream {}.{} KB", each / 1024, each % 1024 * 10 / 1024);
    println!("announcement answered after {answered:.0?} ({status})");
    println!("arrived: first {:.0?}, half {:.0?}, last {:.0?}", times[0], times[streams / 2], times[streams - 1]);
    println!("memory of the server afterwards {} MB", resident(process)? / (1 << 20));
    Ok(())
}
