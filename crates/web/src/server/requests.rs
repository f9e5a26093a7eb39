//! From hyper's requests to the router, and back with the note that a request is under way.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::routing::future::RouteFuture;
use http::{Request, Response};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tower::Service as _;

use super::activity::{Activity, InRequest};

/// The requests of one connection.
pub(super) struct Requests {
    /// Where they come from.
    pub(super) peer: SocketAddr,
    /// Who answers them.
    pub(super) router: Router,
    /// Where they are noted.
    pub(super) activity: Activity,
}

impl hyper::service::Service<Request<Incoming>> for Requests {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        let in_request = self.activity.begin_request();
        let mut request = request.map(|body| {
            if body.is_end_stream() {
                Body::empty()
            } else {
                Body::new(RequestBody { inner: body, ended: false, activity: self.activity.clone() })
            }
        });
        request.extensions_mut().insert(ConnectInfo(self.peer));
        Answer { inner: self.router.clone().call(request), in_request: Some(in_request) }
    }
}

/// A request body that notes whether it was read to its end.
struct RequestBody {
    inner: Incoming,
    ended: bool,
    activity: Activity,
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        self.ended |= frame.is_none();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if !self.ended && !self.inner.is_end_stream() {
            self.activity.body_unread();
        }
    }
}

/// The router's work on a request.
pub(super) struct Answer {
    inner: RouteFuture<Infallible>,
    in_request: Option<InRequest>,
}

impl Future for Answer {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(response) = ready!(Pin::new(&mut self.inner).poll(cx));
        let in_request = self.in_request.take();
        Poll::Ready(Ok(response.map(|inner| AnswerBody { inner, _in_request: in_request })))
    }
}

/// A response body; hyper drops it when all of it is on its way, which ends the request.
pub(super) struct AnswerBody {
    inner: Body,
    _in_request: Option<InRequest>,
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
