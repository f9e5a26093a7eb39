//! How long a client is waited for, and what for.
//!
//! The socket, the requests and the answers of a connection write down what happened; the deadline follows from that
//! alone. So a connection has one timer, and no request has to touch it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// From a connection to the end of its first head, and from the first byte of each further head to its last.
const HEAD: Duration = Duration::from_secs(10);
/// Between two requests. Proxies in front keep theirs for a shorter time.
const IDLE: Duration = Duration::from_secs(75);
/// Without the client taking anything of an answer.
const STALLED: Duration = Duration::from_secs(30);
/// Requests a client may give up for nothing on one connection; each one it waits for makes good for another.
const GIVEN_UP: u32 = 100;
/// Stands for "never": far enough for any process, near enough for the clock's arithmetic.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// Why a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// No complete request since it was accepted.
    NoRequest,
    /// A head took too long.
    SlowHead,
    /// No request for long.
    Idle,
    /// The client does not read what is sent.
    Stalled,
    /// The client asks and does not wait for answers, which costs the services more than it.
    GivesUp,
}

#[derive(Debug)]
struct State {
    /// When the connection was accepted, and after that when the last request under way ended.
    since: Instant,
    is_first: bool,
    /// The first byte of a head that is not complete.
    head: Option<Instant>,
    /// Requests under way. In HTTP/2 there may be several, and bytes that are no heads arrive at any time.
    open: u32,
    is_http2: bool,
    /// Since when the socket takes nothing of what is to be sent.
    refusing: Option<Instant>,
    /// Answers of which a part waits for the client, and when one last did no longer. In HTTP/2 the socket takes other
    /// things meanwhile.
    waiting: u32,
    taken: Instant,
    credit: u32,
}

impl State {
    fn new(now: Instant) -> Self {
        Self {
            since: now,
            is_first: true,
            head: None,
            open: 0,
            is_http2: false,
            refusing: None,
            waiting: 0,
            taken: now,
            credit: GIVEN_UP,
        }
    }

    fn read(&mut self, now: Instant) {
        if self.open == 0 && !self.is_http2 {
            self.head.get_or_insert(now);
        }
    }

    fn begin(&mut self, is_http2: bool) {
        self.is_http2 = is_http2;
        self.is_first = false;
        self.head = None;
        self.open += 1;
    }

    fn end(&mut self, now: Instant, answered: bool) {
        self.open -= 1;
        self.since = now;
        self.credit = if answered { (self.credit + 1).min(GIVEN_UP) } else { self.credit.saturating_sub(1) };
    }

    fn deadline(&self) -> (Instant, Cut) {
        if self.credit == 0 {
            return (self.since, Cut::GivesUp);
        }
        let stalled = match (self.refusing, self.waiting) {
            (Some(since), _) => Some(since),
            (None, 1..) => Some(self.taken),
            (None, 0) => None,
        };
        let waiting = match (self.open, self.is_first, self.head) {
            (1.., ..) => (self.since + NEVER, Cut::Idle),
            (0, true, _) => (self.since + HEAD, Cut::NoRequest),
            (0, false, Some(begun)) => (begun + HEAD, Cut::SlowHead),
            (0, false, None) => (self.since + IDLE, Cut::Idle),
        };
        match stalled.map(|since| (since + STALLED, Cut::Stalled)) {
            Some(stalled) if stalled.0 < waiting.0 => stalled,
            _ => waiting,
        }
    }
}

/// The record of one connection, shared by its parts.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

impl Activity {
    /// Of a connection accepted now.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State::new(Instant::now()))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes came.
    pub(super) fn read(&self) {
        self.state().read(Instant::now());
    }

    /// The socket took bytes.
    pub(super) fn wrote(&self) {
        self.state().refusing = None;
    }

    /// The socket takes no more.
    pub(super) fn refused(&self) {
        self.state().refusing.get_or_insert_with(Instant::now);
    }

    /// A head is complete. The request lasts until the value is dropped.
    pub(super) fn begin(&self, is_http2: bool) -> UnderWay {
        self.state().begin(is_http2);
        UnderWay { activity: self.clone(), is_http2, is_answered: false, is_waiting: false }
    }

    /// Whether the client has something to read and does not.
    pub(super) fn is_stalled(&self) -> bool {
        self.state().refusing.is_some()
    }

    /// When the connection is to be cut if nothing happens until then, and why.
    pub(super) fn deadline(&self) -> (Instant, Cut) {
        self.state().deadline()
    }
}

/// A request from the end of its head to the end of its answer.
#[derive(Debug)]
pub(super) struct UnderWay {
    activity: Activity,
    is_http2: bool,
    is_answered: bool,
    is_waiting: bool,
}

impl UnderWay {
    /// The head of the answer is there.
    pub(super) fn answered(&mut self) {
        self.is_answered = true;
    }

    /// More of the answer is wanted: what was given before is on its way.
    pub(super) fn asked(&mut self) {
        if std::mem::take(&mut self.is_waiting) {
            let mut state = self.activity.state();
            state.waiting -= 1;
            state.taken = Instant::now();
        }
    }

    /// A part of the answer is given. In HTTP/1.1 the socket tells whether the client takes it.
    pub(super) fn given(&mut self) {
        if self.is_http2 && !self.is_waiting {
            self.is_waiting = true;
            let mut state = self.activity.state();
            if state.waiting == 0 {
                state.taken = Instant::now();
            }
            state.waiting += 1;
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.asked();
        self.activity.state().end(Instant::now(), self.is_answered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn head_has_its_own_time_but_the_first_not_more_than_the_connection() {
        let start = Instant::now();
        let mut state = State::new(start);
        state.read(start + seconds(9));
        assert_eq!(state.deadline(), (start + seconds(10), Cut::NoRequest));
        state.begin(false);
        assert_eq!(state.deadline().0, start + NEVER, "the service's time, not the client's");
        state.end(start + seconds(20), true);
        assert_eq!(state.deadline(), (start + seconds(95), Cut::Idle));
        state.read(start + seconds(30));
        state.read(start + seconds(39));
        assert_eq!(state.deadline(), (start + seconds(40), Cut::SlowHead), "more bytes buy no time");
    }

    #[test]
    fn bytes_between_requests_of_http2_are_no_heads() {
        let start = Instant::now();
        let mut state = State::new(start);
        state.begin(true);
        state.begin(true);
        state.end(start + seconds(1), true);
        state.read(start + seconds(2));
        assert_eq!(state.deadline().0, start + seconds(1) + NEVER, "one is under way");
        state.end(start + seconds(3), true);
        state.read(start + seconds(4));
        assert_eq!(state.deadline(), (start + seconds(78), Cut::Idle));
    }

    #[test]
    fn client_that_reads_nothing_is_cut_and_a_slow_one_is_not() {
        let activity = Activity::new();
        let mut one = activity.begin(true);
        one.answered();
        one.given();
        let (first, why) = activity.deadline();
        assert_eq!(why, Cut::Stalled);
        one.asked();
        one.given();
        assert!(activity.deadline().0 >= first);
        drop(one);
        activity.refused();
        assert_eq!(activity.deadline().1, Cut::Stalled);
        activity.wrote();
        assert_eq!(activity.deadline().1, Cut::Idle);
    }

    #[test]
    fn client_that_gives_up_more_than_it_waits_for_is_cut() {
        let activity = Activity::new();
        for _ in 0..10 * GIVEN_UP {
            activity.begin(true).answered();
            drop(activity.begin(true));
        }
        assert_ne!(activity.deadline().1, Cut::GivesUp);
        for _ in 0..GIVEN_UP {
            drop(activity.begin(true));
        }
        assert_eq!(activity.deadline().1, Cut::GivesUp);
    }
}
