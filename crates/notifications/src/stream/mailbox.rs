//! What is on its way to one client.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::Bytes;
use jiff::Timestamp;
use tokio::time::Instant;

use super::events;
use crate::ports::Listener;

/// The most text that waits for a client. What does not fit is read again once this is taken.
const MOST_TEXT: usize = 64 * 1024;
/// How long a client for whom more is waiting may take nothing of what it has.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who reads a stream, and up to when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) listener: Listener,
    /// When their token runs out.
    pub(crate) expires_at: Option<Timestamp>,
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) reader: Reader,
    /// Spreads heartbeats.
    pub(super) turn: usize,
    mailbox: Mutex<Mailbox>,
}

#[derive(Debug)]
struct Mailbox {
    /// The last number that was sent.
    seen: i64,
    /// The last count that was sent, or is about to be.
    unread: i64,
    /// Whether that count is still to be sent.
    unread_due: bool,
    /// Whether a heartbeat is.
    beat_due: bool,
    /// Whole events.
    text: Vec<u8>,
    /// Since when more is waiting in the database than `text` has room for.
    behind: Option<Instant>,
    ended: bool,
    waker: Option<Waker>,
}

/// What a client is given next.
pub(super) enum Next {
    Text(Bytes),
    /// And there is more in the database.
    TextOfMore(Bytes),
    End,
}

impl Connection {
    /// A stream that goes on after number `seen`.
    pub(crate) fn new(reader: Reader, turn: usize, seen: i64, unread: i64) -> Self {
        let text = events::opening(unread);
        let (unread_due, beat_due) = (false, false);
        let mailbox = Mailbox { seen, unread, unread_due, beat_due, text, behind: None, ended: false, waker: None };
        Self { reader, turn, mailbox: Mutex::new(mailbox) }
    }

    /// The number to read on from; `None` while there is no room for more.
    pub(super) fn wants(&self) -> Option<i64> {
        let mailbox = self.lock();
        (mailbox.behind.is_none() && !mailbox.ended).then_some(mailbox.seen)
    }

    /// Takes in `page`, pairs of number and event in order. `more` says that further ones are known to be there.
    pub(super) fn deliver(&self, page: &[(i64, Vec<u8>)], more: bool, unread: i64) {
        let mut mailbox = self.lock();
        if mailbox.ended {
            return;
        }
        let mut fits = true;
        for (number, event) in page {
            fits = mailbox.text.is_empty() || mailbox.text.len() + event.len() <= MOST_TEXT;
            if !fits {
                break;
            }
            mailbox.text.extend_from_slice(event);
            mailbox.seen = *number;
        }
        if more || !fits {
            mailbox.behind.get_or_insert_with(Instant::now);
        }
        if mailbox.unread != unread {
            mailbox.unread = unread;
            mailbox.unread_due = true;
        }
        if mailbox.unread_due || !mailbox.text.is_empty() {
            mailbox.wake();
        }
    }

    /// A sign of life, which also lets a client that is gone be noticed.
    pub(super) fn beat(&self) {
        let mut mailbox = self.lock();
        mailbox.beat_due = true;
        mailbox.wake();
    }

    /// Ends the stream after what is on its way.
    pub(super) fn end(&self) {
        let mut mailbox = self.lock();
        mailbox.ended = true;
        mailbox.wake();
    }

    /// Ends the stream of a client that does not take what it has; returns whether it did.
    pub(super) fn end_if_stuck(&self) -> bool {
        let mut mailbox = self.lock();
        let stuck = !mailbox.ended && mailbox.behind.is_some_and(|since| since.elapsed() >= PATIENCE);
        if stuck {
            mailbox.text = Vec::new();
            mailbox.ended = true;
            mailbox.wake();
        }
        stuck
    }

    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Next> {
        let mut mailbox = self.lock();
        let mut text = std::mem::take(&mut mailbox.text);
        if mailbox.ended {
            return Poll::Ready(if text.is_empty() { Next::End } else { Next::Text(text.into()) });
        }
        if std::mem::take(&mut mailbox.unread_due) {
            text.extend_from_slice(&events::unread(mailbox.unread));
        }
        if std::mem::take(&mut mailbox.beat_due) && text.is_empty() {
            return Poll::Ready(Next::Text(Bytes::from_static(events::HEARTBEAT)));
        }
        match (text.is_empty(), mailbox.behind.take()) {
            (false, None) => Poll::Ready(Next::Text(text.into())),
            (false, Some(_)) => Poll::Ready(Next::TextOfMore(text.into())),
            (true, _) => {
                mailbox.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailbox {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
