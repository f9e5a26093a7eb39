//! 48 hours, counted from the journal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use pyairtable_cutover::journal::{Entry, Moment, Record, Witness};
use pyairtable_cutover::run::{State, Wishes, status};
use pyairtable_cutover::{Exit, steps};

use super::world::World;

/// Moves the clock by an hour at each check.
fn hourly(world: &World) -> Witness {
    let clock = Arc::clone(&world.clock);
    Arc::new(move |moment: Moment, record: &Record| {
        if let (Moment::Synced, Entry::Noted { step, key, .. }) = (moment, &record.entry)
            && step == "soak"
            && key == "check"
        {
            clock.advance(SignedDuration::from_hours(1));
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_looks_48_times_in_48_hours_and_a_fake_clock_needs_no_time() {
    let world = World::start(Wishes::default()).await;
    world.everybody_moves().await;
    let (began, real) = (world.now(), Instant::now());
    let done = world.run_watched(&steps::of(&world.plan()), Some(hourly(&world))).await.unwrap();
    assert!(real.elapsed() < Duration::from_mins(2), "{:?}", real.elapsed());
    let soak = done.last().unwrap();
    assert_eq!((soak.step, soak.already, &soak.outcome["checks"]), ("soak", false, &48.into()));
    let checks = world.notes("soak", "check");
    // One at the beginning, to compare with, and one each hour after it.
    assert_eq!(checks.len(), 49);
    for (hour, check) in (0..).zip(&checks) {
        let at: jiff::Timestamp = check["at"].as_str().unwrap().parse().unwrap();
        assert_eq!(at, began + SignedDuration::from_hours(hour));
        assert_eq!(check["same"], true, "{check}");
    }
    // Done is done, also when traffic and schema change afterwards.
    assert!(
        world.run(&steps::soak(&world.plan(), pyairtable_cutover::soak::Patience::Wait, None)).await.unwrap()[0]
            .already
    );
    assert_eq!(status(&world.folder(), &steps::of(&world.plan())).unwrap().state, State::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_may_be_left_and_time_counts_on() {
    let world = World::start(Wishes::default()).await;
    world.everybody_moves().await;
    let left = world.soak_once().await.unwrap_err();
    assert_eq!(left.exit(), Exit::Paused);
    assert!(left.to_string().contains("the soak is over at 2026-03-12T00:00:00Z"), "{left}");
    assert!(left.to_string().contains("`pyairtable-platform cutover soak --once`"), "{left}");
    // Before the hour is over nothing is looked at again.
    world.clock.advance(SignedDuration::from_mins(59));
    world.soak_once().await.unwrap_err();
    assert_eq!(world.notes("soak", "check").len(), 1);
    world.clock.advance(SignedDuration::from_mins(1));
    world.soak_once().await.unwrap_err();
    assert_eq!(world.notes("soak", "check").len(), 2);
    world.hours(46);
    assert_eq!(world.soak_once().await.unwrap_err().exit(), Exit::Paused);
    world.hours(1);
    let done = world.soak_once().await.unwrap();
    assert_eq!(done[0].outcome["over"], "2026-03-12T00:00:00Z");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_begins_anew_when_everybody_went_back_and_came_again() {
    let world = World::start(Wishes::default()).await;
    world.everybody_moves().await;
    world.soak_once().await.unwrap_err();
    world.hours(40);
    world.order("/return", None).await;
    let returned = world.soak_once().await.unwrap_err();
    // Its precondition already says so; a tool that was waiting would end with 8.
    assert!([Exit::Refused, Exit::Returned].contains(&returned.exit()), "{returned}");
    world.order("/thaw", None).await;
    world.everybody_moves().await;
    world.hours(8);
    let left = world.soak_once().await.unwrap_err();
    assert_eq!(left.exit(), Exit::Paused, "{left}");
    assert!(left.to_string().contains("the soak is over at 2026-03-13T16:00:00Z"), "{left}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_is_as_long_as_the_plan_says_and_no_shorter_later() {
    let world = World::start(Wishes { soak: Some(30), ..Wishes::default() }).await;
    world.everybody_moves().await;
    assert_eq!(world.plan().soak_seconds(), 30);
    let other = Wishes { soak: Some(1), ..world.wishes.clone() };
    let mut opening = world.opening(None);
    opening.wishes = other;
    let Err(refused) = pyairtable_cutover::run::Cx::open(opening).await else { panic!("it was shortened") };
    assert_eq!(refused.exit(), Exit::Refused);
    world.soak_once().await.unwrap_err();
    world.clock.advance(SignedDuration::from_secs(30));
    world.soak_once().await.unwrap();
    assert_eq!(world.notes("soak", "check").len(), 2);
}
