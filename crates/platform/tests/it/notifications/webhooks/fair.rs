//! Receivers that hang hold up neither other tenants nor, for long, their own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::jobs::Shares;
use serde_json::json;
use tokio::net::TcpListener;

use super::{Receiver, app, webhook};
use crate::support::{Person, TestApp};

/// Takes connections and never says anything; its address.
async fn silence() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    url
}

/// Gives `person` a hundred webhooks, and two deliveries to each.
async fn backlog(app: &TestApp, person: &Person, url: &str) {
    // Each is sealed for itself, so all are made by the program; a few at a time, since a tenant may have 20.
    let aside = "UPDATE webhook_endpoints SET tenant_id = '00000000-0000-4000-8000-000000000404'";
    for _ in 0..5 {
        for _ in 0..20 {
            webhook(person, &json!({ "url": url, "events": ["workspace.*"] })).await;
        }
        app.sql(aside).await;
    }
    app.sql(&format!("UPDATE webhook_endpoints SET tenant_id = '{}'", person.tenant)).await;
    for event in ["workspace.created", "workspace.updated"] {
        app.happens(person, event).await;
    }
    assert_eq!(app.one("SELECT count(*) FROM jobs WHERE kind = 'webhook'").await, "200");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_whose_hundred_receivers_hang_holds_up_no_other() {
    let app = app().await;
    let (slow, _, other) = app.cast().await;
    let url = silence().await;
    backlog(&app, &slow, &url).await;
    let receiver = Receiver::start().await;
    webhook(&other, &json!({ "url": receiver.url })).await;
    let worker = tokio::spawn(app.app.notifications.clone().run_deliveries(app.cx()));
    let waiting = "SELECT count(*) FROM jobs WHERE kind = 'webhook' AND lease IS NULL";
    app.becomes(waiting, "184").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(app.one(waiting).await, "184", "a tenant has 16 places");
    for round in 1..=5 {
        app.happens(&other, "workspace.created").await;
        let began = Instant::now();
        while receiver.posts().len() < round {
            assert!(began.elapsed() < Duration::from_secs(4), "held up in round {round}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    worker.abort();
}

/// All but one of a tenant's webhooks hang, and each has ten deliveries waiting: first come, first served would take the
/// last one a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_that_hang_hold_up_their_own_tenant_only_for_a_turn() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let (url, receiver) = (silence().await, Receiver::start().await);
    for _ in 0..19 {
        webhook(&admin, &json!({ "url": url, "events": ["workspace.*"] })).await;
    }
    webhook(&admin, &json!({ "url": receiver.url, "events": ["user.created"] })).await;
    for _ in 0..10 {
        app.happens(&admin, "workspace.created").await;
    }
    app.happens(&admin, "user.created").await;
    assert_eq!(app.one("SELECT count(*) FROM jobs WHERE kind = 'webhook'").await, "191");
    let worker = tokio::spawn(app.app.notifications.clone().run_deliveries(app.cx()));
    let began = Instant::now();
    while receiver.posts().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(9), "held up by its own");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    worker.abort();
}

/// What a worker takes on that has these places and is at `busy`: tenants and lanes by their numbers.
async fn takes(app: &TestApp, places: usize, busy: &[(u128, u128)]) -> Vec<(u128, u128)> {
    let busy: Vec<_> = busy.iter().map(|(tenant, lane)| (kernel::TenantId(uuid(*tenant)), uuid(*lane))).collect();
    let shares = Shares { places, tenant: 4, lane: 2 };
    let taken = app.pool().take_fairly(&app.cx(), "test", shares, &busy, Duration::from_secs(9)).await.unwrap();
    let mut taken: Vec<_> = taken.iter().map(|job| (job.tenant.0.as_u128(), job.lane.as_u128())).collect();
    taken.sort_unstable();
    taken
}

const fn uuid(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

/// So many jobs of a tenant's lane, the first of them due at second `from`.
async fn wait(app: &TestApp, (tenant, lane): (u128, u128), jobs: u32, from: u32) {
    app.sql(&format!(
        "INSERT INTO jobs (id, kind, tenant_id, lane, payload, run_at, created_at)
         SELECT gen_random_uuid(), 'test', '{}', '{}', '{{}}', '2026-01-01Z'::timestamptz + ({from} + n) * interval '1 s', now()
         FROM generate_series(1, {jobs}) n",
        uuid(tenant),
        uuid(lane)
    ))
    .await;
}

#[tokio::test]
async fn jobs_are_taken_in_turns_over_tenants_and_lanes() {
    let app = TestApp::new().await;
    assert!(takes(&app, 8, &[]).await.is_empty());
    // Tenant 1 has been waiting longest, in two lanes; the others came later.
    wait(&app, (1, 1), 100, 0).await;
    wait(&app, (1, 2), 100, 50).await;
    wait(&app, (2, 3), 100, 500).await;
    wait(&app, (3, 0), 1, 900).await;
    let all = "UPDATE jobs SET run_at = '2026-01-01Z'";
    assert_eq!(takes(&app, 3, &[]).await, [(1, 1), (2, 3), (3, 0)], "a place for each tenant");
    // Two lanes of one tenant share its turns, and nobody gets more than their share of the places.
    assert_eq!(takes(&app, 100, &[]).await, [(1, 1), (1, 1), (1, 2), (1, 2), (2, 3), (2, 3)]);
    // What the worker is at counts.
    assert_eq!(takes(&app, 100, &[(1, 1), (1, 1), (1, 2)]).await, [(1, 2), (2, 3), (2, 3)]);
    assert_eq!(takes(&app, 4, &[(1, 1), (1, 1), (1, 2)]).await, [(2, 3)]);
    assert!(takes(&app, 2, &[(1, 1), (2, 3)]).await.is_empty(), "no place is free");
    assert!(takes(&app, 100, &[(1, 8), (1, 8), (1, 9), (1, 9), (2, 3), (2, 3)]).await.is_empty());
    // What is not due is not taken, whatever its lane.
    app.sql(&format!("{all}; UPDATE jobs SET run_at = '2027-01-01Z' WHERE tenant_id <> '{}'", uuid(3))).await;
    assert_eq!(takes(&app, 100, &[]).await, [(3, 0)]);
}

/// Eight workers at once share out what there is; nothing is taken twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_taken_in_turns_are_taken_once() {
    let app = Arc::new(TestApp::new().await);
    for tenant in 1..=5 {
        for lane in 1..=4 {
            wait(&app, (tenant, lane), 20, 0).await;
        }
    }
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let app = Arc::clone(&app);
            tokio::spawn(async move {
                let mut taken = 0;
                while app.one("SELECT count(*) FROM jobs WHERE attempt = 0").await != "0" {
                    taken += takes(&app, 8, &[]).await.len();
                }
                taken
            })
        })
        .collect();
    let mut taken = 0;
    for worker in workers {
        taken += worker.await.unwrap();
    }
    assert_eq!(taken, 400);
    assert_eq!(app.one("SELECT max(attempt) FROM jobs").await, "1");
}

/// With a plan that was made while nothing waited, two thousand lanes and a hundred thousand jobs still take no time.
#[tokio::test]
async fn jobs_are_taken_in_turns_out_of_many() {
    let app = TestApp::new().await;
    for _ in 0..10 {
        assert!(takes(&app, 8, &[]).await.is_empty());
    }
    app.sql(
        "INSERT INTO jobs (id, kind, tenant_id, lane, payload, run_at, created_at)
         SELECT gen_random_uuid(), 'test', md5((n % 500)::text)::uuid, md5((n % 2000)::text)::uuid, '{}', '2026-01-01Z', now()
         FROM generate_series(1, 100000) n",
    )
    .await;
    let began = Instant::now();
    for _ in 0..5 {
        assert_eq!(takes(&app, 64, &[]).await.len(), 64);
    }
    eprintln!("five times in {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
