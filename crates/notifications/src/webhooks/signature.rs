//! Secrets and signatures, after the Standard Webhooks specification: receivers check them with any of its libraries.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hmac::{Hmac, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use kernel::{Redacted, Rng};
use sha2::Sha256;
use uuid::Uuid;

/// What a webhook signs with.
pub(crate) struct Secret([u8; 32]);

impl Secret {
    pub(crate) fn new(rng: &dyn Rng) -> Self {
        Self(rng.bytes())
    }

    /// As receivers are given it.
    pub(crate) fn shown(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.0))
    }

    fn sign(&self, id: Uuid, second: i64, body: &str) -> String {
        format!("v1,{}", STANDARD.encode(mac(&self.0, format!("{id}.{second}.{body}").as_bytes())))
    }
}

/// The headers of a message, signed with each of `secrets`: while one is being exchanged there are two.
pub(crate) fn headers(id: Uuid, at: Timestamp, body: &str, secrets: &[Secret]) -> HeaderMap {
    let second = at.as_second();
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(id, second, body)).collect();
    let values = [
        ("webhook-id", id.to_string()),
        ("webhook-timestamp", second.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ];
    let header = |(name, value): (&'static str, String)| {
        Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))
    };
    values.into_iter().filter_map(header).collect()
}

/// Closes secrets before they are stored: whoever reads the table, or a backup of it, could sign in our name.
#[derive(Clone)]
pub(crate) struct Seal(Arc<Redacted<[u8; 32]>>);

impl Seal {
    /// Under a key made of `JWT_SECRET`.
    pub(crate) fn new(secret: &Redacted<String>) -> Self {
        Self(Arc::new(Redacted::new(mac(secret.expose().as_bytes(), b"secrets of webhooks"))))
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(self.0.expose().into())
    }

    /// It opens for the webhook `owner` only.
    pub(crate) fn close(&self, rng: &dyn Rng, owner: Uuid, secret: &Secret) -> Vec<u8> {
        let nonce = rng.bytes::<12>();
        let payload = Payload { msg: &secret.0, aad: owner.as_bytes() };
        let closed = self.cipher().encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        [&nonce[..], &closed].concat()
    }

    /// `None` when it was changed, moved to another webhook, or closed under another `JWT_SECRET`.
    pub(crate) fn open(&self, owner: Uuid, sealed: &[u8]) -> Option<Secret> {
        let (nonce, closed) = sealed.split_first_chunk::<12>()?;
        let payload = Payload { msg: closed, aad: owner.as_bytes() };
        let opened = self.cipher().decrypt(&Nonce::from(*nonce), payload).ok()?;
        Some(Secret(opened.try_into().ok()?))
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("any length is a key"));
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ones;

    impl Rng for Ones {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(1);
        }
    }

    #[test]
    fn a_secret_opens_for_its_own_webhook_and_key_only() {
        let seal = |key: &str| Seal::new(&Redacted::new(key.to_owned()));
        let (owner, secret) = (Uuid::from_u128(1), Secret::new(&Ones));
        let sealed = seal("a").close(&Ones, owner, &secret);
        assert_eq!(seal("a").open(owner, &sealed).map(|secret| secret.0), Some(secret.0));
        assert!(seal("b").open(owner, &sealed).is_none());
        assert!(seal("a").open(Uuid::from_u128(2), &sealed).is_none());
        assert!(!sealed.windows(32).any(|window| window == secret.0));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(seal("a").open(owner, &changed).is_none(), "{at}");
        }
        assert!(seal("a").open(owner, &sealed[..11]).is_none());
    }
}
