//! Both ends of `bench/webhooks`: sets webhooks up at a running server, leaves deliveries to them in its database, takes
//! what is posted, and prints how many a second get through.
//!
//! `webhooks SERVER DATABASE DELIVERIES`. DATABASE is a libpq connection string; deliveries are written there as the
//! dispatch of events leaves them, so that posting alone is measured.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// As many webhooks as a tenant may have.
const OF_A_TENANT: usize = 20;
const WEBHOOKS: [usize; 3] = [1, 10, 100];
/// How long receivers take to answer.
const DELAYS: [Duration; 2] = [Duration::ZERO, Duration::from_millis(100)];

const LEAVE: &str = "WITH made AS (
        INSERT INTO webhook_deliveries
            (id, tenant_id, endpoint_id, event_id, event, body, next_attempt_at, created_at, updated_at)
        SELECT gen_random_uuid(), w.tenant_id, w.id, gen_random_uuid(), 'bench.posted', $1, now(), now(), now()
        FROM generate_series(0, $2::bigint - 1) n
        JOIN webhook_endpoints w ON w.id = ($3::uuid[])[n % array_length($3, 1) + 1]
        RETURNING id, tenant_id, endpoint_id)
    INSERT INTO jobs (id, kind, tenant_id, lane, payload, run_at, created_at)
    SELECT gen_random_uuid(), 'webhook', tenant_id, endpoint_id, json_build_object('delivery', id), now(), now()
    FROM made";

async fn post(server: SocketAddr, path: &str, token: &str, body: &Value) -> Outcome<Value> {
    let mut stream = TcpStream::connect(server).await?;
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no whole answer")?;
    if !head.starts_with("HTTP/1.1 201") {
        return Err(answer.into());
    }
    Ok(serde_json::from_str(body)?)
}

/// Tenants full of webhooks that get nothing but what is left for them.
async fn webhooks(server: SocketAddr, receiver: SocketAddr, count: usize) -> Outcome<Vec<Uuid>> {
    let mut ids = Vec::new();
    let mut token = String::new();
    for number in 0..count {
        if number % OF_A_TENANT == 0 {
            let person = json!({ "email": format!("{}@webhooks.example", Uuid::from_u128(number as u128)),
                "password": "correct horse battery", "first_name": "A", "last_name": "B" });
            let person = post(server, "/auth/register", "", &person).await?;
            person["access_token"].as_str().ok_or("no token")?.clone_into(&mut token);
        }
        let webhook = json!({ "url": format!("http://{receiver}/{number}"), "events": ["bench.posted"] });
        let webhook = post(server, "/webhooks", &token, &webhook).await?;
        ids.push(webhook["id"].as_str().ok_or("no id")?.parse()?);
    }
    Ok(ids)
}

#[expect(clippy::print_stdout, reason = "the result")]
#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, database, deliveries] = arguments.as_slice() else {
        return Err("usage: webhooks SERVER DATABASE DELIVERIES".into());
    };
    let (server, deliveries): (SocketAddr, i64) = (server.parse()?, deliveries.parse()?);
    let (client, connection) = tokio_postgres::connect(database, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let receiver = listener.local_addr()?;
    let (delay, posts) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
    let (after, count) = (Arc::clone(&delay), Arc::clone(&posts));
    let take = any(move || {
        count.fetch_add(1, Ordering::Relaxed);
        let after = Duration::from_millis(after.load(Ordering::Relaxed));
        async move {
            if !after.is_zero() {
                tokio::time::sleep(after).await;
            }
            StatusCode::NO_CONTENT
        }
    });
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take)).await });
    let all = webhooks(server, receiver, WEBHOOKS.into_iter().max().unwrap_or(1)).await?;

    let body =
        json!({ "event": "bench.posted", "data": { "text": "x".repeat(300) }, "timestamp": "2026-01-01T00:00:00Z",
        "tenant_id": Uuid::nil() })
        .to_string();
    println!("receivers answer after | webhooks | tenants | deliveries | a second");
    for after in DELAYS {
        delay.store(u64::try_from(after.as_millis())?, Ordering::Relaxed);
        for webhooks in WEBHOOKS {
            // What waits is given less to do, so that all take about as long.
            let left = if after.is_zero() { deliveries } else { deliveries / 10 };
            let before = posts.load(Ordering::Relaxed);
            client.execute(LEAVE, &[&body, &left, &&all[..webhooks]]).await?;
            let began = Instant::now();
            let pending = "SELECT EXISTS (SELECT FROM jobs WHERE kind = 'webhook')";
            while client.query_one(pending, &[]).await?.get(0) {
                if began.elapsed() > Duration::from_mins(5) {
                    return Err("deliveries do not get through".into());
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let took = began.elapsed();
            let posted = i64::try_from(posts.load(Ordering::Relaxed) - before)?;
            let delivered = "SELECT count(*) FROM webhook_deliveries WHERE state <> 'delivered'";
            let lost: i64 = client.query_one(delivered, &[]).await?.get(0);
            if (posted, lost) != (left, 0) {
                return Err(format!("{posted} of {left} were posted, {lost} are not delivered").into());
            }
            let rate = left.saturating_mul(1000) / i64::try_from(took.as_millis())?.max(1);
            let tenants = webhooks.div_ceil(OF_A_TENANT);
            println!("{:>19} ms | {webhooks:>8} | {tenants:>7} | {left:>10} | {rate:>8}", after.as_millis());
        }
    }
    Ok(())
}
