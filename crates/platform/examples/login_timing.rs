//! Can a log-in that fails tell by its time whether the account exists?
//!
//! `cargo run --release --example login_timing -p pyairtable-platform`
//!
//! Sends four kinds of log-ins in turn to the program in process, on a private PostgreSQL, and prints the median of
//! each and, for each pair, the AUC: how often one drawn from the first takes longer than one drawn from the second.
//! 0.5 is a coin; what a patient attacker could use begins well above 0.6.

#![expect(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, run by hand")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::audit::AuditKey;
use db::{Db, PoolLimits};
use kernel::{Redacted, SystemClock, TrustedProxies};
use pyairtable_platform::app::{self, Parts};
use serde_json::json;
use testkit::{Client, SeededRng, TestDb};

const EACH: usize = 500;
const PASSWORD: &str = "correct horse battery";

/// What is tried, and what it is answered.
const KINDS: [(&str, u16); 4] =
    [("unknown account", 401), ("wrong password", 401), ("inactive account", 403), ("empty password", 401)];

#[tokio::main]
async fn main() {
    let (http, database) = program().await;
    for number in 0..EACH {
        register(&http, &format!("person{number}@example.com")).await;
    }
    register(&http, "inactive@example.com").await;
    let off = "UPDATE users SET is_active = false WHERE email = 'inactive@example.com'";
    database.superuser().await.batch_execute(off).await.unwrap();

    let mut times: [Vec<Duration>; 4] = std::array::from_fn(|_| Vec::with_capacity(EACH));
    for round in 0..EACH {
        // Each account fails too seldom to be held up by the limit on guessing.
        let known = format!("person{round}@example.com");
        let unknown = format!("nobody{round}@example.com");
        for step in 0..KINDS.len() {
            // The order rotates, so that no kind always comes after the same other.
            let kind = (step + round) % KINDS.len();
            let (name, password) = match kind {
                0 => (unknown.as_str(), PASSWORD),
                1 => (known.as_str(), "battery staple horse"),
                2 => ("inactive@example.com", PASSWORD),
                _ => (known.as_str(), ""),
            };
            let began = Instant::now();
            let answer = http.post("/auth/login").json(&json!({ "email": name, "password": password })).send().await;
            times[kind].push(began.elapsed());
            answer.expect(KINDS[kind].1);
        }
    }

    println!("{EACH} log-ins of each kind");
    for (kind, times) in times.iter_mut().enumerate() {
        times.sort_unstable();
        let (median, p90) = (times[EACH / 2], times[EACH * 9 / 10]);
        println!("{:18} median {median:9.2?}  90 % {p90:9.2?}", KINDS[kind].0);
    }
    for first in 0..KINDS.len() {
        for second in first + 1..KINDS.len() {
            let auc = auc(&times[first], &times[second]);
            println!("{:>18} longer than {:18} {auc:.3}", KINDS[first].0, KINDS[second].0);
        }
    }
}

async fn program() -> (Client, TestDb) {
    let database = TestDb::new().await;
    let parts = Parts {
        db: Db::new(database.url(), PoolLimits::default(), AuditKey::new(*b"an audit key of the bench")).unwrap(),
        clock: Arc::new(SystemClock),
        rng: Arc::new(SeededRng::new(7)),
        redis: None,
        redis_patience: std::time::Duration::from_millis(100),
        jwt_secret: Redacted::new("a-secret-of-the-bench-0123456789abcdef".to_owned()),
        internal_key: None,
        coexistence: false,
        trusted_proxies: TrustedProxies::default(),
        cors_origins: Vec::new(),
        limits: web::Limits { auth: 0, users: 0, workspaces: 0, notifications: 0 },
        auth_failures: 10,
        webhooks_deliver: false,
        webhooks_allow_private: false,
        resolver: Arc::new(notifications::SystemResolver),
        mail: None,
    };
    let app = app::build(parts).unwrap_or_else(|error| panic!("{error}"));
    (Client::new(app.public), database)
}

async fn register(http: &Client, email: &str) {
    let form = json!({ "email": email, "password": PASSWORD, "first_name": "Ada", "last_name": "Lovelace" });
    http.post("/auth/register").json(&form).send().await.expect(201);
}

/// The probability that one of `first` is greater than one of `second`, ties counted half.
fn auc(first: &[Duration], second: &[Duration]) -> f64 {
    let wins: f64 = first
        .iter()
        .flat_map(|one| second.iter().map(move |other| one.cmp(other)))
        .map(|order| match order {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        })
        .sum();
    let pairs = u32::try_from(first.len() * second.len()).unwrap();
    wins / f64::from(pairs)
}
