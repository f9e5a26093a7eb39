//! Asks instances how they are. Any answer of 200 to 299 is good, as the old gateway has it.

use std::time::Duration;

use http::{Request, header};
use tokio::time::timeout;

use super::Instance;
use super::connection::connect;
use crate::proxy::body::RequestBody;

/// How often each is asked.
pub(crate) const INTERVAL: Duration = Duration::from_secs(3);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) async fn is_well(instance: &Instance, path: &str) -> bool {
    let asked = async {
        let mut sender = connect(&instance.endpoint, PATIENCE).await.ok()?;
        let (host, port) = instance.endpoint.host_and_port();
        let request = Request::get(path)
            .header(header::HOST, format!("{host}:{port}"))
            .header(header::CONNECTION, "close")
            .body(RequestBody::empty())
            .ok()?;
        Some(sender.send_request(request).await.ok()?.status().is_success())
    };
    timeout(PATIENCE, asked).await.ok().flatten().unwrap_or(false)
}
