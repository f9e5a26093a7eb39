//! The last fifteen minutes, second by second. Read once a second; whoever looks at it waits for nobody else.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::endpoints::{EndpointSeries, EndpointWindow};
use super::histogram::Few;
use super::mirrored::{Mirrored, MirroredSeries};
use super::{Class, Counters, Tally, Totals};
use crate::forced::Side;
use crate::split::Share;

/// Seconds that are kept.
pub(super) const KEPT: usize = 900;
/// Fewer requests than these are no baseline.
const BASELINE: u64 = 300;

#[derive(Debug, Default)]
struct Small {
    numbers: [u32; 7],
    latency: Few,
}

impl Small {
    fn between(now: &Tally, before: &Tally) -> Self {
        let mut numbers = [0; 7];
        for ((small, now), before) in numbers.iter_mut().zip(now.numbers()).zip(before.numbers()) {
            *small = u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX);
        }
        Self { numbers, latency: now.latency.since(&before.latency) }
    }

    fn add_to(&self, tally: &mut Tally) {
        tally.numbers_mut().into_iter().zip(self.numbers).for_each(|(sum, part)| *sum += u64::from(part));
        self.latency.add_to(&mut tally.latency);
    }
}

/// One second of a family; a little more when the machine is busy.
#[derive(Debug)]
pub(super) struct Second {
    pub(super) at: Timestamp,
    pub(super) took: Duration,
    pub(super) share: Share,
    cells: [[Small; 3]; 2],
}

impl Second {
    /// Adds what happened on a side in some classes.
    pub(super) fn add_to(&self, side: Side, classes: &[Class], tally: &mut Tally) {
        for class in classes {
            self.cells[side as usize][*class as usize].add_to(tally);
        }
    }
}

/// What is kept of one family.
#[derive(Debug, Default)]
pub struct Series {
    now: Box<Totals>,
    seconds: VecDeque<Second>,
    endpoints: EndpointSeries,
    mirrored: MirroredSeries,
    share: Share,
    /// How many seconds the share has been in force. The second in which it changed belongs to neither.
    step: u64,
    before_step: Box<Totals>,
    /// Whether the step begins anew at the end of this second.
    begins_anew: bool,
    /// The old side before the step began, for when it gets no more requests.
    baseline: BTreeMap<Class, Tally>,
}

impl Series {
    /// Takes over what `totals` say at the end of a second that took `took`, in which `share` was in force.
    pub fn tick(&mut self, totals: Totals, share: Share, at: Timestamp, took: Duration) {
        let cell = |side, class| Small::between(totals.of(side, class), self.now.of(side, class));
        let cells = Side::BOTH.map(|side| Class::ALL.map(|class| cell(side, class)));
        *self.now = totals;
        if share == self.share && !self.begins_anew {
            self.step += 1;
        } else {
            self.begins_anew = false;
            self.remember_the_old_side();
            self.share = share;
            self.step = 0;
            self.before_step.clone_from(&self.now);
        }
        self.seconds.push_back(Second { at, took, share, cells });
        if self.seconds.len() > KEPT {
            self.seconds.pop_front();
        }
    }

    /// What was seen of the new side until now counts no more, as if the share had changed.
    fn forget(&mut self) {
        self.remember_the_old_side();
        self.step = 0;
        self.before_step.clone_from(&self.now);
        self.begins_anew = true;
    }

    fn remember_the_old_side(&mut self) {
        for class in Class::ALL {
            let tally = self.window(self.step_seconds(), Side::Legacy, class);
            if tally.requests >= BASELINE {
                self.baseline.insert(class, tally);
            }
        }
    }

    fn step_seconds(&self) -> usize {
        usize::try_from(self.step).unwrap_or(KEPT)
    }

    /// The last `seconds` of a side and class, at most those since the share changed.
    pub fn window(&self, seconds: usize, side: Side, class: Class) -> Tally {
        let mut tally = Tally::default();
        for second in self.seconds.iter().rev().take(seconds.min(self.step_seconds())) {
            second.add_to(side, &[class], &mut tally);
        }
        tally
    }

    /// The same for several lengths at once, the shortest first.
    pub fn windows<const N: usize>(&self, lengths: [usize; N], side: Side, classes: &[Class]) -> [Tally; N] {
        let mut sum = Tally::default();
        let mut added = 0;
        lengths.map(|length| {
            let length = length.min(self.step_seconds());
            for second in self.seconds.iter().rev().take(length).skip(added) {
                second.add_to(side, classes, &mut sum);
            }
            added = length.max(added);
            sum.clone()
        })
    }

    /// Everything kept of a side and some classes, whatever the share was, without the last `seconds`.
    pub fn before(&self, seconds: usize, side: Side, classes: &[Class]) -> Tally {
        let mut tally = Tally::default();
        self.seconds.iter().rev().skip(seconds).for_each(|second| second.add_to(side, classes, &mut tally));
        tally
    }

    /// Everything since the share changed.
    pub fn step(&self, side: Side, class: Class) -> (u64, u64) {
        let (now, before) = (self.now.of(side, class), self.before_step.of(side, class));
        (now.requests.saturating_sub(before.requests), now.errors.saturating_sub(before.errors))
    }

    /// Whether anybody asked for anything since the share changed.
    pub fn was_asked(&self) -> bool {
        let begun = |totals: &Totals| -> u64 {
            let cells = Side::BOTH.into_iter().flat_map(|side| Class::ALL.map(|class| totals.of(side, class).begun));
            cells.sum()
        };
        // Of another proxy only those are known to have begun that were answered.
        begun(&self.now) > begun(&self.before_step)
            || Side::BOTH.iter().any(|side| self.waiting(*side, &Class::ALL, 0) > 0)
    }

    /// Seconds since the share changed.
    pub fn seconds_of_step(&self) -> u64 {
        self.step
    }

    /// Requests of a side and class since the start, at least those that wait.
    pub fn ever(&self, side: Side, class: Class) -> u64 {
        self.now.of(side, class).begun.max(self.waiting(side, &[class], 0))
    }

    /// Requests that came more than `seconds` ago, since the share changed, and have no answer yet.
    pub fn overdue(&self, seconds: usize, side: Side, classes: &[Class]) -> u64 {
        self.waiting(side, classes, seconds + 1)
    }

    /// Requests without an answer that came since the share changed, in a second that began at least so many ago.
    fn waiting(&self, side: Side, classes: &[Class], youngest: usize) -> u64 {
        let of_step = |class: &Class| self.now.of(side, *class).waiting.iter().take(self.step_seconds());
        classes.iter().map(|class| of_step(class).skip(youngest).sum::<u64>()).sum()
    }

    /// How many of the last `seconds`, at most those since the share changed, were `bad`.
    pub fn spread(&self, seconds: usize, side: Side, classes: &[Class], bad: impl Fn(&Tally) -> bool) -> usize {
        let is_bad = |second: &&Second| {
            let mut tally = Tally::default();
            second.add_to(side, classes, &mut tally);
            bad(&tally)
        };
        self.seconds.iter().rev().take(seconds.min(self.step_seconds())).filter(is_bad).count()
    }

    /// The old side as it was before the last step, if some of the classes had enough requests.
    pub fn baseline(&self, classes: &[Class]) -> Option<Tally> {
        let mut known = classes.iter().filter_map(|class| self.baseline.get(class));
        let mut tally = known.next()?.clone();
        known.for_each(|other| tally.add(other));
        Some(tally)
    }

    /// The share in force.
    pub fn share(&self) -> Share {
        self.share
    }

    /// The last `seconds` of each endpoint, at most those since the share changed.
    pub fn endpoints(&self, seconds: usize) -> Vec<EndpointWindow> {
        self.endpoints.window(seconds.min(self.step_seconds()))
    }

    /// The last `seconds` of what the shadow asked the new side, at most those since the share changed, the newest first.
    pub fn mirrored(&self, seconds: usize) -> impl Iterator<Item = Mirrored> {
        self.mirrored.last(seconds.min(self.step_seconds()))
    }

    pub(super) fn seconds(&self, last: usize) -> impl Iterator<Item = &Second> {
        self.seconds.iter().skip(self.seconds.len().saturating_sub(last))
    }

    pub(super) fn totals(&self) -> &Totals {
        &self.now
    }
}

/// All families.
#[derive(Debug, Default)]
pub struct Meter(BTreeMap<String, Series>);

impl Meter {
    /// Reads the counters of every family, whose share is given, at the end of a second.
    pub(crate) fn tick<'a>(
        &mut self,
        families: impl Iterator<Item = (&'a str, &'a Counters, Share)>,
        at: Timestamp,
        took: Duration,
    ) {
        let mut kept = std::mem::take(&mut self.0);
        for (name, counters, share) in families {
            let mut series = kept.remove(name).unwrap_or_default();
            series.tick(counters.totals(), share, at, took);
            series.endpoints.tick(counters.endpoints.read());
            series.mirrored.tick(counters.mirrored.read());
            counters.next_second();
            self.0.insert(name.to_owned(), series);
        }
    }

    /// What was seen of the new side of a family until now counts no more.
    pub(crate) fn forget(&mut self, family: &str) {
        if let Some(series) = self.0.get_mut(family) {
            series.forget();
        }
    }

    /// What is kept of a family.
    pub fn family(&self, name: &str) -> Option<&Series> {
        self.0.get(name)
    }

    /// Every family.
    pub fn families(&self) -> impl Iterator<Item = (&str, &Series)> {
        self.0.iter().map(|(name, series)| (name.as_str(), series))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use http::{Method, StatusCode};
    use jiff::Timestamp;

    use super::{KEPT, Series};
    use crate::counters::{Class, Counters};
    use crate::forced::Side;
    use crate::split::Share;

    const SECOND: Duration = Duration::from_secs(1);

    fn answered(counters: &Counters, side: Side, requests: usize) {
        for _ in 0..requests {
            let open = counters.begin(side, Class::Read, Instant::now());
            open.answered(&Method::GET, "/users", StatusCode::OK);
        }
    }

    #[test]
    fn windows_hold_what_happened_since_the_share_changed_and_the_baseline_what_was_before() {
        let (counters, mut series) = (Counters::default(), Series::default());
        let mut tick = |counters: &Counters, share| {
            series.tick(counters.totals(), share, Timestamp::UNIX_EPOCH, SECOND);
        };
        for _ in 0..40 {
            answered(&counters, Side::Legacy, 10);
            tick(&counters, Share::NONE);
        }
        answered(&counters, Side::Legacy, 7);
        tick(&counters, Share::ALL);
        for _ in 0..3 {
            answered(&counters, Side::Platform, 10);
            tick(&counters, Share::ALL);
        }
        assert_eq!(series.window(2, Side::Platform, Class::Read).requests, 20);
        assert_eq!(series.window(60, Side::Platform, Class::Read).requests, 30);
        let windows = series.windows([1, 2, 60], Side::Platform, &Class::ALL);
        assert_eq!(windows.map(|window| window.requests), [10, 20, 30]);
        assert_eq!(series.window(60, Side::Legacy, Class::Read).requests, 0, "the second of the change is nobody's");
        assert_eq!(series.step(Side::Platform, Class::Read), (30, 0));
        assert_eq!(series.baseline(&[Class::Read]).unwrap().requests, 400);
        assert_eq!(series.baseline(&[Class::Write]), None);
        assert_eq!(series.before(4, Side::Legacy, &[Class::Read]).requests, 400);
    }

    #[test]
    fn requests_without_answer_are_overdue_after_their_time_whoever_overtakes_them() {
        let (counters, mut series) = (Counters::default(), Series::default());
        let waiting: Vec<_> = (0..5).map(|_| counters.begin(Side::Platform, Class::Read, Instant::now())).collect();
        let mut tick = |counters: &Counters| {
            answered(counters, Side::Platform, 3);
            series.tick(counters.totals(), Share::NONE, Timestamp::UNIX_EPOCH, SECOND);
            counters.next_second();
            series.overdue(3, Side::Platform, &[Class::Read])
        };
        assert_eq!([(); 6].map(|()| tick(&counters)), [0, 0, 0, 0, 5, 5]);
        drop(waiting);
        assert_eq!(tick(&counters), 0);
    }

    #[test]
    fn only_the_last_fifteen_minutes_are_kept() {
        let (counters, mut series) = (Counters::default(), Series::default());
        for _ in 0..KEPT + 50 {
            answered(&counters, Side::Legacy, 1);
            series.tick(counters.totals(), Share::NONE, Timestamp::UNIX_EPOCH, SECOND);
        }
        assert_eq!(series.window(usize::MAX, Side::Legacy, Class::Read).requests, 900);
        assert_eq!(series.seconds(10).count(), 10);
    }
}
