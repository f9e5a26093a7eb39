//! Secrets and signatures, after the Standard Webhooks specification: receivers check them with any of its libraries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use kernel::Rng;
use uuid::Uuid;

use crate::seal::{Seal, mac};

/// What a webhook signs with.
pub(crate) struct Secret([u8; 32]);

impl Secret {
    pub(crate) fn new(rng: &dyn Rng) -> Self {
        Self(rng.bytes())
    }

    /// As it was sealed; `None` when it is none.
    pub(crate) fn opened(seal: &Seal, owner: Uuid, sealed: &[u8]) -> Option<Self> {
        seal.open(owner, sealed)?.try_into().ok().map(Self)
    }

    /// As it is stored.
    pub(crate) fn sealed(&self, seal: &Seal, rng: &dyn Rng, owner: Uuid) -> Vec<u8> {
        seal.close(rng, owner, &self.0)
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
