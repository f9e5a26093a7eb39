//! Requests of the replay: one connection each, as nobody is in a hurry. The only HTTP of this crate.

use std::time::Duration;

use bytes::Bytes;
use gateway::shadow::compare::Answer;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<String>,
}

/// The answer, or what went wrong before there was one.
pub(super) async fn send(base: &Url, request: &Request) -> Result<Answer, String> {
    match tokio::time::timeout(PATIENCE, exchange(base, request)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("{base} did not answer within {} s", PATIENCE.as_secs())),
    }
}

async fn exchange(base: &Url, request: &Request) -> Result<Answer, String> {
    let describe = |error: &dyn std::fmt::Display| format!("{base}: {error}");
    let host = base.host_str().ok_or_else(|| describe(&"no host"))?;
    let port = base.port_or_known_default().unwrap_or(80);
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await.map_err(|error| describe(&error))?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| describe(&error))?;
    let driving = tokio::spawn(connection);
    let path = format!("{}{}", base.path().trim_end_matches('/'), request.path);
    let mut built = hyper::Request::builder().method(request.method).uri(path).header("host", format!("{host}:{port}"));
    for (name, value) in &request.headers {
        built = built.header(*name, value);
    }
    if request.body.is_some() {
        built = built.header("content-type", "application/json");
    }
    let body = Full::new(Bytes::from(request.body.clone().unwrap_or_default()));
    let built = built.body(body).map_err(|error| describe(&error))?;
    let response = sender.send_request(built).await.map_err(|error| describe(&error))?;
    let status = response.status().as_u16();
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = response.into_body().collect().await.map_err(|error| describe(&error))?.to_bytes().to_vec();
    driving.abort();
    Ok(Answer { status, content_type, body })
}
