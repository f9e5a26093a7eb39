//! What readers and writers feel while the schema grows under them, with somebody's long transaction in the way.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use db::migrate::{Event, Limits};
use testkit::TestDb;
use testkit::legacy::layouts::Layout;
use tokio::task::JoinHandle;

use super::{INVALID, count, expanded, old, watched};

/// How long the transaction in the way takes.
const BLOCKED: Duration = Duration::from_secs(4);

/// Readers and writers at their own pace: a slow answer does not slow the questions down.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<(u32, Duration)>>,
}

impl Load {
    async fn start(db: &TestDb) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for sql in [
            "SELECT email FROM users WHERE id = (SELECT user_id FROM user_profiles LIMIT 1)",
            "SELECT name FROM workspaces WHERE deleted_at IS NULL LIMIT 1",
            "SELECT count(*) FROM (SELECT FROM refresh_tokens LIMIT 1) t",
            "UPDATE users SET last_login_at = now() WHERE id = (SELECT id FROM users OFFSET 5 LIMIT 1)",
            "UPDATE workspaces SET settings = '{}' WHERE id = (SELECT id FROM workspaces OFFSET 3 LIMIT 1)",
        ] {
            let (client, stop) = (db.superuser().await, Arc::clone(&stop));
            tasks.push(tokio::spawn(async move {
                let (mut number, mut worst, began) = (0_u32, Duration::ZERO, Instant::now());
                while !stop.load(Ordering::Relaxed) {
                    // From when it should have been asked.
                    let due = began + Duration::from_millis(5) * number;
                    tokio::time::sleep_until(due.into()).await;
                    client.batch_execute(sql).await.unwrap();
                    worst = worst.max(due.elapsed());
                    number += 1;
                }
                (number, worst)
            }));
        }
        Self { stop, tasks }
    }

    /// How many statements there were and how long the slowest took.
    async fn end(self) -> (u32, Duration) {
        self.stop.store(true, Ordering::Relaxed);
        let (mut all, mut worst) = (0, Duration::ZERO);
        for task in self.tasks {
            let (number, slowest) = task.await.unwrap();
            all += number;
            worst = worst.max(slowest);
        }
        (all, worst)
    }
}

/// Looks every 5 ms who holds the strongest lock on a table of the old services, and returns the longest time.
fn sample(db: &TestDb, stop: Arc<AtomicBool>) -> JoinHandle<Duration> {
    const HELD: &str = "SELECT l.pid, l.relation FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
        WHERE l.granted AND l.mode = 'AccessExclusiveLock' AND c.relkind = 'r' AND c.relname IN ('users',
            'user_profiles', 'refresh_tokens', 'tenants', 'workspaces', 'projects', 'workspace_members', 'airtable_bases')";
    let db = db.clone();
    tokio::spawn(async move {
        let client = db.superuser().await;
        let (mut since, mut longest) = (HashMap::new(), Duration::ZERO);
        while !stop.load(Ordering::Relaxed) {
            let rows = client.query(HELD, &[]).await.unwrap();
            let held: Vec<(i32, u32)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
            since.retain(|lock, _| held.contains(lock));
            for lock in held {
                let began: &mut Instant = since.entry(lock).or_insert_with(Instant::now);
                longest = longest.max(began.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        longest
    })
}

/// A report that reads `users` and its profiles for a while, as an old service or an analyst may.
async fn in_the_way(db: &TestDb) -> JoinHandle<()> {
    let client = db.superuser().await;
    client.batch_execute("BEGIN; SELECT count(*) FROM users JOIN user_profiles ON true").await.unwrap();
    tokio::spawn(async move {
        tokio::time::sleep(BLOCKED).await;
        client.batch_execute("COMMIT").await.unwrap();
    })
}

/// Expands under load with the transaction in the way: statements, the slowest, the longest lock, who was named.
async fn under_load(limits: Limits) -> (u32, Duration, Duration, Vec<String>) {
    let (db, _) = old(Layout::Public, 1000).await;
    let load = Load::start(&db).await;
    let stop = Arc::new(AtomicBool::new(false));
    let sampler = sample(&db, Arc::clone(&stop));
    let blocker = in_the_way(&db).await;
    let mut named = Vec::new();
    let began = Instant::now();
    let pieces = watched(db.url(), limits, &mut |event| {
        if let Event::Waits { blockers, .. } = event {
            named.extend(blockers.iter().map(ToString::to_string));
        }
    })
    .await;
    assert!(began.elapsed() >= BLOCKED, "nothing was in the way of {} statements", pieces.len());
    blocker.await.unwrap();
    let (statements, worst) = load.end().await;
    stop.store(true, Ordering::Relaxed);
    let held = sampler.await.unwrap();
    assert_eq!(count(&db.superuser().await, INVALID).await, 0);
    assert_eq!(expanded(db.url()).await, []);
    (statements, worst, held, named)
}

/// One test, so that the two runs do not load each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn expand_holds_nobody_up_behind_a_long_transaction() {
    let (statements, worst, held, named) = under_load(Limits::default()).await;
    println!("{statements} statements, the slowest {worst:?}; strongest lock held {held:?}; {named:?}");
    assert!(statements > 500, "{statements}");
    assert!(worst < Duration::from_millis(500), "the slowest of {statements} statements took {worst:?}");
    assert!(held < Duration::from_millis(500), "a lock was held for {held:?}");
    assert!(named.iter().any(|one| one.contains("SELECT count(*) FROM users JOIN")), "{named:?}");

    // The usual way: waiting as long as it takes.
    let (_, worst, _, _) = under_load(Limits { lock: None, hold: None }).await;
    println!("without a limit: {worst:?}");
    assert!(worst > Duration::from_secs(1), "the load would not have shown it: {worst:?}");
}

/// A build of an index keeps nobody from reading or writing. But an old service that starts meanwhile and alters the
/// table waits for the build, and everybody else would wait behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn expand_lets_somebody_who_alters_the_table_pass() {
    let (db, _) = old(Layout::Public, 1000).await;
    expanded(db.url()).await;
    db.superuser().await.batch_execute("DROP INDEX users_email_folded_idx").await.unwrap();
    // An old snapshot, which locks no table, makes the build wait.
    let snapshot = db.superuser().await;
    snapshot.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.unwrap();
    let expanding = tokio::spawn({
        let url = db.url().clone();
        async move {
            let mut called_off = 0;
            watched(&url, Limits::default(), &mut |event| {
                called_off += u32::from(matches!(event, Event::Waits { .. }));
            })
            .await;
            called_off
        }
    });
    let client = db.superuser().await;
    while count(&client, INVALID).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let load = Load::start(&db).await;
    client.batch_execute("ALTER TABLE users ADD COLUMN by_an_old_service text").await.unwrap();
    let (_, worst) = load.end().await;
    assert!(worst < Duration::from_millis(500), "{worst:?}");
    snapshot.batch_execute("COMMIT").await.unwrap();
    assert!(expanding.await.unwrap() > 0);
    assert_eq!(count(&client, INVALID).await, 0);
}
