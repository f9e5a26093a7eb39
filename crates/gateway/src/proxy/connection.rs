//! One connection of a client: hyper's work on it, its deadline, and the signal to stop.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http::Version;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep_until};

use super::body::{Broken, ResponseBody};
use super::patience::{Activity, Cut, UnderWay};
use super::serve;
use super::stream::{ClientStream, Place};
use crate::worker::Worker;

/// The most that is kept of a head, or of an answer the client is slow to take.
const BUFFER: u32 = 64 * 1024;
/// Requests under way on one connection of HTTP/2.
const STREAMS: u32 = 128;
/// The most that is kept of the bodies of all requests on one connection of HTTP/2.
const WINDOW: u32 = 4 * BUFFER;
/// Requests given up before they were looked at, on one connection of HTTP/2.
const RESETS: usize = 20;
/// How often a client with requests under way is asked whether it is still there, and how long that may take.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

/// A connection that was accepted.
pub(super) struct Accepted {
    pub(super) stream: std::net::TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) place: Place,
    pub(super) stop: watch::Receiver<bool>,
}

/// Both protocols, told apart by the first bytes.
fn protocols() -> auto::Builder<TokioExecutor> {
    let mut protocols = auto::Builder::new(TokioExecutor::new());
    protocols.http1().header_read_timeout(None).max_buf_size(BUFFER as usize);
    protocols
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS)
        .max_header_list_size(BUFFER)
        .max_send_buf_size(BUFFER as usize)
        .initial_stream_window_size(BUFFER)
        .initial_connection_window_size(WINDOW);
    protocols
}

/// Serves the requests of a connection until it ends, whoever ends it.
pub(super) async fn run(worker: Arc<Worker>, accepted: Accepted) {
    let Accepted { stream, peer, place, stop } = accepted;
    let Ok(stream) = TcpStream::from_std(stream) else { return };
    let _ = stream.set_nodelay(true);
    let activity = Activity::new();
    let io = TokioIo::new(ClientStream::new(stream, activity.clone(), place));
    let service = service_fn(|request: hyper::Request<_>| {
        let mut under_way = activity.begin(request.version() == Version::HTTP_2);
        let worker = Arc::clone(&worker);
        async move {
            let answer = serve(&worker, peer, request).await;
            under_way.answered();
            Ok::<_, Infallible>(answer.map(|inner| AnswerBody { inner, under_way }))
        }
    });
    let protocols = protocols();
    let mut connection = std::pin::pin!(protocols.serve_connection_with_upgrades(io, service));
    let mut stopped = std::pin::pin!(stopped(stop.clone()));
    let mut waits_for_stop = false;
    let mut is_stopping = false;
    let mut timer = std::pin::pin!(sleep_until(activity.deadline().0.into()));
    let cut = poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "a client's connection failed");
                }
                return Poll::Ready(None);
            }
            // Once is enough to be woken, and this is the only task that asks.
            let may_stop = !std::mem::replace(&mut waits_for_stop, true) || !matches!(stop.has_changed(), Ok(false));
            if is_stopping || !may_stop || stopped.as_mut().poll(cx).is_pending() {
                return poll_deadline(&activity, timer.as_mut(), cx).map(Some);
            }
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
        }
    });
    if let Some(why) = cut.await {
        tracing::debug!(%peer, ?why, "a client's connection is cut");
    }
}

/// Ready when the client has been waited for long enough.
fn poll_deadline(activity: &Activity, mut timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<Cut> {
    loop {
        let (deadline, why) = activity.deadline();
        // A deadline that moved away is left to be noticed when the timer fires: one timer operation per timeout, not
        // one per request.
        if timer.is_elapsed() || deadline < timer.deadline().into_std() {
            timer.as_mut().reset(deadline.into());
        }
        ready!(timer.as_mut().poll(cx));
        if deadline <= Instant::now() {
            return Poll::Ready(why);
        }
    }
}

/// Completes when `stop` is true, or when nobody is left who could make it so.
pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// An answer; hyper drops it when all of it is on its way, which ends the request.
struct AnswerBody {
    inner: ResponseBody,
    under_way: UnderWay,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.under_way.asked();
        let polled = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if matches!(polled, Some(Ok(_))) {
            self.under_way.given();
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
