//! What happened on each side of a family: requests, errors, and how long answers took, since the start and second by
//! second.
//!
//! The way of a request only adds to atomics that are spread over several places, so that cores do not wait for each
//! other. Nothing is ever set back: once a second the [`Meter`] reads everything and keeps what was added since.

mod endpoints;
mod histogram;
mod meter;
mod metrics;
mod mirrored;
mod snapshot;

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::header::{ACCEPT, UPGRADE};
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};

pub(crate) use self::endpoints::Endpoints;
pub use self::endpoints::{EndpointWindow, template};
pub use self::histogram::Histogram;
pub use self::meter::{Meter, Series};
pub use self::metrics::metrics;
pub use self::mirrored::Mirrored;
pub use self::snapshot::{EndpointSummary, FamilySnapshot, Point, SidePoint, Snapshot, Summary};
use crate::forced::Side;

/// Kinds of requests, which cost and fail in different ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// GET, HEAD and OPTIONS.
    Read,
    /// Everything else.
    Write,
    /// Event streams and web sockets, which stay open.
    Stream,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Stream];

    /// The class of a request, by what it asks for.
    pub fn of(method: &Method, headers: &HeaderMap) -> Self {
        let asks_for_events =
            || headers.get_all(ACCEPT).iter().any(|accept| contains(accept.as_bytes(), b"text/event-stream"));
        if headers.contains_key(UPGRADE) || asks_for_events() {
            Self::Stream
        } else if method.is_safe() {
            Self::Read
        } else {
            Self::Write
        }
    }

    /// As it is written in files and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Stream => "stream",
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

/// Enough that cores seldom meet, few enough that reading all of them is nothing.
const SHARDS: usize = 8;

/// Seconds by which requests that wait are told apart; who waits longer is in the place of somebody younger.
pub(crate) const AGES: usize = 32;

/// Which shard the next thread counts in.
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
}

#[derive(Debug, Default)]
struct Cell {
    begun: AtomicU64,
    requests: AtomicU64,
    errors: AtomicU64,
    lost: AtomicU64,
    client_errors: AtomicU64,
    abandoned: AtomicU64,
    cut: AtomicU64,
    latency: histogram::Atomic,
    /// How many wait, by the second they came in. One that begins in this shard may end in another, so only sums over
    /// all shards mean something.
    waiting: [AtomicI64; AGES],
}

impl Cell {
    fn over(&self, took: Duration, is_error: bool, is_lost: bool, is_clients: bool) {
        self.latency.record(took);
        for (counter, counts) in [(&self.errors, is_error), (&self.lost, is_lost), (&self.client_errors, is_clients)] {
            if counts {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sums of one side and class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests sent to this side, answered or not.
    pub begun: u64,
    /// Requests that are over: answered, failed, or left by their client.
    pub requests: u64,
    /// Of these, answered with 500 or more, or not at all.
    pub errors: u64,
    /// Of the errors, those without an answer of the service.
    pub lost: u64,
    /// Answered with 400 to 499.
    pub client_errors: u64,
    /// Left by their client before there was an answer. How long it waited counts as latency.
    pub abandoned: u64,
    /// Answers that ended before their end.
    pub cut: u64,
    /// How long the heads of answers took.
    pub latency: Histogram,
    /// How many wait now, by the seconds since they came. Belongs to a moment and is in no sum over seconds.
    pub waiting: [u64; AGES],
}

impl Tally {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        for (sum, part) in self.numbers_mut().into_iter().zip(other.numbers()) {
            *sum += part;
        }
        self.latency.add(&other.latency);
    }

    fn numbers(&self) -> [u64; 7] {
        [self.begun, self.requests, self.errors, self.lost, self.client_errors, self.abandoned, self.cut]
    }

    fn numbers_mut(&mut self) -> [&mut u64; 7] {
        let Self { begun, requests, errors, lost, client_errors, abandoned, cut, .. } = self;
        [begun, requests, errors, lost, client_errors, abandoned, cut]
    }
}

/// Sums of all sides and classes of a family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals([[Tally; 3]; 2]);

impl Totals {
    /// Those of one side and class.
    pub fn of(&self, side: Side, class: Class) -> &Tally {
        &self.0[side as usize][class as usize]
    }

    pub(crate) fn of_mut(&mut self, side: Side, class: Class) -> &mut Tally {
        &mut self.0[side as usize][class as usize]
    }
}

/// The counters of one family.
#[derive(Debug, Default)]
pub struct Counters {
    /// Seconds since the start, as the meter counts them.
    second: AtomicUsize,
    /// What came to the new side before this second counts no more, however it ends.
    counts_from: AtomicUsize,
    shards: [[[Cell; 3]; 2]; SHARDS],
    pub(crate) endpoints: Endpoints,
    mirrored: mirrored::Atomic,
}

/// Some of the counters, at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counted {
    /// Which side.
    pub side: Side,
    /// Which kind of requests.
    pub class: Class,
    /// Requests that are over.
    pub requests: u64,
    /// Of these, those without an answer and those answered with 500 or more.
    pub errors: u64,
    /// Answered with 400 to 499.
    pub client_errors: u64,
    /// Left by their client before there was an answer.
    pub abandoned: u64,
    /// Answers that ended before their end.
    pub cut: u64,
    /// Waiting for their answer now.
    pub waiting: u64,
    /// Milliseconds to the head of the answer, at the 50th, 95th and 99th percentile; nothing without requests.
    pub p50_ms: Option<f64>,
    /// See `p50_ms`.
    pub p95_ms: Option<f64>,
    /// See `p50_ms`.
    pub p99_ms: Option<f64>,
}

/// A request that another proxy sent to a service and that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Elsewhere<'a> {
    pub(crate) side: Side,
    pub(crate) class: Class,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    /// What the client was answered; nothing if it left before.
    pub(crate) status: Option<StatusCode>,
    /// Whether the proxy had to answer in the place of the service.
    pub(crate) is_lost: bool,
    /// To the head of the answer, or until it was over.
    pub(crate) took: Duration,
}

/// A request on its way, which is counted however it ends.
pub(crate) struct Open<'a> {
    counters: &'a Counters,
    side: Side,
    class: Class,
    began: Instant,
    second: usize,
    is_over: bool,
}

impl Open<'_> {
    /// There is an answer.
    pub(crate) fn answered(mut self, method: &Method, path: &str, status: StatusCode) {
        if !self.over(status.is_server_error(), false, status.is_client_error()) {
            return;
        }
        self.counters.endpoints.answered(self.side, method, path, status);
    }

    /// The gateway has to answer in the place of a service.
    pub(crate) fn lost(mut self, method: &Method, path: &str) {
        if !self.over(true, true, false) {
            return;
        }
        self.counters.endpoints.answered(self.side, method, path, StatusCode::BAD_GATEWAY);
    }

    /// Whether it still counts.
    fn over(&mut self, is_error: bool, is_lost: bool, is_clients: bool) -> bool {
        self.is_over = true;
        let cell = self.counters.cell(self.side, self.class);
        cell.waiting[self.second % AGES].fetch_sub(1, Ordering::Relaxed);
        if self.counters.is_forgotten(self.side, self.second) {
            return false;
        }
        cell.over(self.began.elapsed(), is_error, is_lost, is_clients);
        true
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.is_over && self.over(false, false, false) {
            self.counters.cell(self.side, self.class).abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Counters {
    fn cell(&self, side: Side, class: Class) -> &Cell {
        &self.shards[SHARD.with(|shard| *shard)][side as usize][class as usize]
    }

    /// A request that came at `began` goes to `side`.
    pub(crate) fn begin(&self, side: Side, class: Class, began: Instant) -> Open<'_> {
        let second = self.second.load(Ordering::Relaxed);
        let cell = self.cell(side, class);
        cell.begun.fetch_add(1, Ordering::Relaxed);
        cell.waiting[second % AGES].fetch_add(1, Ordering::Relaxed);
        Open { counters: self, side, class, began, second, is_over: false }
    }

    /// A request that another proxy tells of when it is over.
    pub(crate) fn elsewhere(&self, request: &Elsewhere<'_>) {
        let Elsewhere { side, class, method, path, status, is_lost, took } = *request;
        let ago = usize::try_from(took.as_secs()).unwrap_or(usize::MAX);
        if self.is_forgotten(side, self.second.load(Ordering::Relaxed).saturating_sub(ago)) {
            return;
        }
        let cell = self.cell(side, class);
        cell.begun.fetch_add(1, Ordering::Relaxed);
        let is = |what: fn(&StatusCode) -> bool| status.as_ref().is_some_and(what);
        cell.over(took, is(StatusCode::is_server_error), is_lost, is(StatusCode::is_client_error));
        match status {
            Some(status) => self.endpoints.answered(side, method, path, status),
            None => _ = cell.abandoned.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// How many requests of a side wait at another proxy, by the seconds since they came. It does not say of what class they
    /// are, so all are counted in one, and none in the others.
    pub(crate) fn wait_elsewhere(&self, side: Side, class: Class, by_age: &[u64; AGES]) {
        let second = self.second.load(Ordering::Relaxed);
        for other in Class::ALL {
            // Only sums over all shards mean something, so that all may be in one.
            let cell = &self.shards[0][side as usize][other as usize];
            for (age, waiting) in by_age.iter().enumerate() {
                let waiting = if other == class { i64::try_from(*waiting).unwrap_or(i64::MAX) } else { 0 };
                cell.waiting[second.wrapping_sub(age) % AGES].store(waiting, Ordering::Relaxed);
            }
        }
    }

    fn is_forgotten(&self, side: Side, second: usize) -> bool {
        side == Side::Platform && second < self.counts_from.load(Ordering::Relaxed)
    }

    /// What came to the new side until now counts no more, also when it ends later.
    pub(crate) fn forget(&self) {
        self.counts_from.store(self.second.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// A second is over.
    pub(crate) fn next_second(&self) {
        self.second.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn cut(&self, side: Side, class: Class) {
        self.cell(side, class).cut.fetch_add(1, Ordering::Relaxed);
    }

    /// The new side was asked a read that the old one had answered well.
    pub(crate) fn mirrored(&self, has_failed: bool) {
        self.mirrored.count(has_failed);
    }

    /// Sums over everything so far.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        let second = self.second.load(Ordering::Relaxed);
        let mut waiting = [[[0_i64; AGES]; 3]; 2];
        for shard in &self.shards {
            for side in Side::BOTH {
                for class in Class::ALL {
                    let (cell, sum) = (&shard[side as usize][class as usize], totals.of_mut(side, class));
                    let parts = [
                        &cell.begun,
                        &cell.requests,
                        &cell.errors,
                        &cell.lost,
                        &cell.client_errors,
                        &cell.abandoned,
                        &cell.cut,
                    ];
                    for (sum, part) in sum.numbers_mut().into_iter().zip(parts) {
                        *sum += part.load(Ordering::Relaxed);
                    }
                    cell.latency.add_to(&mut sum.latency);
                    for (age, waiting) in waiting[side as usize][class as usize].iter_mut().enumerate() {
                        *waiting += cell.waiting[second.wrapping_sub(age) % AGES].load(Ordering::Relaxed);
                    }
                }
            }
        }
        for (tally, waiting) in totals.0.iter_mut().flatten().zip(waiting.iter().flatten()) {
            tally.waiting = waiting.map(|waiting| u64::try_from(waiting).unwrap_or(0));
        }
        totals
    }

    /// Everything counted so far.
    pub fn read(&self) -> Vec<Counted> {
        let totals = self.totals();
        let pairs = Side::BOTH.into_iter().flat_map(|side| Class::ALL.map(|class| (side, class)));
        let counted = pairs.map(|(side, class)| {
            let tally = totals.of(side, class);
            Counted {
                side,
                class,
                requests: tally.requests,
                errors: tally.errors,
                client_errors: tally.client_errors,
                abandoned: tally.abandoned,
                cut: tally.cut,
                waiting: tally.waiting.iter().sum(),
                p50_ms: millis(&tally.latency, 500),
                p95_ms: millis(&tally.latency, 950),
                p99_ms: millis(&tally.latency, 990),
            }
        });
        counted.collect()
    }
}

pub(crate) fn millis(latency: &Histogram, per_mille: u64) -> Option<f64> {
    latency.percentile(per_mille).map(|latency| latency.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use http::header::ACCEPT;
    use http::{HeaderMap, HeaderValue, Method, StatusCode};

    use super::{Class, Counters};
    use crate::forced::Side;

    #[test]
    fn requests_are_counted_on_their_side_however_they_end() {
        let counters = Counters::default();
        for n in 1..=100 {
            let began = Instant::now().checked_sub(Duration::from_millis(n)).unwrap();
            let open = counters.begin(Side::Platform, Class::Read, began);
            match n {
                96.. => open.answered(&Method::GET, "/users", StatusCode::INTERNAL_SERVER_ERROR),
                90.. => open.lost(&Method::GET, "/users"),
                80.. => open.answered(&Method::GET, "/users", StatusCode::NOT_FOUND),
                79 => drop(open),
                _ => open.answered(&Method::GET, "/users", StatusCode::OK),
            }
        }
        let still = counters.begin(Side::Platform, Class::Read, Instant::now());
        let read = counters.read();
        let platform = read.iter().find(|one| (one.side, one.class) == (Side::Platform, Class::Read)).unwrap();
        let numbers =
            [platform.requests, platform.errors, platform.client_errors, platform.abandoned, platform.waiting];
        assert_eq!(numbers, [100, 11, 10, 1, 1]);
        assert_eq!(counters.totals().of(Side::Platform, Class::Read).lost, 6);
        assert!((50.0..60.0).contains(&platform.p50_ms.unwrap()) && (99.0..125.0).contains(&platform.p99_ms.unwrap()));
        assert!(read.iter().filter(|one| one.p50_ms.is_some()).count() == 1);
        drop(still);
    }

    #[test]
    fn what_waits_elsewhere_is_in_one_class_however_often_that_changes() {
        let (counters, mut five) = (Counters::default(), [0; super::AGES]);
        five[2] = 5;
        counters.wait_elsewhere(Side::Platform, Class::Read, &five);
        counters.next_second();
        counters.wait_elsewhere(Side::Platform, Class::Write, &five);
        let waiting = |class| counters.totals().of(Side::Platform, class).waiting;
        assert_eq!((waiting(Class::Read), waiting(Class::Write)[2]), ([0; super::AGES], 5));
        counters.wait_elsewhere(Side::Platform, Class::Write, &[0; super::AGES]);
        assert_eq!(waiting(Class::Write), [0; super::AGES]);
    }

    #[test]
    fn streams_are_a_class_of_their_own() {
        let mut headers = HeaderMap::new();
        assert_eq!(Class::of(&Method::GET, &headers), Class::Read);
        assert_eq!(Class::of(&Method::DELETE, &headers), Class::Write);
        headers.insert(ACCEPT, HeaderValue::from_static("Text/Event-Stream, */*"));
        assert_eq!(Class::of(&Method::GET, &headers), Class::Stream);
    }
}
