//! Asks a side on connections of the shadow's own: it must not take one from a client, nor make a service look unwell.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Request;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::{Body as _, Bytes};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::capture::{LARGEST, text};
use super::compare::Answer;
use super::question::Question;
use crate::forced::Side;
use crate::routes::Endpoint;

/// Whoever takes longer is not compared.
const PATIENCE: Duration = Duration::from_secs(3);
/// Services close idle connections after 75 s or later.
const IDLE: Duration = Duration::from_secs(20);

type Sender = SendRequest<Empty<Bytes>>;

/// Why there is nothing to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// It was not asked, or took longer than the shadow waits: that says nothing about it.
    Nothing,
    /// Nobody took the question, or the answer broke off, twice.
    Broken,
    TooLarge,
    Encoded,
}

#[derive(Default)]
pub(super) struct Asker {
    idle: Mutex<BTreeMap<Endpoint, Vec<(Sender, Instant)>>>,
    turn: AtomicUsize,
}

impl Asker {
    /// Asks `side` the same.
    pub(super) async fn ask(&self, question: &Question, side: Side) -> Result<Answer, Unanswered> {
        match timeout(PATIENCE, self.asked(question, side)).await {
            Ok(answer) => answer,
            Err(_) => Err(Unanswered::Nothing),
        }
    }

    async fn asked(&self, question: &Question, side: Side) -> Result<Answer, Unanswered> {
        // As for a client's read, an instance that restarts is no side that fails, nor is a connection grown old.
        match self.once(question, side, true).await {
            Err(Unanswered::Broken) => self.once(question, side, false).await,
            answer => answer,
        }
    }

    async fn once(&self, question: &Question, side: Side, may_be_old: bool) -> Result<Answer, Unanswered> {
        let upstream = question.upstream(side);
        let (now, turn) = (Instant::now(), self.turn.fetch_add(1, Ordering::Relaxed));
        let well: Vec<_> = upstream.instances.iter().filter(|instance| instance.health.is_well(now)).collect();
        let instance = well.get(turn % well.len().max(1)).ok_or(Unanswered::Nothing)?;
        let mut sender = self.connection(&instance.endpoint, may_be_old).await.ok_or(Unanswered::Broken)?;
        let mut request = Request::builder()
            .method(question.method.clone())
            .uri(question.path(side))
            .body(Empty::new())
            .map_err(|_| Unanswered::Nothing)?;
        *request.headers_mut() = question.headers(side);
        let response = sender.send_request(request).await.map_err(|_| Unanswered::Broken)?;
        let (head, body) = response.into_parts();
        if head.headers.contains_key(http::header::CONTENT_ENCODING) {
            return Err(Unanswered::Encoded);
        }
        // Not even the beginning of it is read, and the connection is given up.
        if body.size_hint().lower() > LARGEST as u64 {
            return Err(Unanswered::TooLarge);
        }
        let body = match Limited::new(body, LARGEST).collect().await {
            Ok(body) => body.to_bytes().to_vec(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => return Err(Unanswered::TooLarge),
            Err(_) => return Err(Unanswered::Broken),
        };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.entry(instance.endpoint.clone()).or_default().push((sender, now));
        drop(idle);
        Ok(Answer { status: head.status.as_u16(), content_type: text(&head.headers), body })
    }

    async fn connection(&self, endpoint: &Endpoint, may_be_old: bool) -> Option<Sender> {
        let kept = || {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.get_mut(endpoint).filter(|_| may_be_old)?.pop()
        };
        while let Some((mut sender, since)) = kept() {
            if since.elapsed() < IDLE && sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
        let stream = TcpStream::connect(endpoint.host_and_port()).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection of the shadow failed");
            }
        });
        Some(sender)
    }
}
