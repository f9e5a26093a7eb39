//! What people are told, one file an operation or two that belong together.

mod bulk_create_notifications;
mod channels;
mod create_notification;
mod create_system_notification;
mod events;
mod killed;
mod list_notifications;
pub(crate) mod mail_server;
mod own;
mod preferences;
mod races;
mod reader;
mod stream;
mod stream_durability;
mod stream_process;
mod templates;
mod webhooks;

use axum::http::Method;
use serde_json::{Value, json};
use testkit::Answer;

use crate::fixtures::Refusals;
use crate::support::{Person, TestApp};

/// What is answered to somebody without a token.
pub(super) const MISSING: &str = "Missing Authorization header";

/// An operation to be refused.
pub(super) fn refusals(app: &TestApp, method: Method, path: impl Into<String>, body: Option<Value>) -> Refusals<'_> {
    Refusals { app, method, path: path.into(), body }
}

/// Something to tell.
pub(super) fn text(title: &str) -> Value {
    json!({ "type": "system_update", "title": title, "message": "Sunday, 02:00" })
}

impl Person {
    /// Tells themselves something; returns its id.
    pub(super) async fn note(&self, title: &str) -> String {
        self.http.post("/notifications").json(&text(title)).send().await.expect(201).text("id")
    }

    /// Their feed.
    pub(super) async fn feed(&self) -> Vec<Value> {
        let answer = self.http.get("/api/v1/notifications?limit=100").send().await.expect(200);
        answer.body["notifications"].as_array().unwrap().clone()
    }

    /// The titles of their feed, the newest first.
    pub(super) async fn titles(&self) -> Vec<String> {
        self.feed().await.iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
    }

    pub(super) async fn unread(&self) -> i64 {
        let answer: Answer = self.http.get("/notifications/unread-count").send().await.expect(200);
        assert_eq!(answer.body["unread_count"], answer.body["count"]);
        answer.body["unread_count"].as_i64().unwrap()
    }
}

impl TestApp {
    /// Passes all announcements to everybody on, as the worker does.
    pub(super) async fn spread_announcements(&self) {
        while self.app.notifications.spread(&self.cx()).await.unwrap() > 0 {}
        assert_eq!(self.one("SELECT count(*) FROM jobs WHERE kind = 'system_announcement'").await, "0");
    }

    /// Tells of all events there are, as the worker does.
    pub(super) async fn tell_of_events(&self) {
        while self.app.notifications.dispatch(&self.cx()).await.unwrap() > 0 {}
        assert_eq!(self.one("SELECT count(*) FROM jobs WHERE kind = 'event'").await, "0");
    }
}
