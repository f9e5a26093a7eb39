//! One connection: hyper's work on it, its deadline, the signal to stop, and a close that loses no response.

use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::ServerConfig;
use super::activity::{ActiveStream, Activity, Cut};
use super::requests::Requests;

/// How long after connecting a client's first byte is waited for although the server stops: the request is on its
/// way, and closing now would fail it.
const FIRST_BYTE_GRACE: Duration = Duration::from_millis(250);

/// How long a client that was answered early may go on sending until it has noticed.
const LINGER: Duration = Duration::from_secs(2);

type Http = http1::Connection<TokioIo<ActiveStream>, Requests>;

#[expect(
    clippy::large_enum_variant,
    reason = "nearly every connection is in the large one; a box would only add to it"
)]
enum Work {
    Http(Http),
    /// The last response is out, the client still sends. Closing with bytes unread would reset the connection, and
    /// the client's system may then drop the response before the client has read it.
    Lingering(ActiveStream),
    Done,
}

/// Runs until the connection has ended, whoever ended it.
pub(super) struct Connection<Stop> {
    work: Work,
    peer: SocketAddr,
    activity: Activity,
    config: Arc<ServerConfig>,
    /// For [`Connection::poll_deadline`], later for the end of the lingering.
    timer: Pin<Box<Sleep>>,
    stop: Option<Pin<Box<Stop>>>,
    grace: Option<Pin<Box<Sleep>>>,
}

impl<Stop: Future<Output = ()>> Connection<Stop> {
    /// A connection just accepted, which winds down once `stop` completes.
    pub(super) fn new(
        http: &http1::Builder,
        stream: TcpStream,
        peer: SocketAddr,
        router: Router,
        config: Arc<ServerConfig>,
        stop: Stop,
    ) -> Self {
        let activity = Activity::new();
        let stream = TokioIo::new(ActiveStream::new(stream, activity.clone()));
        let requests = Requests { peer, router, activity: activity.clone() };
        Self {
            work: Work::Http(http.serve_connection(stream, requests)),
            peer,
            timer: Box::pin(sleep_until(activity.deadline(&config).0)),
            activity,
            config,
            stop: Some(Box::pin(stop)),
            grace: None,
        }
    }

    /// hyper's work, which is told to wind down when it is time.
    fn poll_http(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        loop {
            let Work::Http(http) = &mut self.work else { return Poll::Ready(Ok(())) };
            if let Poll::Ready(result) = Pin::new(http).poll(cx) {
                return Poll::Ready(result);
            }
            ready!(self.poll_stop(cx));
            if let Work::Http(http) = &mut self.work {
                Pin::new(http).graceful_shutdown();
            }
        }
    }

    /// Ready once, when the connection is to wind down.
    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(stop) = &mut self.stop {
            ready!(stop.as_mut().poll(cx));
            self.stop = None;
            let until = self.activity.unheard_until(FIRST_BYTE_GRACE).unwrap_or_else(Instant::now);
            self.grace = Some(Box::pin(sleep_until(until)));
        }
        let Some(grace) = &mut self.grace else { return Poll::Pending };
        if self.activity.unheard_until(FIRST_BYTE_GRACE).is_some() {
            ready!(grace.as_mut().poll(cx));
        }
        self.grace = None;
        Poll::Ready(())
    }

    /// Ready when the client has been waited for long enough.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Cut> {
        loop {
            let (deadline, why) = self.activity.deadline(&self.config);
            // A deadline that moved away is left to be noticed when the timer fires: one timer operation per
            // timeout, not one per read and write.
            if deadline < self.timer.deadline() || self.timer.is_elapsed() {
                self.timer.as_mut().reset(deadline);
            }
            ready!(self.timer.as_mut().poll(cx));
            if deadline <= Instant::now() {
                return Poll::Ready(why);
            }
        }
    }

    /// After hyper's work: the stream, if its client has not noticed yet.
    fn linger(&mut self, result: &hyper::Result<()>) {
        let refused_head = match result {
            Ok(()) => false,
            Err(error) => {
                tracing::debug!(peer = %self.peer, error = error as &dyn Error, "connection failed");
                error.is_parse()
            }
        };
        self.work = match std::mem::replace(&mut self.work, Work::Done) {
            Work::Http(http) if refused_head || (result.is_ok() && self.activity.is_body_unread()) => {
                self.timer.as_mut().reset(Instant::now() + LINGER);
                Work::Lingering(http.into_parts().io.into_inner())
            }
            _ => Work::Done,
        };
    }

    /// Ready when the client has closed its side, or had the time to.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Work::Lingering(stream) = &mut self.work else { return Poll::Ready(()) };
        let mut discarded = [0; 8 * 1024];
        while self.timer.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut discarded);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(())
    }
}

impl<Stop: Future<Output = ()>> Future for Connection<Stop> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if let Work::Http(_) = this.work {
            if let Poll::Ready(result) = this.poll_http(cx) {
                this.linger(&result);
            } else {
                let why = ready!(this.poll_deadline(cx));
                tracing::debug!(peer = %this.peer, ?why, "connection cut");
                if why == Cut::WriteStalled {
                    this.activity.reset_on_close();
                }
                return Poll::Ready(());
            }
        }
        this.poll_linger(cx)
    }
}
