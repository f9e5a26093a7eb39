//! A client's socket, which writes down when bytes move and when they do not.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::patience::Activity;

/// What counts a connection, also when it has become a web socket, until it is closed.
#[derive(Debug)]
pub(super) struct Place {
    /// One of all that may be open.
    pub(super) _permit: OwnedSemaphorePermit,
    /// One of its thread's.
    pub(super) _of_thread: Arc<()>,
}

#[derive(Debug)]
pub(super) struct ClientStream {
    stream: TcpStream,
    activity: Activity,
    _place: Place,
}

impl ClientStream {
    pub(super) fn new(stream: TcpStream, activity: Activity, place: Place) -> Self {
        Self { stream, activity, _place: place }
    }

    fn written(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Ok(1..)) => self.activity.wrote(),
            Poll::Pending => self.activity.refused(),
            Poll::Ready(_) => {}
        }
        result
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.read();
        }
        result
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(result)
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

impl Drop for ClientStream {
    fn drop(&mut self) {
        if self.activity.is_stalled() {
            // Otherwise the kernel would keep for minutes what the client does not read. Failing means that the
            // connection is gone already.
            let _ = self.stream.set_zero_linger();
        }
    }
}
