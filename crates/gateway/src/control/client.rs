//! Speaks to a gateway over its control socket.

use std::io;
use std::path::Path;

use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

/// What the gateway answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Whether it did what was asked for.
    pub done: bool,
    /// Its words.
    pub body: Value,
}

/// Asks the gateway at `socket`: for its status, or with a body to do something.
pub async fn ask(socket: &Path, path: &str, body: Option<&Value>) -> io::Result<Answer> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let text = body.map_or_else(String::new, Value::to_string);
    let request = Request::builder().method(method).uri(path).header(http::header::HOST, "gateway");
    let request = request.body(Full::<Bytes>::from(text)).map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let done = response.status().is_success();
    let body = response.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Answer { done, body: serde_json::from_slice(&body).map_err(io::Error::other)? })
}
