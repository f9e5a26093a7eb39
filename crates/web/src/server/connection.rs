//! One connection: hyper's work on it, its deadline and the signal to stop.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::ServerConfig;
use super::activity::{ActiveStream, Activity, Cut};
use super::requests::Requests;

/// How long after connecting a client's first byte is waited for although the server stops: the request is on its
/// way, and closing now would fail it.
const FIRST_BYTE_GRACE: Duration = Duration::from_millis(250);

/// Runs until the connection has ended, whoever ended it.
pub(super) struct Connection<Stop> {
    http: http1::Connection<TokioIo<ActiveStream>, Requests>,
    peer: SocketAddr,
    activity: Activity,
    config: Arc<ServerConfig>,
    deadline: Pin<Box<Sleep>>,
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
        Self {
            http: http.serve_connection(stream, Requests { peer, router, activity: activity.clone() }),
            peer,
            deadline: Box::pin(sleep_until(activity.deadline(&config).0)),
            activity,
            config,
            stop: Some(Box::pin(stop)),
            grace: None,
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
        match &mut self.grace {
            Some(grace) => {
                if self.activity.unheard_until(FIRST_BYTE_GRACE).is_some() {
                    ready!(grace.as_mut().poll(cx));
                }
                self.grace = None;
                Poll::Ready(())
            }
            None => Poll::Pending,
        }
    }

    /// Ready when the client has been waited for long enough.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Cut> {
        loop {
            let (deadline, why) = self.activity.deadline(&self.config);
            // A deadline that moved away is left to be noticed when the timer fires: one timer operation per
            // timeout, not one per read and write.
            if deadline < self.deadline.deadline() || self.deadline.is_elapsed() {
                self.deadline.as_mut().reset(deadline);
            }
            ready!(self.deadline.as_mut().poll(cx));
            if deadline <= Instant::now() {
                return Poll::Ready(why);
            }
        }
    }
}

impl<Stop: Future<Output = ()>> Future for Connection<Stop> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            if let Poll::Ready(result) = Pin::new(&mut this.http).poll(cx) {
                if let Err(error) = result {
                    tracing::debug!(peer = %this.peer, error = &error as &dyn std::error::Error, "connection failed");
                }
                return Poll::Ready(());
            }
            if this.poll_stop(cx).is_pending() {
                break;
            }
            Pin::new(&mut this.http).graceful_shutdown();
        }
        let why = ready!(this.poll_deadline(cx));
        tracing::debug!(peer = %this.peer, ?why, "connection cut");
        if why == Cut::WriteStalled {
            this.activity.reset_on_close();
        }
        Poll::Ready(())
    }
}
