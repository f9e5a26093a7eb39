//! One event to a thousand people over three replicas, while the database, the receiver of webhooks and the replicas
//! are killed: all of them real processes, or sockets that go away in the middle of an answer.

mod receiver;
mod scene;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use receiver::Receiver;
use scene::Scene;
use standardwebhooks::Webhook;

/// What the queue does wrong: it forgets a job as soon as somebody has taken it.
fn forgetful(sql: &str) -> Option<String> {
    if sql.starts_with("UPDATE jobs SET lease = $1, run_at = $2") {
        return Some(
            "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE kind = $3 AND run_at <= $4 ORDER BY run_at LIMIT $5
                FOR UPDATE SKIP LOCKED)
             RETURNING id, tenant_id, lane, payload::text AS payload, attempt + 1 AS attempt, $1::uuid, $2::timestamptz"
                .to_owned(),
        );
    }
    sql.starts_with("DELETE FROM jobs WHERE id = $1 AND lease = $2").then(|| "SELECT $1::uuid, $2::uuid".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_to_a_thousand_people_is_told_once_whatever_is_killed() {
    let mut scene = Scene::start(1000).await;
    let mut receiver = Receiver::start();
    // Two that get everything, one that gets announcements, one that gets workspaces.
    let filters: [&[&str]; 4] = [&[], &[], &["announcement.*"], &["workspace.created"]];
    let mut webhooks: Vec<_> =
        filters.iter().enumerate().map(|(number, events)| scene.webhook(&receiver.url(number), events)).collect();

    // A replica that has answered, and had no time for anything else.
    scene.announce(0);
    scene.kill(0);
    // The only replica there is, in the middle of telling.
    scene.kill(1);
    let held = scene.hold_feeds().await;
    for _ in 0..4 {
        scene.announce(2);
    }
    scene.until_jobs("event", "lease IS NOT NULL").await;
    scene.kill(2);
    drop(held);
    assert!(scene.jobs("event", "lease IS NOT NULL").await > 0, "it was not in the middle of it");
    scene.revive();
    // The database, in the middle of telling; what is announced meanwhile is sent until it is taken.
    let before = scene.jobs("event", "lease IS NOT NULL").await;
    let _held = scene.hold_feeds().await;
    for _ in 0..4 {
        scene.announce(0);
    }
    // More than those that the dead had.
    scene.until(&format!("(SELECT count(*) > {before} FROM jobs WHERE kind = 'event' AND lease IS NOT NULL)")).await;
    scene.kill_database();
    let patient = scene.announce_aside(1);
    tokio::time::sleep(Duration::from_millis(500)).await;
    scene.revive_database();
    patient.join().unwrap();
    // The receiver, with requests it has not answered; it is away for a while.
    receiver.answer_after(Duration::from_millis(200));
    for _ in 0..2 {
        scene.announce(1);
        scene.found(2);
    }
    receiver.until_busy(2);
    receiver.kill();
    scene.announce(0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    receiver.revive();
    // Replicas that wait for an answer of the receiver.
    for _ in 0..3 {
        scene.announce(2);
        scene.found(1);
    }
    receiver.until_busy(3);
    scene.kill(0);
    scene.kill(2);
    scene.revive();
    // A receiver that is not itself, and one more replica that has answered and dies.
    receiver.answer_after(Duration::ZERO);
    receiver.fails_sometimes();
    for _ in 0..5 {
        scene.found(0);
    }
    // One that is told of each person who is told.
    webhooks.push(scene.webhook(&receiver.url(4), &["notification.created"]));
    let last = scene.announce(0);
    scene.kill(0);
    scene.revive();

    scene.until_all_is_done(Duration::from_mins(3)).await;
    scene.all_are_healthy();
    assert_eq!(untold(&scene).await, Vec::<String>::new());
    let receipts = receiver.receipts();
    for (number, (webhook, secret)) in webhooks.iter().enumerate() {
        let own: Vec<_> = receipts.iter().filter(|receipt| receipt.path == format!("/{number}")).collect();
        let library = Webhook::new(secret).unwrap();
        // The library looks at its own clock, and allows for five minutes.
        for receipt in &own {
            library.verify(receipt.body.as_bytes(), &receipt.headers).unwrap();
        }
        let mut bodies: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for receipt in &own {
            bodies.entry(receipt.id()).or_default().insert(&receipt.body);
        }
        assert!(bodies.values().all(|bodies| bodies.len() == 1), "an id came with two bodies");
        let taken: BTreeSet<_> = own.iter().filter(|receipt| receipt.taken).map(|receipt| receipt.id()).collect();
        let expected = scene.column("id", &format!("webhook_deliveries WHERE endpoint_id = '{webhook}'")).await;
        assert_eq!(taken, expected.iter().map(String::as_str).collect(), "{number}: what was taken, by its ids");
        assert!(bodies.keys().all(|id| taken.contains(id)), "{number}: an id that belongs to nothing");
        // By what it says, every event is there under one id.
        let says: Vec<_> = bodies.values().flatten().filter_map(|body| scene::title(body)).collect();
        let once: BTreeSet<_> = says.iter().cloned().collect();
        assert_eq!(once.len(), says.len(), "{number}: an event under two ids");
        let wanted = |title: &&String| match number {
            2 => title.starts_with("announcement"),
            3 => title.starts_with("workspace"),
            4 => false,
            _ => true,
        };
        assert_eq!(once, scene.sent().iter().filter(wanted).cloned().collect(), "{number}");
    }
    let told: BTreeMap<_, _> =
        receipts.iter().filter_map(|one| Some((one.id(), scene::told(&one.body, &last)?))).collect();
    let people: BTreeSet<_> = told.values().collect();
    assert_eq!((told.len(), people.len()), (scene.people(), scene.people()), "each was posted under one id");
    let again = receipts.len() - receipts.iter().map(receiver::Receipt::id).collect::<BTreeSet<_>>().len();
    assert!(again > 5, "only {again} were posted again: nothing was killed in the middle");
}

/// What is wrong with the feeds: every announcement must be in each of them once.
async fn untold(scene: &Scene) -> Vec<String> {
    let mut wrong = Vec::new();
    let told = "SELECT title || ' ' || count(*) || ' ' || count(DISTINCT user_id) || ' ' || count(DISTINCT event_id)
        FROM user_notifications WHERE type = 'killed' GROUP BY title";
    let told: BTreeSet<_> = scene.texts(told).await.into_iter().collect();
    let people = scene.people();
    for title in scene.sent().iter().filter(|title| title.starts_with("announcement")) {
        let right = format!("{title} {people} {people} 1");
        if !told.contains(&right) {
            wrong.push(format!("not {right}"));
        }
    }
    wrong
}

/// The test before would be no test if it did not notice a queue that loses what a dead replica had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_is_missed_by_a_queue_that_forgets_what_is_taken() {
    let mut scene = Scene::start_with(1000, Some(Box::new(forgetful))).await;
    scene.kill(0);
    scene.kill(1);
    let held = scene.hold_feeds().await;
    for _ in 0..4 {
        scene.announce(2);
    }
    scene.until("(SELECT count(*) < 4 FROM jobs WHERE kind = 'event')").await;
    scene.kill(2);
    drop(held);
    scene.revive();
    scene.until_all_is_done(Duration::from_mins(3)).await;
    let wrong = untold(&scene).await;
    assert!(!wrong.is_empty() && wrong.len() < 5, "{wrong:?}");
}

/// Nor if it did not notice a feed that has an event twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_comes_twice_without_the_key_and_the_end_of_its_job() {
    // A job is given back when it is done, and what is told is told again.
    let careless = |sql: &str| {
        if sql.starts_with("DELETE FROM jobs WHERE id = $1 AND lease = $2") {
            return Some("SELECT $1::uuid, $2::uuid".to_owned());
        }
        sql.contains("INSERT INTO user_notifications")
            .then(|| sql.replace("ON CONFLICT (user_id, event_id) DO NOTHING", ""))
    };
    let mut scene = Scene::start_with(50, Some(Box::new(careless))).await;
    scene.sql("ALTER TABLE user_notifications DROP CONSTRAINT user_notifications_user_id_event_id_key").await;
    scene.announce(0);
    until_untold(&scene, &[]).await;
    // As its lease would be over.
    scene.sql("UPDATE jobs SET run_at = now()").await;
    until_untold(&scene, &["not announcement 1 51 51 1"]).await;
}

async fn until_untold(scene: &Scene, expected: &[&str]) {
    let began = Instant::now();
    loop {
        let wrong = untold(scene).await;
        if wrong == expected {
            return;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{wrong:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
