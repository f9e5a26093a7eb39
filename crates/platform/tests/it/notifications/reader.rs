//! A client of the stream, and what serves it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Response;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::support::{Person, TestApp};

/// Longer than anything takes that works, shorter than the time between regular reads.
pub(super) const SOON: Duration = Duration::from_secs(8);

/// The hub of a program, which stops with it.
pub(super) struct Serving {
    pub(super) stop: watch::Sender<bool>,
    pub(super) task: JoinHandle<()>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the streams of `app`.
pub(super) async fn serve(app: &TestApp) -> Serving {
    let (stop, stopped) = watch::channel(false);
    let streams = Arc::clone(&app.app.notifications).run_streams(app.db.url().clone(), app.cx(), stopped);
    let task = tokio::spawn(streams);
    // It serves from its first step on; before, streams end by themselves.
    let probe = app.admin(&format!("probe{}@example.com", app.cx().new_id::<uuid::Uuid>())).await;
    while open(&probe, None).await.rest().await.is_none() {}
    Serving { stop, task }
}

/// One event as a client sees it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) id: Option<i64>,
    pub(super) data: Value,
}

/// What is left of a stream.
pub(super) struct Reader {
    body: BodyDataStream,
    text: String,
}

/// The stream of `person`, after number `after`.
pub(super) async fn open(person: &Person, after: Option<i64>) -> Reader {
    let mut request = person.http.get("/notifications/stream");
    if let Some(after) = after {
        request = request.header("last-event-id", &after.to_string());
    }
    Reader::of(request.open().await)
}

impl Reader {
    pub(super) fn of(response: Response<Body>) -> Self {
        assert_eq!(response.status(), 200);
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event; `None` at the end. Heartbeats are passed over.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (parse(event), rest.to_owned());
                self.text = rest;
                match event {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let chunk = self.body.next().await?.unwrap();
            self.text += std::str::from_utf8(&chunk).unwrap();
        }
    }

    /// The next event, which is there or on its way.
    pub(super) async fn soon(&mut self) -> Event {
        timeout(SOON, self.next()).await.expect("an event within seconds").expect("no end")
    }

    /// The next notification, whatever is said of counts before it.
    pub(super) async fn notification(&mut self) -> Event {
        loop {
            let event = self.soon().await;
            if event.name == "notification" {
                return event;
            }
        }
    }

    /// The count that is told next.
    pub(super) async fn unread(&mut self) -> i64 {
        loop {
            let event = self.soon().await;
            if event.name == "unread" {
                return event.data["unread_count"].as_i64().unwrap();
            }
        }
    }

    /// What is there without waiting for more; `None` when that includes the end.
    pub(super) async fn rest(&mut self) -> Option<Vec<Event>> {
        let mut events = Vec::new();
        while let Ok(event) = timeout(Duration::from_millis(100), self.next()).await {
            events.push(event?);
        }
        Some(events)
    }
}

/// The lines of an event; `None` for a comment.
fn parse(text: &str) -> Option<Event> {
    let (mut name, mut id, mut data) = (None, None, Value::Null);
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("event", value)) => name = Some(value.to_owned()),
            Some(("id", value)) => id = Some(value.parse().unwrap()),
            Some(("data", value)) => data = serde_json::from_str(value).unwrap(),
            _ => assert!(line.starts_with(':') || line == "retry: 2000", "{line}"),
        }
    }
    name.map(|name| Event { name, id, data })
}

/// Tells `person` something by themselves; returns the notification's id.
pub(super) async fn tell(person: &Person, title: &str) -> String {
    let body = json!({ "type": "test", "title": title, "message": "A message." });
    person.http.post("/notifications").json(&body).send().await.expect(201).text("id")
}
