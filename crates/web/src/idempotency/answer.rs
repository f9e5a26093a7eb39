//! A kept answer, sealed: answers carry tokens, and whoever reads the table, or a backup of it, must not get them.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use db::idempotency::Request;
use http::header::{CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use kernel::Rng;
use serde::{Deserialize, Serialize};

use super::keyed;

/// The headers that belong to an answer rather than to its transport.
const HEADERS: [HeaderName; 4] = [CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER];

/// What is kept of an answer.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Kept {
    pub(super) fn of(parts: &Parts, body: &Bytes) -> Self {
        let header = |name: &HeaderName| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        };
        Self {
            status: parts.status.as_u16(),
            headers: HEADERS.iter().filter_map(header).collect(),
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }
}

impl IntoResponse for Kept {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// Closes and opens the answer to one request; it fits no other.
pub(super) struct Seal {
    cipher: ChaCha20Poly1305,
    bound_to: Vec<u8>,
}

impl Seal {
    pub(super) fn new(secret: &[u8; 32], request: &Request) -> Self {
        Self {
            cipher: ChaCha20Poly1305::new(&keyed(secret, &[b"answer"]).into()),
            bound_to: keyed(secret, &[request.caller.as_bytes(), &request.key, &request.content]).to_vec(),
        }
    }

    pub(super) fn close(&self, rng: &dyn Rng, kept: &Kept) -> Vec<u8> {
        let nonce = rng.bytes::<12>();
        let text = serde_json::to_vec(kept).unwrap_or_default();
        let payload = Payload { msg: &text, aad: &self.bound_to };
        let closed = self.cipher.encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        [&nonce[..], &closed].concat()
    }

    /// `None` when it was changed, or closed under another secret.
    pub(super) fn open(&self, sealed: &[u8]) -> Option<Kept> {
        let (nonce, closed) = sealed.split_first_chunk::<12>()?;
        let payload = Payload { msg: closed, aad: &self.bound_to };
        let text = self.cipher.decrypt(&Nonce::from(*nonce), payload).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;

    impl Rng for Zeros {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    fn request(key: u8) -> Request {
        Request { caller: "anonymous".to_owned(), key: vec![key], content: vec![2] }
    }

    fn kept() -> Kept {
        Kept { status: 201, headers: vec![("etag".to_owned(), "\"x\"".to_owned())], body: "{\"token\":1}".to_owned() }
    }

    #[test]
    fn an_answer_opens_for_its_own_request_only() {
        let sealed = Seal::new(&[7; 32], &request(1)).close(&Zeros, &kept());
        let opened = Seal::new(&[7; 32], &request(1)).open(&sealed).unwrap();
        assert_eq!((opened.status, opened.body.as_str(), opened.headers), (201, "{\"token\":1}", kept().headers));
        assert!(Seal::new(&[7; 32], &request(9)).open(&sealed).is_none());
        assert!(Seal::new(&[8; 32], &request(1)).open(&sealed).is_none());
    }

    #[test]
    fn an_answer_shows_nothing_and_no_change_of_it_goes_unseen() {
        let seal = Seal::new(&[7; 32], &request(1));
        let sealed = seal.close(&Zeros, &kept());
        assert!(!sealed.windows(5).any(|window| window == b"token"));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(seal.open(&changed).is_none(), "{at}");
        }
        assert!(seal.open(&sealed[..11]).is_none());
    }
}
