//! Bodies on their way through: passed on as they come, watched for silence, and followed to their end, because only
//! then may the connection be used again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::headers::remove_unfit;
use crate::counters::{Class, Counters};
use crate::forced::Side;
use crate::shadow::Capture;
use crate::upstream::Instance;
use crate::upstream::connection::Link;

/// An answer that has begun may be silent this long. Event streams send something more often.
const SILENCE: Duration = Duration::from_secs(90);

/// How far a request's body has got.
#[derive(Debug)]
pub(crate) struct Progress {
    began: Instant,
    last_millis: AtomicU64,
    sent: AtomicBool,
}

impl Progress {
    pub(crate) fn new(began: Instant) -> Self {
        Self { began, last_millis: AtomicU64::new(0), sent: AtomicBool::new(false) }
    }

    fn moved(&self) {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_millis.store(millis, Ordering::Relaxed);
    }

    /// When the client last sent something.
    pub(crate) fn last(&self) -> Instant {
        self.began + Duration::from_millis(self.last_millis.load(Ordering::Relaxed))
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }
}

/// Trailers are headers, and say no more than these may.
fn without_lies(polled: &mut Poll<Option<Result<Frame<Bytes>, hyper::Error>>>) {
    if let Poll::Ready(Some(Ok(frame))) = polled
        && let Some(trailers) = frame.trailers_mut()
    {
        remove_unfit(trailers);
    }
}

/// What the client sends.
pub(crate) struct RequestBody(Option<(Incoming, Arc<Progress>)>);

impl RequestBody {
    pub(crate) fn empty() -> Self {
        Self(None)
    }

    pub(crate) fn new(body: Incoming, progress: Arc<Progress>) -> Self {
        if body.is_end_stream() {
            progress.sent.store(true, Ordering::Release);
            return Self(None);
        }
        Self(Some((body, progress)))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some((body, progress)) = &mut self.0 else { return Poll::Ready(None) };
        let mut polled = Pin::new(&mut *body).poll_frame(cx);
        without_lies(&mut polled);
        match &polled {
            Poll::Ready(Some(Ok(_))) => {
                progress.moved();
                if body.is_end_stream() {
                    progress.sent.store(true, Ordering::Release);
                }
            }
            Poll::Ready(None) => progress.sent.store(true, Ordering::Release),
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |(body, _)| body.size_hint())
    }
}

/// What the client gets.
pub(crate) enum ResponseBody {
    /// The gateway's own words.
    Own(Option<Bytes>),
    /// A service's.
    Relayed(Box<Relayed>),
}

/// An answer on its way to the client.
pub(crate) struct Relayed {
    body: Incoming,
    /// Given back when the answer is over, to the thread it is of.
    connection: Option<(Link, Arc<Instance>, usize)>,
    progress: Arc<Progress>,
    counted: (Arc<Counters>, Side, Class),
    silence: Option<Pin<Box<Sleep>>>,
    /// Keeps what passes, for the shadow.
    capture: Option<Box<Capture>>,
}

impl Relayed {
    pub(crate) fn new(
        body: Incoming,
        connection: (Link, Arc<Instance>, usize),
        progress: Arc<Progress>,
        counted: (Arc<Counters>, Side, Class),
    ) -> Self {
        let mut relayed = Self { body, connection: Some(connection), progress, counted, silence: None, capture: None };
        if relayed.body.is_end_stream() {
            relayed.finish();
        }
        relayed
    }

    /// The answer is over. A service that answered before it had the whole request still has to be sent the rest, so
    /// that connection is not used again.
    fn finish(&mut self) {
        if let Some((link, instance, worker)) = self.connection.take()
            && self.progress.is_sent()
        {
            instance.connections.keep(worker, link);
        }
        if let Some(capture) = self.capture.take() {
            capture.done();
        }
    }
}

impl ResponseBody {
    /// Keeps a copy of what passes from now on.
    pub(crate) fn copy_to(&mut self, capture: Box<Capture>) {
        if let Self::Relayed(relayed) = self {
            if relayed.body.is_end_stream() {
                capture.done();
            } else {
                relayed.capture = Some(capture);
            }
        }
    }
}

/// Why an answer broke off.
#[derive(Debug)]
pub(crate) enum Broken {
    Upstream(hyper::Error),
    Silent,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Upstream(error) => write!(f, "the service broke off: {error}"),
            Self::Silent => write!(f, "the service sent nothing for {} s", SILENCE.as_secs()),
        }
    }
}

impl std::error::Error for Broken {}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let relayed = match &mut *self {
            Self::Own(text) => return Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::Relayed(relayed) => relayed,
        };
        if let Some((link, ..)) = &mut relayed.connection {
            link.drive(cx);
        }
        let mut polled = Pin::new(&mut relayed.body).poll_frame(cx);
        without_lies(&mut polled);
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                relayed.silence = None;
                if let Some(piece) = frame.data_ref() {
                    relayed.capture = relayed.capture.take().and_then(|capture| capture.piece(piece));
                }
                if relayed.body.is_end_stream() {
                    relayed.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let (counters, side, class) = &relayed.counted;
                counters.cut(*side, *class);
                Poll::Ready(Some(Err(Broken::Upstream(error))))
            }
            Poll::Ready(None) => {
                relayed.finish();
                Poll::Ready(None)
            }
            Poll::Pending => {
                let silence = relayed.silence.get_or_insert_with(|| Box::pin(sleep(SILENCE)));
                match silence.as_mut().poll(cx) {
                    Poll::Ready(()) => {
                        let (counters, side, class) = &relayed.counted;
                        counters.cut(*side, *class);
                        Poll::Ready(Some(Err(Broken::Silent)))
                    }
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(text) => text.is_none(),
            Self::Relayed(relayed) => relayed.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Self::Relayed(relayed) => relayed.body.size_hint(),
        }
    }
}
