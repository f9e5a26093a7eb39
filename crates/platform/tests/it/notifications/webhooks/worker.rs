//! The loop that posts: what it takes, holds on to, lets go of and survives.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinHandle;

use super::{Receiver, app, everything_to};
use crate::support::TestApp;

fn work(app: &TestApp) -> JoinHandle<()> {
    tokio::spawn(app.app.notifications.clone().run_deliveries(app.cx()))
}

const STATES: &str = "SELECT string_agg(state, ' ' ORDER BY created_at) FROM webhook_deliveries";

#[tokio::test]
async fn the_worker_takes_what_comes_until_it_is_dropped() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    everything_to(&admin, &receiver).await;
    let worker = work(&app);
    app.happens(&admin, "workspace.created").await;
    app.becomes(STATES, "delivered").await;
    // What fails is tried again when its time has come.
    receiver.answers(500);
    app.happens(&admin, "workspace.updated").await;
    app.becomes("SELECT sum(attempts) FROM webhook_deliveries", "2").await;
    receiver.answers(200);
    app.clock.advance(SignedDuration::from_secs(6));
    app.becomes(STATES, "delivered delivered").await;
    // Dropped, it lets go of what it was at.
    receiver.answers_after(Duration::from_secs(2));
    app.happens(&admin, "workspace.deleted").await;
    app.becomes("SELECT count(*) FROM jobs WHERE lease IS NOT NULL", "1").await;
    while receiver.posts().len() < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(app.one(STATES).await, "delivered delivered pending");
    // Another has it once its lease is over, and not before.
    receiver.answers_after(Duration::ZERO);
    let worker = work(&app);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(receiver.posts().len(), 4);
    app.clock.advance(SignedDuration::from_secs(15));
    app.becomes(STATES, "delivered delivered delivered").await;
    let posts = receiver.posts();
    assert_eq!(posts[3].header("webhook-id"), posts[4].header("webhook-id"));
    assert_eq!((&posts[3].body, posts.len()), (&posts[4].body, 5));
    worker.abort();
}

#[tokio::test]
async fn the_worker_holds_on_to_what_takes_long() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    everything_to(&admin, &receiver).await;
    receiver.answers_after(Duration::from_millis(4500));
    let worker = work(&app);
    app.happens(&admin, "workspace.created").await;
    while receiver.posts().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Almost the whole lease goes by while the receiver thinks; before its end it is renewed.
    app.clock.advance(SignedDuration::from_secs(14));
    let renewed = format!("SELECT run_at >= '{}'::timestamptz + interval '15 s' FROM jobs", app.now());
    app.becomes(&renewed, "true").await;
    app.clock.advance(SignedDuration::from_secs(14));
    assert_eq!(app.deliver().await, 0, "nobody else has it");
    app.becomes(STATES, "delivered").await;
    assert_eq!(receiver.posts().len(), 1);
    worker.abort();
}

#[tokio::test]
async fn the_worker_survives_the_database_being_away() {
    let app = app().await;
    let (admin, ..) = app.cast().await;
    let receiver = Receiver::start().await;
    everything_to(&admin, &receiver).await;
    app.happens(&admin, "workspace.created").await;
    // Away from the moment on at which it has the delivery in hand.
    receiver.answers_after(Duration::from_millis(500));
    let worker = work(&app);
    while receiver.posts().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let name = app.one("SELECT current_database()").await;
    let elsewhere = app.db.url().with_database("postgres").connect().await.unwrap();
    let away = format!(
        "ALTER DATABASE {name} ALLOW_CONNECTIONS false;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    elsewhere.batch_execute(&away).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    elsewhere.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await.unwrap();
    assert!(!worker.is_finished());
    assert_eq!(app.one(STATES).await, "pending", "nobody could write down that it got through");
    receiver.answers_after(Duration::ZERO);
    app.clock.advance(SignedDuration::from_secs(15));
    app.becomes(STATES, "delivered").await;
    let posts = receiver.posts();
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[0].header("webhook-id"), posts[1].header("webhook-id"));
    worker.abort();
}
