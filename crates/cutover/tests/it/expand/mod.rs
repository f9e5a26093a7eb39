//! The schema grows beside services that use it.

mod again;
mod killed;
mod load;
mod same;

use db::DatabaseUrl;
use db::migrate::{Event, Limits, Piece};
use pyairtable_cutover::expand;
use testkit::TestDb;
use testkit::legacy::generate::{Plan, fill};
use testkit::legacy::layouts::{Layout, Places};
use tokio_postgres::Client;

/// A database as old services left it, with rows.
async fn old(layout: Layout, people: u32) -> (TestDb, Places) {
    let db = TestDb::empty().await;
    let places = layout.create(db.config()).await.unwrap();
    let plan = Plan { people, seed: 7, now: "2026-03-01T12:00:00Z".parse().unwrap() };
    fill(layout, &places, plan).await.unwrap();
    (db, places)
}

/// Expands it and returns what was executed.
async fn expanded(url: &DatabaseUrl) -> Vec<Piece> {
    watched(url, Limits::default(), &mut |_| {}).await
}

async fn watched(url: &DatabaseUrl, limits: Limits, look_on: &mut (dyn FnMut(Event<'_>) + Send + Sync)) -> Vec<Piece> {
    let Some(expansion) = expand::open(url, limits).await.unwrap() else { return Vec::new() };
    let pieces = expansion.pieces().to_vec();
    for piece in &pieces {
        expansion.run(piece, look_on).await.unwrap();
    }
    expansion.close().await.unwrap();
    pieces
}

async fn count(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

const INVALID: &str = "SELECT count(*) FROM pg_index WHERE NOT (indisvalid AND indisready)";
