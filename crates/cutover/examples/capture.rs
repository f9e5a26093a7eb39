//! What the change log costs those who write, and how long a full rollback takes: `bench/capture`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement, not the program"
)]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use kernel::SystemClock;
use pyairtable_cutover::preflight::Surroundings;
use pyairtable_cutover::replay::{self, Choice};
use pyairtable_cutover::run::{Cx, Folder, Progress, Setup, Tools, Watch, Wishes};
use pyairtable_cutover::{run, steps};
use testkit::legacy::generate::{Plan, fill};
use testkit::legacy::layouts::Layout;
use testkit::{SeededRng, TestDb};
use tokio_postgres::Client;

struct Nobody;

impl Watch for Nobody {
    fn begins(&self, _: &str, _: &str) {}
    fn progress(&self, _: &Progress) {}
    fn waits(&self, _: &str) {}
    fn ends(&self, _: &str, _: bool) {}
}

/// A table of twelve columns, as people's is.
const BIG: &str = "CREATE TABLE big (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), number bigint NOT NULL,
        email text NOT NULL, first_name text, last_name text, role text, tenant uuid, active boolean, settings jsonb,
        score double precision, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
    CREATE INDEX ON big (number)";

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().unwrap());
    let (rows, changes) = (arguments.next().unwrap_or(1_000_000), arguments.next().unwrap_or(50_000));
    let db = TestDb::empty().await;
    let places = Layout::Public.create(db.config()).await.unwrap();
    let now = "2026-03-01T12:00:00Z".parse().unwrap();
    fill(Layout::Public, &places, Plan { people: 2_000, seed: 7, now }).await.unwrap();
    let client = db.superuser().await;
    client.batch_execute(BIG).await.unwrap();
    let sql = format!(
        "INSERT INTO big (number, email, first_name, last_name, role, tenant, active, settings, score)
        SELECT n, 'person' || n || '@example.com', 'First ' || n, 'Last ' || n, 'member', gen_random_uuid(), n % 7 <> 0,
            '{{\"theme\": \"dark\"}}', n / 3.0 FROM generate_series(1, {rows}) n; ANALYZE big"
    );
    client.batch_execute(&sql).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let mut cx = Cx::open(Setup {
        surroundings: Surroundings::default(),
        folder: Folder::at(folder.path()),
        url: db.url().clone(),
        wishes: Wishes::default(),
        take_over: false,
        tools: Tools { bindir: std::env::var("PG_BINDIR").ok().map(Into::into), search_path: std::env::var_os("PATH") },
        clock: Arc::new(SystemClock),
        rng: Arc::new(SeededRng::new(7)),
        watch: Box::new(Nobody),
        stop: Arc::new(AtomicBool::new(false)),
        witness: None,
    })
    .await
    .unwrap();
    let few =
        "CREATE TABLE small (LIKE big INCLUDING ALL); INSERT INTO small SELECT * FROM big LIMIT 20000; ANALYZE small";
    client.batch_execute(few).await.unwrap();
    run::run(&mut cx, &steps::until(steps::preparation(), Some("capture"))).await.unwrap();
    cost(&client).await;

    let began = Instant::now();
    run::run(&mut cx, &steps::until(steps::preparation(), Some("trial-restore"))).await.unwrap();
    println!("backup of {rows} rows, restored and compared: {:.1} s", began.elapsed().as_secs_f64());
    run::run(&mut cx, &steps::preparation()).await.unwrap();
    for from in (0..changes).step_by(1_000) {
        let sql = format!(
            "UPDATE big SET score = score + 1, updated_at = clock_timestamp() WHERE number BETWEEN {from} AND {from} + 799;
             DELETE FROM big WHERE number BETWEEN {from} + 800 AND {from} + 899;
             INSERT INTO big (number, email) SELECT n, 'new' FROM generate_series({rows} + {from}, {rows} + {from} + 99) n"
        );
        client.batch_execute(&sql).await.unwrap();
    }
    drop(client);
    let all = replay::steps(&Choice::default());
    let began = Instant::now();
    for step in 0..all.len() {
        let since = Instant::now();
        let done = run::run(&mut cx, &all[step..=step]).await.unwrap();
        println!("{}: {:.1} s, {}", done[0].step, since.elapsed().as_secs_f64(), done[0].outcome);
    }
    println!("full rollback of {rows} rows with {changes} changes: {:.1} s", began.elapsed().as_secs_f64());
}

/// How many rounds of each kind: others use the machine too, and the median knows how to do without them.
const ROUNDS: u64 = 21;

/// Rounds with and without the triggers, in turn.
async fn cost(client: &Client) {
    let toggle = async |on: bool| {
        let word = if on { "ENABLE ALWAYS" } else { "DISABLE" };
        let sql = format!(
            "ALTER TABLE small {word} TRIGGER \"!pyairtable_capture\"; ALTER TABLE users {word} TRIGGER \"!pyairtable_capture\""
        );
        client.batch_execute(&sql).await.unwrap();
    };
    for (what, sql) in [
        ("one row updated", "UPDATE small SET score = score + 1 WHERE number = $n"),
        ("one row inserted", "INSERT INTO small (number, email) VALUES (-$n, 'x')"),
        (
            "a person updated",
            "UPDATE users SET first_name = 'a$n' WHERE id = (SELECT id FROM users WHERE role = 'user' LIMIT 1)",
        ),
        ("1,000 rows updated", "UPDATE small SET score = score + 1 WHERE number BETWEEN $n AND $n + 999"),
    ] {
        let mut ratios = Vec::new();
        let (mut with, mut without) = (0.0, 0.0);
        for round in 0..ROUNDS {
            toggle(false).await;
            without = each(client, sql, round).await;
            toggle(true).await;
            with = each(client, sql, round + 50).await;
            ratios.push(with / without);
        }
        ratios.sort_by(f64::total_cmp);
        let median = ratios[ratios.len() / 2];
        println!(
            "{what}: {median:.2} times as long with the change log (last {without:.0} and {with:.0} microseconds)"
        );
    }
    toggle(true).await;
}

/// Microseconds for each statement.
async fn each(client: &Client, sql: &str, round: u64) -> f64 {
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_millis(200) {
        let n = (round * 7_919 + u64::from(count) * 104_729) % 19_000 + 1;
        client.batch_execute(&sql.replace("$n", &n.to_string())).await.unwrap();
        count += 1;
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}
