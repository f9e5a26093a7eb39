//! Webhooks: who sets them up, what is posted, and what is never connected to.

mod access;
mod corpus;
mod deliver;
mod endpoints;
mod guard;
mod redrive;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::routing::any;
use db::events::Event;
use jiff::SignedDuration;
use kernel::TenantId;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Person, TestApp};

/// What a receiver got.
#[derive(Debug, Clone)]
pub(super) struct Post {
    path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Post {
    fn header(&self, name: &str) -> String {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap().to_owned()
    }
}

/// A web server that takes what is posted to it.
pub(super) struct Receiver {
    pub(super) url: String,
    posts: Arc<Mutex<Vec<Post>>>,
    answer: Arc<Mutex<StatusCode>>,
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks?from=platform", listener.local_addr().unwrap());
        let posts: Arc<Mutex<Vec<Post>>> = Arc::default();
        let answer = Arc::new(Mutex::new(StatusCode::NO_CONTENT));
        let (kept, told) = (Arc::clone(&posts), Arc::clone(&answer));
        let take = any(move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let body = String::from_utf8(body.to_vec()).unwrap();
            kept.lock().unwrap().push(Post { path: uri.to_string(), headers, body });
            let status = *told.lock().unwrap();
            // Whoever followed this would post a second time.
            let location = [("location", HeaderValue::from_static("/elsewhere"))];
            async move { (status, location) }
        });
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take)).await });
        Self { url, posts, answer }
    }

    pub(super) fn answers(&self, status: u16) {
        *self.answer.lock().unwrap() = StatusCode::from_u16(status).unwrap();
    }

    pub(super) fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }
}

/// The program, posting to this machine too.
async fn app() -> TestApp {
    TestApp::with(|parts| parts.webhooks_allow_private = true).await
}

/// A new webhook; the answer has its secret.
async fn webhook(admin: &Person, body: &Value) -> Value {
    admin.http.post("/webhooks").json(body).send().await.expect(201).body
}

/// A webhook that gets everything at `receiver`; its path.
async fn everything_to(admin: &Person, receiver: &Receiver) -> String {
    let made = webhook(admin, &json!({ "url": receiver.url })).await;
    format!("/webhooks/{}", made["id"].as_str().unwrap())
}

impl TestApp {
    /// Something happens in the tenant of `person`, and nothing else: not what it took to get there.
    async fn happens(&self, person: &Person, name: &'static str) {
        self.sql("DELETE FROM jobs WHERE kind = 'event'").await;
        let cx = self.cx();
        let tx = self.pool().begin_system(&cx, "a test").await.unwrap();
        let tenant: TenantId = person.tenant.parse().unwrap();
        tx.emit(&cx, Event { name, tenant, data: json!({ "what": "ünicode \"quoted\"" }) }).await.unwrap();
        tx.commit().await.unwrap();
        while self.app.notifications.dispatch(&cx).await.unwrap() > 0 {}
    }

    /// Posts everything that is due; returns how often it was tried.
    pub(super) async fn deliver(&self) -> usize {
        let mut tried = 0;
        loop {
            match self.app.notifications.deliver(&self.cx()).await.unwrap() {
                0 => return tried,
                more => tried += more,
            }
        }
    }

    /// Lets as much time pass as the longest wait takes.
    async fn deliver_later(&self) -> usize {
        self.clock.advance(SignedDuration::from_hours(9));
        self.deliver().await
    }
}
