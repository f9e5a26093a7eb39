//! `Idempotency-Key`: a POST that is sent again, because its answer was lost on the way, is not carried out again but
//! answered as before, for 24 hours.
//!
//! - A key belongs to its caller. The same key with another request is refused with 422, and with 409 while the first
//!   attempt is still running.
//! - An answer is kept when the request succeeded or changed something. A refusal that changed nothing is not: the
//!   client can mend the request and send it under the same key.
//! - Work under a key goes on when the client hangs up, so that its answer is there when the client comes back.

mod answer;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use db::Db;
use db::idempotency::{self, Claim};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};
use kernel::{Actor, Conditions, Ctx, Redacted};
use sha2::{Digest as _, Sha256};
use tracing::Instrument as _;

use crate::auth::MaybeAuth;
use crate::body::collect;
use crate::{ApiError, Code};
use answer::Kept;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// On answers that were given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Put it into the extensions of an answer that must be found anew each time, key or not.
#[derive(Debug, Clone, Copy)]
pub struct NeverKept;

/// What the middleware needs. Cheap to clone.
#[derive(Clone)]
pub struct Idempotency {
    db: Db,
    secret: Arc<Redacted<[u8; 32]>>,
}

impl Idempotency {
    /// `secret` keeps what is stored from being read in the database; replicas share it.
    pub fn new(db: Db, secret: &Redacted<String>) -> Self {
        let secret = keyed(secret.expose().as_bytes(), &[b"idempotency"]);
        Self { db, secret: Arc::new(Redacted::new(secret)) }
    }

    /// Everything that makes a request this one. A plain digest would let whoever reads the table try passwords on it.
    fn content(&self, parts: &Parts, body: &[u8]) -> Vec<u8> {
        let media = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        keyed(self.secret.expose(), &[b"request", path.as_bytes(), query.as_bytes(), media, body]).to_vec()
    }
}

/// Install with `axum::middleware::from_fn_with_state(idempotency, idempotent)`, around the time limit.
pub async fn idempotent(State(this): State<Idempotency>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match once(this, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn once(this: Idempotency, request: Request, next: Next) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let key = key(&parts)?;
    let cx = parts.extensions.get::<Ctx>().cloned().ok_or_else(|| ApiError::internal("no request context"))?;
    let body = collect(body).await?;
    let request = idempotency::Request {
        caller: caller(&mut parts).await?,
        key: Sha256::digest(&key).to_vec(),
        content: this.content(&parts, &body),
    };
    let work = async move { under_key(this, cx, &request, Request::from_parts(parts, Body::from(body)), next).await };
    // On a task of its own from the claim on: a key whose client hung up would else be taken without anybody at work.
    tokio::spawn(work.in_current_span()).await.unwrap_or_else(|error| Err(ApiError::internal(error)))
}

/// Carries the request out under a claim of its key, or answers what the key stands for already.
async fn under_key(
    this: Idempotency,
    cx: Ctx,
    key: &idempotency::Request,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let seal = answer::Seal::new(this.secret.expose(), key);
    let claim = match this.db.claim(&cx, key).await? {
        Claim::Won(claim) => claim,
        Claim::Answered(sealed) => return seal.open(&sealed).map(replay).ok_or_else(answer_lost),
        Claim::Running => return Err(running()),
        Claim::AnswerLost => return Err(answer_lost()),
        Claim::OtherContent => {
            return Err(ApiError::new(Code::KeyReused, "Idempotency key reused").message(
                "This Idempotency-Key came with another request before; send each new request under a key of its own",
            ));
        }
    };
    let conditions = Arc::new(Conditions::once(claim));
    request.extensions_mut().insert(cx.with_conditions(Arc::clone(&conditions)));
    let response = next.run(request).await;
    finish(&this.db, &cx, claim, &seal, &conditions, response).await
}

/// Keeps the answer, or gives the key back.
async fn finish(
    db: &Db,
    cx: &Ctx,
    claim: uuid::Uuid,
    seal: &answer::Seal,
    conditions: &Conditions,
    response: Response,
) -> Result<Response, ApiError> {
    let keep = (response.status().is_success() || conditions.is_applied())
        && response.extensions().get::<NeverKept>().is_none();
    let (parts, body) = response.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.map_err(ApiError::internal)?;
    let stored = if keep {
        let sealed = seal.close(cx.rng(), &Kept::of(&parts, &body));
        db.keep_answer(cx, claim, &sealed).await
    } else {
        db.release(cx, claim).await
    };
    if let Err(error) = stored {
        // The request itself is over. Sent again, it is told that its answer was lost, or is carried out anew if it
        // changed nothing.
        tracing::warn!(%error, "the answer to a request with an Idempotency-Key could not be kept");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(kept: Kept) -> Response {
    let mut response = kept.into_response();
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn running() -> ApiError {
    ApiError::conflict("Request in progress")
        .message("The first request with this Idempotency-Key is still running; repeat it in a second")
        .retry_after(1)
}

fn answer_lost() -> ApiError {
    ApiError::conflict("Answer lost").message(
        "The first request with this Idempotency-Key was carried out, but its answer was lost; read the object to see \
         the outcome, and use a new key to do it once more",
    )
}

fn key(parts: &Parts) -> Result<Vec<u8>, ApiError> {
    let mut values = parts.headers.get_all(KEY).iter();
    let key = values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes).unwrap_or_default();
    if (1..=255).contains(&key.len()) && key.iter().all(|byte| (0x20..0x7f).contains(byte)) {
        return Ok(key.to_vec());
    }
    Err(ApiError::bad_request("Invalid request headers")
        .field("idempotency-key", "must be 1 to 255 printable ASCII characters, sent once; a UUID is right"))
}

/// Whose key it is. A bad token is the handler's to refuse; where it is ignored, the caller is nobody in particular,
/// and the content, passwords and tokens included, has to match before anything is replayed.
async fn caller(parts: &mut Parts) -> Result<String, ApiError> {
    let cx = match MaybeAuth::from_request_parts(parts, &()).await {
        Ok(MaybeAuth(cx)) => cx,
        Err(error) if error.status().is_client_error() => return Ok("anonymous".to_owned()),
        Err(error) => return Err(error),
    };
    let id = |id: Option<String>| id.unwrap_or_default();
    Ok(match &cx.actor {
        Actor::User(user) => format!("user:{}", user.id),
        Actor::Internal { tenant, user } => {
            format!("service:{}:{}", id(tenant.map(|id| id.to_string())), id(user.map(|id| id.to_string())))
        }
        Actor::Anonymous | Actor::System(_) => "anonymous".to_owned(),
    })
}

/// An HMAC over parts kept apart by their lengths.
fn keyed(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("any length is a key"));
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
