//! The primary's answer, kept while it passes. The client's copy is not touched: pieces are counted references to the same
//! bytes, and whatever goes wrong here ends the copy and nothing else.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Response, StatusCode};
use hyper::body::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::Sender;

use std::sync::Arc;

use super::compare::Answer;
use super::question::Question;
use super::tally::Tallies;

/// Larger bodies are counted and not compared.
pub(super) const LARGEST: usize = 1024 * 1024;

/// A read with the answer its client got.
pub(super) struct Captured {
    pub(super) question: Question,
    status: StatusCode,
    content_type: Option<String>,
    body: Vec<Bytes>,
    /// Given back when both are dropped: so many are kept at once and no more.
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Captured {
    /// The answer in one piece; put together here, where no client waits.
    pub(super) fn answer(&self) -> Answer {
        let (content_type, body) = (self.content_type.clone(), self.body.concat());
        Answer { status: self.status.as_u16(), content_type, body }
    }
}

/// An answer on its way.
pub(crate) struct Capture {
    question: Question,
    permit: OwnedSemaphorePermit,
    queue: Sender<Captured>,
    tallies: Arc<Tallies>,
    status: StatusCode,
    content_type: Option<String>,
    body: Vec<Bytes>,
    size: usize,
}

impl Capture {
    pub(super) fn new(
        question: Question,
        permit: OwnedSemaphorePermit,
        queue: Sender<Captured>,
        tallies: Arc<Tallies>,
    ) -> Self {
        let (content_type, body) = (None, Vec::new());
        Self { question, permit, queue, tallies, status: StatusCode::OK, content_type, body, size: 0 }
    }

    /// The head of the answer; `None` if the rest is not worth waiting for.
    pub(crate) fn head<B>(mut self: Box<Self>, response: &Response<B>) -> Option<Box<Self>> {
        let headers = response.headers();
        if is_stream(response.status(), headers) {
            return None;
        }
        if headers.contains_key(CONTENT_ENCODING) {
            self.tallies.encoded.add();
            return None;
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > LARGEST as u64) && self.question.method != http::Method::HEAD {
            self.tallies.too_large.add();
            return None;
        }
        self.status = response.status();
        self.content_type = text(headers);
        Some(self)
    }

    /// A piece of the body; `None` if it has become too large.
    pub(crate) fn piece(mut self: Box<Self>, piece: &Bytes) -> Option<Box<Self>> {
        self.size += piece.len();
        if self.size > LARGEST {
            self.tallies.too_large.add();
            return None;
        }
        self.body.push(piece.clone());
        Some(self)
    }

    /// The client has all of it. A full queue is no reason to wait.
    pub(crate) fn done(self: Box<Self>) {
        let Self { question, permit, queue, tallies, status, content_type, body, .. } = *self;
        if queue.try_send(Captured { question, status, content_type, body, _permit: permit }).is_err() {
            tallies.dropped.add();
        }
    }
}

fn is_stream(status: StatusCode, headers: &HeaderMap) -> bool {
    let is_events = headers.get(CONTENT_TYPE).is_some_and(|media| media.as_bytes().starts_with(b"text/event-stream"));
    is_events || status.is_informational()
}

pub(super) fn text(headers: &HeaderMap) -> Option<String> {
    headers.get(CONTENT_TYPE)?.to_str().ok().map(str::to_owned)
}
