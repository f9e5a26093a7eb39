//! Asks instances how they are. Any answer of 200 to 299 is good, as the old gateway has it.

use std::time::Duration;

use http::{Request, header};
use tokio::time::timeout;

use super::Instance;
use super::connection::connect;
use crate::proxy::body::RequestBody;
use crate::routes::Protocol;

/// How often each is asked.
pub(crate) const INTERVAL: Duration = Duration::from_secs(3);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) async fn is_well(instance: &Instance, path: &str) -> bool {
    let asked = async {
        let mut link = connect(&instance.endpoint, PATIENCE).await.ok()?;
        let authority = instance.endpoint.authority();
        let request = match instance.endpoint.protocol() {
            Protocol::Http1 => Request::get(path).header(header::HOST, authority).header(header::CONNECTION, "close"),
            Protocol::H2c => Request::get(format!("http://{authority}{path}")),
        };
        let request = request.body(RequestBody::empty()).ok()?;
        Some(link.send(request).await.ok()?.status().is_success())
    };
    timeout(PATIENCE, asked).await.ok().flatten().unwrap_or(false)
}
