//! The same service on both sides, which gates must not tell apart however it behaves.

use super::{Behaviour, GOOD, World, is_long};
use crate::counters::Counters;
use crate::gates::Verdict;

/// One of a thousand requests fails on both sides, and sometimes both are slow and fail a lot: a busy processor, a
/// database that restarts.
#[test]
fn same_service_on_both_sides_never_fails_in_a_thousand_runs() {
    thousand_runs(false_alarms);
}

#[test]
fn same_service_on_both_sides_never_fails_in_a_thousand_runs_with_mirrored_reads() {
    thousand_runs(mirrored_false_alarms);
}

/// No look fails in a thousand runs, and in twenty thousand with `TEST_LONG` no two in a row and hardly any at all: it
/// takes two to return traffic.
fn thousand_runs(run: impl Fn(u64) -> Alarms + Sync) {
    let (count, allowed) = if is_long() { (20_000, 5) } else { (1000, 0) };
    let failed: Alarms = std::thread::scope(|scope| {
        let run = &run;
        let halves = [0, 1].map(|half| scope.spawn(move || (0..count / 2).flat_map(|n| run(2 * n + half)).collect()));
        let join = |half: std::thread::ScopedJoinHandle<'_, Alarms>| half.join().unwrap();
        halves.into_iter().flat_map(join).collect()
    });
    println!("{} of {} looks failed: {failed:#?}", failed.len(), count * 20);
    assert!(failed.len() <= allowed, "{failed:#?}");
    let is_return = |pair: &[(u64, u64, String)]| (pair[0].0, pair[0].1 + 1) == (pair[1].0, pair[1].1);
    assert!(!failed.windows(2).any(is_return), "{failed:#?}");
}

/// Run, second and reason of looks that failed.
type Alarms = Vec<(u64, u64, String)>;

/// Both sides are equal; all reads are mirrored, or a tenth of them.
fn mirrored_false_alarms(seed: u64) -> Alarms {
    let counters = Counters::default();
    let mut world = World::mirroring(&counters, 2_000_000 + seed, if seed.is_multiple_of(2) { 100 } else { 10 });
    runs(&mut world, seed)
}

fn false_alarms(seed: u64) -> Alarms {
    let counters = Counters::default();
    let mut world = World::new(&counters, 1_000_000 + seed);
    runs(&mut world, seed)
}

fn runs(world: &mut World<'_>, seed: u64) -> Alarms {
    let mut failed = Vec::new();
    world.per_second = 120;
    let usual = Behaviour { errors: [0, 100, 1000, 10_000][usize::try_from(seed % 4).unwrap()], ..GOOD };
    let troubled = Behaviour { errors: 50_000, millis: 60, ..GOOD };
    world.seconds(5, usual, usual);
    world.share = [1, 10, 50][usize::try_from(seed % 3).unwrap()];
    for second in 0..20 {
        let now = if (8..14).contains(&second) { troubled } else { usual };
        world.second(now, now);
        if let Verdict::Fail(reason) = world.verdict() {
            failed.push((seed, second, reason));
        }
    }
    failed
}
