//! A service that can be made to fail in the ways services fail, and clients that do not wait for it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use pyairtable_gateway::split::{Share, Splitter, StickyKey};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::support::{Client, token};

static HUGE: LazyLock<Bytes> = LazyLock::new(|| vec![b' '; 50_000_000].into());

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// So many of a thousand answers are 500.
    Errors(u64),
    /// Every answer takes so much longer.
    Slow(u64),
    /// No answer ever.
    Hang,
    /// Connections break for two thirds of each second.
    CrashLoop,
    /// Nobody listens.
    Gone,
    /// A field has another type.
    WrongBody,
    /// Somebody else's data.
    WrongTenant,
    /// Data from some time ago.
    Stale,
    /// Each answer takes longer than the one before, as with a heap that fills.
    Leak,
    /// One connection to the database for everybody; who waits too long gets 503.
    Pool,
    /// One of forty endpoints always fails.
    OneEndpoint,
    /// Every answer has 50 MB.
    Huge,
}

pub(crate) struct Faulty {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct State {
    fault: Mutex<Fault>,
    served: AtomicU64,
    written: AtomicU64,
    shadowed: AtomicU64,
    since_fault: AtomicU64,
    pool: Semaphore,
    began: Instant,
    /// What both sides read, as they share a database.
    data: Arc<AtomicU64>,
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Faulty {
    pub(crate) async fn start(data: &Arc<AtomicU64>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            fault: Mutex::new(Fault::None),
            served: AtomicU64::new(0),
            written: AtomicU64::new(0),
            shadowed: AtomicU64::new(0),
            since_fault: AtomicU64::new(0),
            pool: Semaphore::new(1),
            began: Instant::now(),
            data: Arc::clone(data),
        });
        let serving = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let state = Arc::clone(&serving);
                connections.spawn(async move {
                    let service = hyper::service::service_fn(move |request| answer(Arc::clone(&state), request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, state, task: Mutex::new(Some(task)) }
    }

    fn stop(&self) {
        if let Some(task) = self.task.lock().unwrap().take() {
            task.abort();
        }
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.state.since_fault.store(0, Ordering::SeqCst);
        *self.state.fault.lock().unwrap() = fault;
        if fault == Fault::Gone {
            self.stop();
        }
    }

    /// Requests it got, apart from checks and those of the shadow.
    pub(crate) fn served(&self) -> u64 {
        self.state.served.load(Ordering::SeqCst)
    }

    /// Requests of the shadow.
    pub(crate) fn shadowed(&self) -> u64 {
        self.state.shadowed.load(Ordering::SeqCst)
    }

    /// Requests that are no reads.
    pub(crate) fn written(&self) -> u64 {
        self.state.written.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let fault = *state.fault.lock().unwrap();
    let is_down = fault == Fault::CrashLoop && state.began.elapsed().as_millis() % 1000 < 666;
    if is_down {
        return Err(std::io::ErrorKind::ConnectionReset.into());
    }
    let path = request.uri().path();
    let mut data = state.data.load(Ordering::SeqCst);
    let mut status = StatusCode::OK;
    if path != "/health" {
        let is_shadow = request.headers().contains_key("x-gateway-shadow");
        if is_shadow { &state.shadowed } else { &state.served }.fetch_add(1, Ordering::SeqCst);
        if request.method() != Method::GET {
            state.written.fetch_add(1, Ordering::SeqCst);
        }
        let nth = state.since_fault.fetch_add(1, Ordering::SeqCst);
        match fault {
            Fault::Errors(of_thousand) if (nth * of_thousand) % 1000 < of_thousand => {
                status = StatusCode::INTERNAL_SERVER_ERROR;
            }
            Fault::OneEndpoint if path.ends_with("/a") => status = StatusCode::INTERNAL_SERVER_ERROR,
            Fault::Slow(millis) => sleep(Duration::from_millis(millis)).await,
            Fault::Leak => sleep(Duration::from_millis(4 * nth)).await,
            Fault::Hang => std::future::pending().await,
            Fault::Stale => data = data.saturating_sub(1000),
            Fault::Pool => match timeout(Duration::from_millis(300), state.pool.acquire()).await {
                Ok(_permit) => sleep(Duration::from_millis(200)).await,
                Err(_) => status = StatusCode::SERVICE_UNAVAILABLE,
            },
            _ => {}
        }
    }
    let tenant = if fault == Fault::WrongTenant { "t-2" } else { "t-1" };
    let name = if fault == Fault::WrongBody { json!(null) } else { json!("Ada") };
    let body = match fault {
        Fault::Huge => HUGE.clone(),
        _ => json!({"path": path, "tenant_id": tenant, "name": name, "version": data}).to_string().into(),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", "application/json".parse().unwrap());
    Ok(response)
}

/// What clients met.
#[derive(Debug, Default)]
pub(crate) struct Met {
    pub(crate) requests: AtomicU64,
    /// Failed, or no answer within five seconds.
    pub(crate) failed: AtomicU64,
    pub(crate) millis: Mutex<Vec<f64>>,
}

/// Clients that ask at a fixed rate, whatever becomes of the requests before: a tenth of them are on the new side when
/// the share is a tenth. One of five requests is a write.
pub(crate) struct Load {
    pub(crate) met: Arc<Met>,
    task: JoinHandle<()>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Load {
    pub(crate) fn start(address: SocketAddr, per_second: u64) -> Self {
        let met = Arc::new(Met::default());
        let counted = Arc::clone(&met);
        let task = tokio::spawn(async move {
            let people = people();
            let idle: Arc<Mutex<Vec<Client>>> = Arc::default();
            let mut requests = tokio::task::JoinSet::new();
            let mut interval = tokio::time::interval(Duration::from_micros(1_000_000 / per_second));
            for n in 0_usize.. {
                interval.tick().await;
                while requests.try_join_next().is_some() {}
                // No pattern of endpoints and people that fits together.
                let bearer = people[(n * 7 + n / 100) % 100].clone();
                let (idle, met) = (Arc::clone(&idle), Arc::clone(&counted));
                let word = n / 3 % 40;
                requests.spawn(async move {
                    let kept = idle.lock().unwrap().pop();
                    let mut client = match kept {
                        Some(client) => client,
                        None => Client::connect(address).await,
                    };
                    let letter = char::from(b'a' + u8::try_from(word % 20).unwrap());
                    let path = format!("/api/v1/users/{}{letter}", if word < 20 { "" } else { "x/" });
                    let headers = [("authorization", &*bearer)];
                    let (method, body) = if n % 5 == 0 { ("POST", "{}") } else { ("GET", "") };
                    let began = Instant::now();
                    let answer = timeout(Duration::from_secs(5), client.try_send(method, &path, &headers, body)).await;
                    met.requests.fetch_add(1, Ordering::SeqCst);
                    met.millis.lock().unwrap().push(began.elapsed().as_secs_f64() * 1000.0);
                    match answer {
                        Ok(Ok(answer)) => {
                            if answer.status.is_server_error() {
                                met.failed.fetch_add(1, Ordering::SeqCst);
                            }
                            idle.lock().unwrap().push(client);
                        }
                        _ => {
                            met.failed.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        Self { met, task }
    }
}

/// Bearers of a hundred people, of whom ten are on the new side at a share of a tenth.
fn people() -> Vec<String> {
    let (splitter, tenth) = (Splitter::new(""), Share::from_basis_points(1000));
    let (mut new, mut old) = (Vec::new(), Vec::new());
    for n in 0.. {
        let user = format!("user-{n}");
        let side = if tenth.takes(splitter.position(StickyKey::User(&user))) { &mut new } else { &mut old };
        side.push(format!("Bearer {}", token(&user, "t-1")));
        if new.len() >= 10 && old.len() >= 90 {
            break;
        }
    }
    let old = old.into_iter().take(90).collect::<Vec<_>>();
    new.into_iter().take(10).zip(old.chunks(9)).flat_map(|(new, old)| [&[new], old].concat()).collect()
}
