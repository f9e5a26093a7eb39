//! Web sockets: after both sides have agreed, bytes in both directions.

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

/// The protocol a message changes to, if it is one that passes. Others, such as h2c, would let a client speak to a
/// service past the gateway.
pub(super) fn protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(UPGRADE)?;
    let asked = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|name| name.trim().eq_ignore_ascii_case("upgrade")));
    (asked && protocol.as_bytes().eq_ignore_ascii_case(b"websocket")).then(|| protocol.clone())
}

/// Joins both connections once the client has read that they change.
pub(super) fn join(client: OnUpgrade, service: OnUpgrade) {
    tokio::spawn(async move {
        let joined = async {
            let client = client.await.map_err(std::io::Error::other)?;
            let service = service.await.map_err(std::io::Error::other)?;
            copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(service)).await
        };
        if let Err(error) = joined.await {
            tracing::debug!(%error, "a web socket broke off");
        }
    });
}
