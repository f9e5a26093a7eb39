//! Going back to the moment before the damage.

use pyairtable_cutover::replay::{self, Choice, Until};
use pyairtable_cutover::{capture, run, steps};
use testkit::legacy::layouts::Layout;

use super::world::World;
use crate::support::text;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_rollback_until_leaves_out_the_damage_and_what_was_not_over_by_then() {
    let world = World::of(Layout::Public).await;
    let folder = tempfile::tempdir().unwrap();
    let mut cx = world.open(folder.path()).await;
    run::run(&mut cx, &steps::preparation()).await.unwrap();
    let (client, across) = (world.client().await, world.client().await);
    let people = text(&client, "SELECT count(*)::text FROM users").await;
    client.batch_execute("SET application_name = 'good'; INSERT INTO acks VALUES ('before')").await.unwrap();
    across.batch_execute("BEGIN; INSERT INTO acks VALUES ('across')").await.unwrap();
    let before = text(&client, "SELECT clock_timestamp()::text").await;
    client
        .batch_execute(
            "SET application_name = 'bad'; UPDATE users SET last_name = 'gone'; INSERT INTO acks VALUES ('after')",
        )
        .await
        .unwrap();
    across.batch_execute("INSERT INTO acks VALUES ('across-2'); COMMIT").await.unwrap();

    // The first change of the damage, as the command lists it.
    let changes = capture::newest(&client, Some("users"), None, 1_000).await.unwrap();
    let first = changes.iter().filter(|change| change.application == "bad").map(|change| change.id).min().unwrap();
    assert!(changes.iter().all(|change| change.key.len() == 1 && change.operation == "update"), "{changes:?}");
    assert!(capture::summary(&client).await.unwrap().newest.unwrap() > first);
    drop((client, across));

    let choice = |until| Choice { until: Some(until), ..Choice::default() };
    // A copy for another moment is thrown away, not mistaken for this one.
    let time: Until = before.replace(' ', "T").parse().unwrap();
    run::run(&mut cx, &replay::preparation(&choice(time))).await.unwrap();
    let done = run::run(&mut cx, &replay::steps(&choice(Until::Change(first)))).await.unwrap();
    assert!(done.iter().all(|step| !step.already), "{done:?}");
    let left = done.last().unwrap().outcome["left_out"].to_string();
    assert!(left.contains("\"bad\"") && left.contains("public.users") && !left.contains("\"good\""), "{left}");

    let now = world.client().await;
    let damaged = "SELECT count(*)::text FROM users WHERE last_name = 'gone'";
    assert_eq!(text(&now, damaged).await, "0");
    assert_eq!(text(&now, "SELECT count(*)::text FROM users").await, people);
    assert_eq!(text(&now, "SELECT string_agg(token, ',' ORDER BY token) FROM acks").await, "before");
    let kept = world.named(&cx.plan.kept()).await;
    assert_eq!(text(&kept, damaged).await, people, "the damaged rows are kept");
}

#[test]
fn until_takes_numbers_and_times() {
    assert_eq!("17".parse(), Ok(Until::Change(17)));
    assert!(matches!("2026-03-01T12:00:00Z".parse(), Ok(Until::Time(_))));
    assert!("yesterday".parse::<Until>().unwrap_err().contains("cutover changes"));
}
