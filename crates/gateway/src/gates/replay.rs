//! Gates over traffic that is made up, second by second: what they must find, and what they must not.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use jiff::Timestamp;

use super::judge::{Differences, Signals, judge};
use super::plan::Plan;
use super::watch::{Action, State, Watch};
use super::{FamilyReport, Finding, Verdict, idle_beside_one_that_passes, worst};
use crate::counters::{Class, Counters, Meter};
use crate::forced::Side;
use crate::split::Share;

mod alarms;

/// `SplitMix64`: few lines, the same on every machine.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn happens(&mut self, per_million: u64) -> bool {
        self.below(1_000_000) < per_million
    }
}

/// Whether tests may take as long as they like.
#[expect(clippy::disallowed_methods, reason = "a switch of the tests, not of the program")]
pub(crate) fn is_long() -> bool {
    std::env::var("TEST_LONG").is_ok_and(|value| !value.is_empty())
}

/// How a side behaves.
#[derive(Clone, Copy)]
struct Behaviour {
    /// Errors in a million requests.
    errors: u64,
    client_errors: u64,
    millis: u64,
    /// Endpoints that always fail, of forty.
    broken: u64,
    hangs: bool,
}

const GOOD: Behaviour = Behaviour { errors: 0, client_errors: 20_000, millis: 10, broken: 0, hangs: false };

struct World<'a> {
    counters: &'a Counters,
    meter: Meter,
    rng: Seeded,
    plan: Plan,
    share: u64,
    per_second: u64,
    writes: bool,
    /// Of a hundred reads of the old side, how many the shadow mirrors.
    mirror: u64,
    waiting: Vec<crate::counters::Open<'a>>,
    signals: Signals,
}

impl<'a> World<'a> {
    fn new(counters: &'a Counters, seed: u64) -> Self {
        let signals = Signals { instances: (1, 1), is_old_side_well: true, differences: None };
        let (meter, plan) = (Meter::default(), Plan::default());
        let rng = Seeded(seed);
        Self {
            counters,
            meter,
            rng,
            plan,
            share: 0,
            per_second: 300,
            writes: true,
            mirror: 0,
            waiting: Vec::new(),
            signals,
        }
    }

    /// With a shadow that mirrors so many of a hundred reads of the old side.
    fn mirroring(counters: &'a Counters, seed: u64, mirror: u64) -> Self {
        let differences = Some(Differences { compared: 1000, ..Differences::default() });
        let signals = Signals { instances: (1, 1), is_old_side_well: true, differences };
        Self { mirror, signals, ..Self::new(counters, seed) }
    }

    fn second(&mut self, legacy: Behaviour, platform: Behaviour) {
        // A quarter more or less, as traffic is.
        let requests = self.per_second * 3 / 4 + self.rng.below(self.per_second / 2 + 1);
        for _ in 0..requests {
            let is_new = self.rng.below(100) < self.share;
            let (side, how) = if is_new { (Side::Platform, platform) } else { (Side::Legacy, legacy) };
            let endpoint = self.rng.below(40);
            let is_write = self.writes && endpoint.is_multiple_of(5);
            let (class, method) = if is_write { (Class::Write, Method::POST) } else { (Class::Read, Method::GET) };
            // A long tail, as latencies have it.
            let spread = 1 + self.rng.below(3) + if self.rng.happens(20_000) { 20 } else { 0 };
            let began = Instant::now().checked_sub(Duration::from_millis(how.millis * spread)).unwrap();
            let open = self.counters.begin(side, class, began);
            if how.hangs {
                self.waiting.push(open);
                continue;
            }
            let name = char::from(b'a' + u8::try_from(endpoint % 20).unwrap());
            let path = if endpoint < 20 { format!("/{name}") } else { format!("/{name}/{name}") };
            let status = if endpoint < how.broken || self.rng.happens(how.errors) {
                StatusCode::INTERNAL_SERVER_ERROR
            } else if self.rng.happens(how.client_errors) {
                StatusCode::NOT_FOUND
            } else {
                StatusCode::OK
            };
            open.answered(&method, &path, status);
            let is_mirrored = !is_new && !is_write && !status.is_server_error() && self.mirror > 0;
            if is_mirrored && self.rng.below(100) < self.mirror {
                let has_failed = endpoint < platform.broken || self.rng.happens(platform.errors);
                if !has_failed || !self.rng.happens(legacy.errors) {
                    self.counters.mirrored(has_failed);
                }
            }
        }
        let share = Share::from_basis_points(u32::try_from(self.share).unwrap() * 100);
        let families = [("users", self.counters, share)].into_iter();
        self.meter.tick(families, Timestamp::UNIX_EPOCH, Duration::from_secs(1));
    }

    fn verdict(&self) -> Verdict {
        worst(&judge(&self.plan, self.meter.family("users").unwrap(), &self.signals))
    }

    /// Seconds from the beginning of a fault until two looks in a row failed.
    fn until_returned(&mut self, platform: Behaviour, at_most: u64) -> Option<(u64, String)> {
        let (mut watch, share) = (Watch::default(), Share::from_basis_points(1000));
        for second in 1..=at_most {
            self.second(GOOD, platform);
            let verdict = self.verdict();
            if let Some(Action::ToSafe(reason)) = watch.look(&verdict, share, Share::NONE, true, Instant::now()) {
                return Some((second, reason));
            }
        }
        None
    }

    fn seconds(&mut self, seconds: u64, legacy: Behaviour, platform: Behaviour) {
        (0..seconds).for_each(|_| self.second(legacy, platform));
    }
}

#[test]
fn step_passes_with_enough_of_everything_and_holds_before() {
    let counters = Counters::default();
    let mut world = World::new(&counters, 1);
    world.seconds(10, GOOD, GOOD);
    assert!(matches!(world.verdict(), Verdict::Hold(reason) if reason.contains("nobody is on the new side")));
    world.share = 10;
    world.seconds(60, GOOD, GOOD);
    assert!(matches!(world.verdict(), Verdict::Hold(reason) if reason.contains("of 3000 requests")));
    world.seconds(60, GOOD, GOOD);
    assert_eq!(world.verdict(), Verdict::Pass);
}

#[test]
fn family_that_nobody_asks_for_is_idle_after_a_while_unless_something_is_wrong_with_it() {
    let counters = Counters::default();
    let mut world = World::new(&counters, 2);
    world.seconds(5, GOOD, GOOD);
    world.share = 50;
    world.per_second = 0;
    world.seconds(20, GOOD, GOOD);
    assert!(matches!(world.verdict(), Verdict::Hold(_)), "soon after a change, nobody knows");
    world.seconds(20, GOOD, GOOD);
    assert!(matches!(world.verdict(), Verdict::Idle(_)), "{:?}", world.verdict());
    world.signals.instances = (1, 2);
    assert!(matches!(world.verdict(), Verdict::Hold(_)), "an instance is missing");
    world.signals.instances = (1, 1);
    world.per_second = 8;
    world.seconds(20, GOOD, GOOD);
    assert!(matches!(world.verdict(), Verdict::Hold(_)), "a few requests are too few");
}

#[test]
fn idle_counts_only_beside_a_family_that_passes() {
    let report = |verdict: Verdict| FamilyReport {
        verdict: verdict.clone(),
        share: Share::ALL,
        safe: Share::NONE,
        armed: true,
        state: State::Quiet,
        findings: vec![Finding::of(None, None, verdict)],
    };
    let idle = || Verdict::Idle("nobody".to_owned());
    for (other, is_idle) in [(Verdict::Pass, true), (Verdict::Hold(String::new()), false), (idle(), false)] {
        let mut reports =
            [("a", report(idle())), ("b", report(other))].map(|(name, one)| (name.to_owned(), one)).into();
        idle_beside_one_that_passes(&mut reports);
        let a = &reports["a"];
        assert_eq!((a.verdict == idle(), a.findings[0].verdict == idle()), (is_idle, is_idle));
    }
}

#[test]
fn class_with_too_few_requests_holds() {
    let counters = Counters::default();
    let mut world = World::new(&counters, 2);
    world.share = 50;
    world.seconds(1, GOOD, GOOD);
    world.writes = false;
    world.seconds(60, GOOD, GOOD);
    let verdict = world.verdict();
    assert!(
        matches!(&verdict, Verdict::Hold(reason) if reason.contains("of 300 requests of class write")),
        "{verdict:?}"
    );
}

#[test]
fn traffic_that_stops_holds() {
    let counters = Counters::default();
    let mut world = World::new(&counters, 3);
    world.share = 50;
    world.seconds(60, GOOD, GOOD);
    assert_eq!(world.verdict(), Verdict::Pass);
    world.per_second = 0;
    world.seconds(20, GOOD, GOOD);
    assert!(matches!(world.verdict(), Verdict::Hold(reason) if reason.contains("got no request in the last 15 s")));
}

#[test]
fn counters_that_nobody_reads_any_more_hold() {
    let counters = Counters::default();
    let mut world = World::new(&counters, 4);
    world.share = 100;
    world.seconds(30, GOOD, GOOD);
    let verdict = world.verdict();
    assert!(matches!(&verdict, Verdict::Hold(reason) if reason.contains("to compare with")), "{verdict:?}");
    assert_eq!(worst(&[]), Verdict::Hold("nothing was looked at".to_owned()), "no gate is not a gate that passes");
}

#[test]
fn everybody_on_the_new_side_is_compared_with_the_old_one_before() {
    let counters = Counters::default();
    let mut world = World::new(&counters, 5);
    world.share = 50;
    world.seconds(60, GOOD, GOOD);
    world.share = 100;
    world.seconds(60, GOOD, GOOD);
    assert_eq!(world.verdict(), Verdict::Pass);
    let (seconds, reason) = world.until_returned(Behaviour { errors: 20_000, ..GOOD }, 10).unwrap();
    assert!(reason.contains("before this step"), "after {seconds} s: {reason}");
}

#[test]
fn faults_are_found_within_seconds_at_a_tenth_of_300_requests_a_second() {
    for (name, fault, limit) in [
        ("every answer 500", Behaviour { errors: 1_000_000, ..GOOD }, 4),
        ("5 % 500", Behaviour { errors: 50_000, ..GOOD }, 10),
        ("200 ms more", Behaviour { millis: 210, ..GOOD }, 8),
        ("hangs", Behaviour { hangs: true, ..GOOD }, 7),
        ("one of forty endpoints", Behaviour { broken: 1, ..GOOD }, 20),
        ("401 for everybody", Behaviour { client_errors: 1_000_000, ..GOOD }, 8),
    ] {
        let mut took = Vec::new();
        for seed in 0..20 {
            let counters = Counters::default();
            let mut world = World::new(&counters, seed);
            world.seconds(30, GOOD, GOOD);
            world.share = 10;
            world.seconds(30, GOOD, GOOD);
            let found = world.until_returned(fault, 60);
            took.push(found.unwrap_or_else(|| panic!("{name} is never found with seed {seed}")).0);
        }
        took.sort_unstable();
        println!("{name}: {took:?}");
        assert!(took[10] <= limit, "{name}: {took:?}");
    }
}

#[test]
fn one_in_a_hundred_is_found_as_fast_as_three_errors_come() {
    let fault = Behaviour { errors: 10_000, ..GOOD };
    for (per_second, limit) in [(300, 15), (1000, 7)] {
        let mut took: Vec<u64> = (0..20)
            .map(|seed| {
                let counters = Counters::default();
                let mut world = World::new(&counters, seed);
                world.per_second = per_second;
                world.seconds(120, GOOD, GOOD);
                world.share = 10;
                world.seconds(30, GOOD, GOOD);
                world.until_returned(fault, 90).expect("found").0
            })
            .collect();
        took.sort_unstable();
        println!("1 % at {per_second} a second: {took:?}");
        assert!(took[10] <= limit, "{per_second} a second: {took:?}");
    }
}

/// A shadow at a hundred percent asks the new side nine times as much as people do.
#[test]
fn one_in_a_hundred_is_found_within_ten_seconds_by_mirrored_reads_at_any_small_share() {
    let fault = Behaviour { errors: 10_000, ..GOOD };
    // With half of the people there, half as many reads are left to mirror, and people themselves are evidence.
    for (share, percent) in [(10, 95), (1, 95), (50, 75)] {
        let mut took: Vec<u64> = (0..if is_long() { 200 } else { 20 })
            .map(|seed| {
                let counters = Counters::default();
                let mut world = World::mirroring(&counters, seed, 100);
                world.seconds(60, GOOD, GOOD);
                world.share = share;
                world.seconds(30, GOOD, GOOD);
                world.until_returned(fault, 90).expect("found").0
            })
            .collect();
        took.sort_unstable();
        let worst = took.len() - 1;
        let [half, most, all] = [50, 95, 100].map(|percent| took[worst * percent / 100]);
        println!("1 % at 300 a second and {share} %, mirrored: {half} s, {most} s, at most {all} s");
        let in_time = took.iter().filter(|seconds| **seconds <= 10).count();
        assert!(in_time * 100 >= took.len() * percent, "{share} %: {took:?}");
    }
}

#[test]
fn differences_and_instances_that_are_gone_fail_and_a_shadow_that_died_holds() {
    let counters = Counters::default();
    let mut world = World::new(&counters, 7);
    world.share = 50;
    world.seconds(60, GOOD, GOOD);
    let mut with = |differences, instances| {
        world.signals = Signals { instances, is_old_side_well: true, differences };
        world.verdict()
    };
    let found =
        |compared, different| Some(Differences { endpoint: None, compared, different, most: "GET /a $.b".to_owned() });
    assert_eq!(with(found(100, 0), (2, 2)), Verdict::Pass);
    assert!(matches!(with(found(100, 3), (2, 2)), Verdict::Fail(reason) if reason.contains("GET /a $.b")));
    assert!(matches!(with(found(100, 2), (2, 2)), Verdict::Hold(_)));
    assert!(matches!(with(found(0, 0), (2, 2)), Verdict::Hold(_)));
    assert!(matches!(with(None, (0, 2)), Verdict::Fail(_)));
    assert!(matches!(with(None, (1, 2)), Verdict::Hold(_)));
    world.signals = Signals { instances: (0, 2), is_old_side_well: false, differences: None };
    assert!(matches!(world.verdict(), Verdict::Hold(_)), "what both sides lack is no fault of one");
    world.plan = Plan::parse("gates:\n- metric: differences\n").unwrap();
    world.signals = Signals { instances: (1, 1), is_old_side_well: true, differences: None };
    assert!(matches!(world.verdict(), Verdict::Hold(reason) if reason.contains("start it")), "asked for, and missing");
}
