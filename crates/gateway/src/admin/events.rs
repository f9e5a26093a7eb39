//! The page's stream: the last fifteen minutes first, then what is new, once a second.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body_util::BodyExt as _;
use http_body_util::channel::{Channel, Sender};
use hyper::body::Bytes;
use jiff::Timestamp;
use tokio::time::MissedTickBehavior;

use super::AdminBody;
use crate::control::view::View;
use crate::counters::Point;
use crate::gateway::Gateway;

/// What the page draws, in seconds.
const KEPT: usize = 900;

pub(super) fn stream(gateway: &Arc<Gateway>) -> Response<AdminBody> {
    let (sender, body) = Channel::<Bytes, Infallible>::new(1);
    // Ends when the browser is gone: then nothing can be sent any more.
    tokio::spawn(send(Arc::clone(gateway), sender));
    let mut response = Response::new(body.boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

async fn send(gateway: Arc<Gateway>, mut sender: Sender<Bytes, Infallible>) {
    let mut interval = tokio::time::interval(Duration::from_secs(1));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = Timestamp::MIN;
    loop {
        interval.tick().await;
        // Whoever was slow gets what they missed, and so does whoever begins.
        let behind = gateway.clock.now().duration_since(sent).as_secs();
        let seconds = usize::try_from(behind).unwrap_or(KEPT).saturating_add(2).min(KEPT);
        let viewed = Arc::clone(&gateway);
        // Fifteen minutes of every family are milliseconds of work, which requests of clients must not wait for.
        let Ok(mut view) = tokio::task::spawn_blocking(move || viewed.view(seconds)).await else { return };
        only_after(sent, &mut view);
        sent = view.total.last().map_or(sent, |point| point.at);
        let Ok(json) = serde_json::to_string(&view) else { return };
        if sender.send_data(format!("event: view\ndata: {json}\n\n").into()).await.is_err() {
            return;
        }
    }
}

fn only_after(sent: Timestamp, view: &mut View) {
    let is_new = |point: &Point| point.at > sent;
    view.total.retain(is_new);
    view.families.values_mut().for_each(|family| family.points.retain(is_new));
}
