//! Who is seen, and what it takes for a day without old services.

use pyairtable_cutover::Exit;
use pyairtable_cutover::run::{Step, Wishes};
use pyairtable_cutover::soak::{Patience, Quiet, Sightings};

use super::world::World;

fn quiet(patience: Patience, vouched: &[&str]) -> Vec<Box<dyn Step>> {
    vec![Box::new(Quiet::new(patience, vouched.iter().map(|name| (*name).to_owned()).collect()))]
}

async fn soaked() -> World {
    let world = World::start(Wishes::default()).await;
    world.everybody_moves().await;
    world.soak_once().await.unwrap_err();
    world.hours(48);
    world.soak_once().await.unwrap();
    world
}

/// Sessions end a moment after whoever had them is gone.
async fn gone(world: &World, name: &str) {
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}'");
    while world.client().await.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_takes_a_day_in_which_somebody_looked() {
    let world = soaked().await;
    // The looks of the soak were two days apart: nobody knows what was in between.
    let refused = world.run(&quiet(Patience::Refuse, &[])).await.unwrap_err();
    assert_eq!(refused.exit(), Exit::Refused);
    assert!(refused.to_string().contains("nobody has looked"), "{refused}");
    assert!(refused.to_string().contains("possible at 2026-03-13T00:00:00Z"), "{refused}");
    for hour in 1..24 {
        world.hours(1);
        let left = world.run(&quiet(Patience::Once, &[])).await.unwrap_err();
        assert_eq!(left.exit(), Exit::Paused, "hour {hour}: {left}");
    }
    world.hours(1);
    world.run(&quiet(Patience::Refuse, &[])).await.unwrap();

    // An old service comes back and goes: it takes another day.
    let old = world.db.superuser().await;
    old.batch_execute("SET application_name = 'workspace-service'").await.unwrap();
    let refused = world.run(&quiet(Patience::Refuse, &[])).await.unwrap_err();
    assert_eq!(refused.exit(), Exit::Refused);
    assert!(refused.to_string().contains("workspace-service as postgres from a local socket"), "{refused}");
    assert!(refused.to_string().contains("is connected"), "{refused}");
    // Unless somebody vouches for it.
    world.run(&quiet(Patience::Refuse, &["workspace-service"])).await.unwrap();
    drop(old);
    gone(&world, "workspace-service").await;
    for hour in 1..24 {
        world.hours(1);
        let refused = world.run(&quiet(Patience::Refuse, &[])).await.unwrap_err();
        assert!(refused.to_string().contains("workspace-service"), "hour {hour}: {refused}");
        assert!(!refused.to_string().contains("is connected:"), "{refused}");
    }
    world.hours(1);
    world.run(&quiet(Patience::Refuse, &[])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_sees_services_without_a_name_and_neither_tools_nor_this_program() {
    let world = soaked().await;
    let nameless = world.db.superuser().await;
    nameless.batch_execute("SET application_name = ''").await.unwrap();
    let _tool = world.client().await;
    let _platform = world.db.url().connect().await.unwrap();
    let _ = world.run(&quiet(Patience::Once, &[""])).await.unwrap_err();
    let found = Sightings::read(&world.folder()).unwrap().unwrap();
    let seen: Vec<&str> =
        found.seen.iter().filter(|seen| seen.last == found.looked_at).map(|seen| seen.application.as_str()).collect();
    assert_eq!(seen, [""], "{found:#?}");
    assert!(found.connected(&[String::new()]).is_some(), "nobody can vouch for what has no name");
    assert!(found.connected(&[]).unwrap().connected_at.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_before_the_soak_is_over_is_refused() {
    let world = World::start(Wishes::default()).await;
    world.everybody_moves().await;
    let refused = world.run(&quiet(Patience::Refuse, &[])).await.unwrap_err();
    assert!(refused.to_string().contains("the soak has not begun"), "{refused}");
    world.soak_once().await.unwrap_err();
    world.hours(47);
    let refused = world.run(&quiet(Patience::Refuse, &[])).await.unwrap_err();
    assert_eq!(refused.exit(), Exit::Refused);
    assert!(refused.to_string().contains("the soak is over at 2026-03-12T00:00:00Z at the earliest"), "{refused}");
    assert!(refused.to_string().contains("`pyairtable-platform cutover run`"), "{refused}");
}
