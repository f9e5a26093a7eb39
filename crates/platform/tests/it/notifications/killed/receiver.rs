//! A receiver of webhooks that can be killed: its sockets go with its runtime, whatever they were doing.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::any;
use tokio::runtime::Runtime;

/// What it got.
#[derive(Debug, Clone)]
pub(super) struct Receipt {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    /// Whether it was to be answered 2xx.
    pub(super) taken: bool,
}

impl Receipt {
    pub(super) fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }
}

#[derive(Default)]
struct Shared {
    receipts: Mutex<Vec<Receipt>>,
    /// Ids that were failed once.
    failed: Mutex<BTreeSet<String>>,
    delay: AtomicU64,
    moody: AtomicBool,
    busy: AtomicUsize,
}

pub(super) struct Receiver {
    at: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

impl Receiver {
    pub(super) fn start() -> Self {
        let at = testkit::port::free();
        let mut receiver = Self { at, shared: Arc::default(), runtime: None };
        receiver.revive();
        receiver
    }

    /// Where it listens for one of the webhooks.
    pub(super) fn url(&self, number: usize) -> String {
        format!("http://{}/{number}", self.at)
    }

    pub(super) fn kill(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
        self.shared.busy.store(0, Ordering::SeqCst);
    }

    /// Listens again where it did before.
    pub(super) fn revive(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (at, shared) = (self.at, Arc::clone(&self.shared));
        runtime.spawn(async move {
            let listener = loop {
                match tokio::net::TcpListener::bind(at).await {
                    Ok(listener) => break listener,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            };
            let take =
                any(move |uri: Uri, headers: HeaderMap, body: Bytes| take(Arc::clone(&shared), uri, headers, body));
            axum::serve(listener, Router::new().fallback(take)).await
        });
        self.runtime = Some(runtime);
    }

    pub(super) fn answer_after(&self, delay: Duration) {
        self.shared.delay.store(u64::try_from(delay.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// From now on it fails the first attempt of every third delivery.
    pub(super) fn fails_sometimes(&self) {
        self.shared.moody.store(true, Ordering::SeqCst);
    }

    /// Waits until it has so many requests that it has not answered.
    pub(super) fn until_busy(&self, requests: usize) {
        let began = Instant::now();
        while self.shared.busy.load(Ordering::SeqCst) < requests {
            assert!(began.elapsed() < Duration::from_mins(1), "nothing is posted");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(super) fn receipts(&self) -> Vec<Receipt> {
        self.shared.receipts.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn take(shared: Arc<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    shared.busy.fetch_add(1, Ordering::SeqCst);
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let third = id.bytes().fold(0_u32, |sum, byte| sum + u32::from(byte)).is_multiple_of(3);
    let fails = third && shared.moody.load(Ordering::SeqCst) && shared.failed.lock().unwrap().insert(id);
    let body = String::from_utf8(body.to_vec()).unwrap();
    shared.receipts.lock().unwrap().push(Receipt { path: uri.path().to_owned(), headers, body, taken: !fails });
    tokio::time::sleep(Duration::from_millis(shared.delay.load(Ordering::SeqCst))).await;
    let _ = shared.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |busy| busy.checked_sub(1));
    if fails { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::NO_CONTENT }
}
