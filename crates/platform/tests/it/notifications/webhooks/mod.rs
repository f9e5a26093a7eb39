//! Webhooks: who sets them up, what is posted, and what is never connected to.

mod access;
mod corpus;
mod created;
mod deliver;
mod endpoints;
mod fair;
mod guard;
mod redrive;
mod retry_after;
mod tls;
mod worker;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::header::{LOCATION, RETRY_AFTER};
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

/// How a receiver answers.
#[derive(Debug, Clone)]
struct Manner {
    status: StatusCode,
    headers: HeaderMap,
    after: Duration,
}

/// A web server that takes what is posted to it.
pub(super) struct Receiver {
    pub(super) url: String,
    posts: Arc<Mutex<Vec<Post>>>,
    manner: Arc<Mutex<Manner>>,
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks?from=platform", listener.local_addr().unwrap());
        let posts: Arc<Mutex<Vec<Post>>> = Arc::default();
        // Whoever followed this would post a second time.
        let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static("/elsewhere"))]);
        let manner = Manner { status: StatusCode::NO_CONTENT, headers, after: Duration::ZERO };
        let manner = Arc::new(Mutex::new(manner));
        let (kept, told) = (Arc::clone(&posts), Arc::clone(&manner));
        let take = any(move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let body = String::from_utf8(body.to_vec()).unwrap();
            kept.lock().unwrap().push(Post { path: uri.to_string(), headers, body });
            let Manner { status, headers, after } = told.lock().unwrap().clone();
            async move {
                tokio::time::sleep(after).await;
                (status, headers)
            }
        });
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take)).await });
        Self { url, posts, manner }
    }

    pub(super) fn answers(&self, status: u16) {
        self.manner.lock().unwrap().status = StatusCode::from_u16(status).unwrap();
    }

    fn asks_to_retry_after(&self, value: &str) {
        self.manner.lock().unwrap().headers.insert(RETRY_AFTER, value.parse().unwrap());
    }

    fn answers_after(&self, time: Duration) {
        self.manner.lock().unwrap().after = time;
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

    /// Waits until `query` answers `expected`.
    async fn becomes(&self, query: &str, expected: &str) {
        let began = Instant::now();
        loop {
            let answer = self.one(query).await;
            if answer == expected {
                return;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "{query}: {answer}, not {expected}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
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
