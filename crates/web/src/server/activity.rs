//! What a connection is waiting for, and how long it may.
//!
//! The stream, the requests and the task of a connection write down what happened; the deadline follows from that
//! alone. So there is one timer per connection, and no event has to touch it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::ServerConfig;

/// Stands for "never": far enough for any process, near enough for the clock's arithmetic.
const NEVER: Duration = Duration::from_hours(24 * 365 * 10);

/// Why a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// No complete request since it was accepted.
    NoRequest,
    /// A request head took too long.
    SlowHead,
    /// No byte in either direction.
    Idle,
    /// The client does not read what is sent.
    WriteStalled,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Before the end of the first head, whose first byte came at `head`.
    First { head: Option<Instant> },
    /// After a response, before the end of the next head, whose first byte came at `head`.
    Between { since: Instant, head: Option<Instant> },
    /// From the end of a head to the end of its response.
    Busy,
}

#[derive(Debug)]
struct State {
    accepted: Instant,
    phase: Phase,
    /// The last byte in either direction.
    progress: Instant,
    /// Since when the client has accepted nothing of what is to be sent.
    refusing: Option<Instant>,
    /// Whether the last request's body was given up before its end.
    body_unread: bool,
    reset: bool,
}

impl State {
    fn new(now: Instant) -> Self {
        Self {
            accepted: now,
            phase: Phase::First { head: None },
            progress: now,
            refusing: None,
            body_unread: false,
            reset: false,
        }
    }

    fn read(&mut self, now: Instant) {
        self.progress = now;
        match &mut self.phase {
            Phase::First { head } | Phase::Between { head, .. } => {
                head.get_or_insert(now);
            }
            Phase::Busy => {}
        }
    }

    fn wrote(&mut self, now: Instant) {
        self.progress = now;
        self.refusing = None;
    }

    fn refused(&mut self, now: Instant) {
        self.refusing.get_or_insert(now);
    }

    fn deadline(&self, config: &ServerConfig) -> (Instant, Cut) {
        let head = |begun: &Option<Instant>| begun.map(|begun| (after(begun, config.header_timeout), Cut::SlowHead));
        let waiting = match &self.phase {
            Phase::First { head: begun } => {
                let whole = (after(self.accepted, config.first_request_timeout), Cut::NoRequest);
                head(begun).map_or(whole, |head| sooner(head, whole))
            }
            // Bytes of the response may leave after its end was handed over.
            Phase::Between { since, head: begun } => {
                head(begun).unwrap_or_else(|| (after(self.progress.max(*since), config.idle_timeout), Cut::Idle))
            }
            Phase::Busy => (after(self.progress, config.idle_timeout), Cut::Idle),
        };
        match self.refusing {
            Some(since) => sooner(waiting, (after(since, config.write_stall_timeout), Cut::WriteStalled)),
            None => waiting,
        }
    }
}

fn after(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait).unwrap_or_else(|| from + NEVER)
}

fn sooner(a: (Instant, Cut), b: (Instant, Cut)) -> (Instant, Cut) {
    if b.0 < a.0 { b } else { a }
}

/// The record of one connection, shared by its parts. They run on one task, so the lock is never contended.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

impl Activity {
    /// A connection accepted now.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State::new(Instant::now()))))
    }

    /// A request head is complete. The request lasts until the value is dropped.
    pub(super) fn begin_request(&self) -> InRequest {
        let mut state = self.lock();
        state.phase = Phase::Busy;
        state.body_unread = false;
        // The limit on silence starts anew, also when the head was already there with the previous request.
        state.progress = Instant::now();
        InRequest(self.clone())
    }

    /// The body of the request was given up before its end.
    pub(super) fn body_unread(&self) {
        self.lock().body_unread = true;
    }

    /// Whether the client may still be sending the body of an answered request.
    pub(super) fn is_body_unread(&self) -> bool {
        self.lock().body_unread
    }

    /// When the connection is to be cut if nothing happens until then, and why.
    pub(super) fn deadline(&self, config: &ServerConfig) -> (Instant, Cut) {
        self.lock().deadline(config)
    }

    /// The end of the time in which a client that has connected is expected to send something; `None` once it has.
    pub(super) fn unheard_until(&self, grace: Duration) -> Option<Instant> {
        let state = self.lock();
        matches!(state.phase, Phase::First { head: None }).then(|| after(state.accepted, grace))
    }

    /// Makes closing discard what the client has not accepted, which the kernel would keep for minutes.
    pub(super) fn reset_on_close(&self) {
        self.lock().reset = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request from the end of its head to the end of its response.
#[derive(Debug)]
pub(super) struct InRequest(Activity);

impl Drop for InRequest {
    fn drop(&mut self) {
        self.0.lock().phase = Phase::Between { since: Instant::now(), head: None };
    }
}

/// A socket that records when bytes move, and when they do not.
#[derive(Debug)]
pub(super) struct ActiveStream {
    stream: TcpStream,
    activity: Activity,
}

impl ActiveStream {
    /// Records the stream's bytes in `activity`.
    pub(super) fn new(stream: TcpStream, activity: Activity) -> Self {
        Self { stream, activity }
    }

    fn record_write(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Ok(1..)) => self.activity.lock().wrote(Instant::now()),
            Poll::Pending => self.activity.lock().refused(Instant::now()),
            Poll::Ready(_) => {}
        }
        result
    }
}

impl AsyncRead for ActiveStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.lock().read(Instant::now());
        }
        result
    }
}

impl AsyncWrite for ActiveStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.record_write(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.record_write(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for ActiveStream {
    fn drop(&mut self) {
        if self.activity.lock().reset {
            // Failing means that the connection is gone already.
            let _ = self.stream.set_zero_linger();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_head_has_its_own_time_but_the_first_one_not_more_than_the_connection() {
        let config = ServerConfig::default();
        let start = Instant::now();
        let mut state = State::new(start);
        assert_eq!(state.deadline(&config), (start + seconds(10), Cut::NoRequest));
        state.read(start + seconds(4));
        assert_eq!(state.deadline(&config), (start + seconds(10), Cut::NoRequest));

        let short = ServerConfig { header_timeout: seconds(2), ..ServerConfig::default() };
        assert_eq!(state.deadline(&short), (start + seconds(6), Cut::SlowHead));
        state.read(start + seconds(5));
        assert_eq!(state.deadline(&short), (start + seconds(6), Cut::SlowHead), "more bytes buy no time");
    }

    #[test]
    fn between_requests_silence_is_allowed_longer_than_a_head() {
        let config = ServerConfig::default();
        let start = Instant::now();
        let mut state = State::new(start);
        state.phase = Phase::Between { since: start, head: None };
        assert_eq!(state.deadline(&config), (start + seconds(75), Cut::Idle));
        state.wrote(start + seconds(1));
        assert_eq!(state.deadline(&config), (start + seconds(76), Cut::Idle));
        state.read(start + seconds(70));
        assert_eq!(state.deadline(&config), (start + seconds(80), Cut::SlowHead));
    }

    #[test]
    fn during_a_response_progress_counts_and_a_refused_write_is_cut_sooner() {
        let config = ServerConfig::default();
        let start = Instant::now();
        let mut state = State::new(start);
        state.phase = Phase::Busy;
        state.wrote(start + seconds(50));
        assert_eq!(state.deadline(&config), (start + seconds(125), Cut::Idle));
        state.refused(start + seconds(51));
        state.refused(start + seconds(60));
        assert_eq!(state.deadline(&config), (start + seconds(51) + config.write_stall_timeout, Cut::WriteStalled));
        state.wrote(start + seconds(70));
        assert_eq!(state.deadline(&config), (start + seconds(145), Cut::Idle));
    }

    #[test]
    fn an_endless_timeout_does_not_overflow() {
        let config = ServerConfig { first_request_timeout: Duration::MAX, ..ServerConfig::default() };
        let start = Instant::now();
        assert_eq!(State::new(start).deadline(&config), (start + NEVER, Cut::NoRequest));
    }
}
