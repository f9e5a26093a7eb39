//! Nothing is lost or told twice: while many write and the client comes and goes, over two replicas, without notices,
//! and to clients that do not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use kernel::Rng;
use serde_json::json;
use testkit::SeededRng;
use tokio::time::timeout;

use super::reader::{SOON, open, serve, tell};
use crate::support::{Person, TestApp, seed};

/// The ids of a person's notifications, by their numbers.
async fn stored(app: &TestApp, person: &Person) -> Vec<(i64, String)> {
    let database = app.db.superuser().await;
    let query = "SELECT number, id::text FROM user_notifications WHERE user_id::text = $1 ORDER BY number";
    let rows = database.query(query, &[&person.id]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn streams_lose_and_double_nothing_while_eight_write_and_the_client_reconnects_200_times() {
    const RECONNECTS: usize = 200;
    let first = TestApp::new().await;
    // Another sequence, as two processes have: ids must not be the same.
    let second = TestApp::on(first.db.clone(), |parts| parts.rng = Arc::new(SeededRng::new(seed() + 1)));
    let person = first.admin("ada@example.com").await;
    let also = second.login("ada@example.com").await;
    let _serving = (serve(&first).await, serve(&second).await);
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let (stop, written) = (Arc::clone(&stop), Arc::clone(&written));
            let person = if number % 2 == 0 { person.http.clone() } else { also.http.clone() };
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let body = json!({ "type": "test", "title": "t", "message": "m" });
                    person.post("/notifications").json(&body).send().await.expect(201);
                    written.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();

    let rng = SeededRng::new(seed());
    let draw = |bound: u8| (&rng as &dyn Rng).bytes::<1>()[0] % bound;
    let (mut received, mut last) = (Vec::new(), 0);
    for _ in 0..RECONNECTS {
        let replica = if draw(2) == 0 { &person } else { &also };
        let mut stream = open(replica, Some(last)).await;
        for _ in 0..draw(8) {
            let Ok(event) = timeout(Duration::from_millis(u64::from(draw(60))), stream.next()).await else { break };
            let event = event.expect("no end");
            if let Some(id) = event.id {
                received.push((id, event.data["id"].as_str().unwrap().to_owned()));
                last = id;
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let stored = stored(&first, &person).await;
    let mut stream = open(&also, Some(last)).await;
    while received.len() < stored.len() {
        let event = stream.notification().await;
        received.push((event.id.unwrap(), event.data["id"].as_str().unwrap().to_owned()));
    }
    assert!(stream.rest().await.unwrap().iter().all(|event| event.name == "unread"), "nothing after the last");
    assert_eq!(received, stored);
    assert_eq!(stored.len(), written.load(Ordering::Relaxed) as usize);
    assert!(stored.len() >= 200, "{} were written meanwhile", stored.len());
}

/// Ends the connections that listen; returns how many there were.
async fn kill_listeners(app: &TestApp) -> usize {
    let database = app.db.superuser().await;
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'pyairtable-platform' AND query LIKE '%LISTEN%'
          AND pid <> pg_backend_pid()";
    database.query(kill, &[]).await.unwrap().len()
}

#[tokio::test]
async fn streams_lose_nothing_when_the_listening_connection_is_killed() {
    let app = TestApp::new().await;
    let person = app.admin("ada@example.com").await;
    let _serving = serve(&app).await;
    let mut stream = open(&person, None).await;
    let mut killed = 0;
    for number in 1..=10 {
        killed += kill_listeners(&app).await;
        let id = tell(&person, "while nobody listens").await;
        let event = timeout(SOON, stream.notification()).await.unwrap();
        assert_eq!((event.id, &event.data["id"]), (Some(number), &json!(id)));
        // So that it listens again, and can be killed again.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert!(killed >= 5, "only {killed} were there to be killed");
}

#[tokio::test]
async fn streams_of_clients_that_do_not_read_are_cut_and_can_be_resumed() {
    let app = TestApp::new().await;
    let person = app.admin("ada@example.com").await;
    let _serving = serve(&app).await;
    let (mut slow, mut quick) = (open(&person, None).await, open(&person, None).await);
    let (text, most) = ("x".repeat(10_000), 20);
    for _ in 0..most {
        let body = json!({ "type": "test", "title": "t", "message": text });
        person.http.post("/notifications").json(&body).send().await.expect(201);
    }
    for number in 1..=most {
        assert_eq!(quick.notification().await.id, Some(number));
    }
    tokio::time::sleep(Duration::from_secs(7)).await;
    let end = timeout(SOON, slow.next()).await.unwrap();
    assert!(end.is_none(), "what waited was let go: {end:?}");
    assert!(quick.rest().await.is_some(), "whoever reads stays");
    let mut resumed = open(&person, Some(0)).await;
    for number in 1..=most {
        assert_eq!(resumed.notification().await.id, Some(number));
    }
}
