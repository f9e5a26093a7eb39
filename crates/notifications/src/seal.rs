//! What the tables keep closed: whoever reads them, or a backup of them, could sign in our name, verify others'
//! addresses or accept their invitations.

use std::sync::Arc;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hmac::{Hmac, Mac as _};
use kernel::{Redacted, Rng};
use sha2::Sha256;
use uuid::Uuid;

/// Closes what is stored, under a key made of `JWT_SECRET`.
#[derive(Clone)]
pub(crate) struct Seal(Arc<Redacted<[u8; 32]>>);

impl Seal {
    pub(crate) fn new(secret: &Redacted<String>) -> Self {
        Self(Arc::new(Redacted::new(mac(secret.expose().as_bytes(), b"secrets of webhooks"))))
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(self.0.expose().into())
    }

    /// It opens for the row `owner` only.
    pub(crate) fn close(&self, rng: &dyn Rng, owner: Uuid, open: &[u8]) -> Vec<u8> {
        let nonce = rng.bytes::<12>();
        let payload = Payload { msg: open, aad: owner.as_bytes() };
        let closed = self.cipher().encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        [&nonce[..], &closed].concat()
    }

    /// `None` when it was changed, moved to another row, or closed under another `JWT_SECRET`.
    pub(crate) fn open(&self, owner: Uuid, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, closed) = sealed.split_first_chunk::<12>()?;
        let payload = Payload { msg: closed, aad: owner.as_bytes() };
        self.cipher().decrypt(&Nonce::from(*nonce), payload).ok()
    }

    /// What is stored of a word too short to be kept by its plain digest.
    pub(crate) fn digest(&self, owner: Uuid, word: &str) -> [u8; 32] {
        mac(self.0.expose(), &[owner.as_bytes(), word.as_bytes()].concat())
    }

    /// Whether `word` is what `digest` was made of; takes as long whether it is or not.
    pub(crate) fn is_digest_of(&self, owner: Uuid, word: &str, digest: &[u8]) -> bool {
        keyed(self.0.expose(), &[owner.as_bytes(), word.as_bytes()].concat()).verify_slice(digest).is_ok()
    }
}

fn keyed(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("any length is a key"));
    mac.update(message);
    mac
}

pub(crate) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    keyed(key, message).finalize().into_bytes().into()
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

    fn seal(key: &str) -> Seal {
        Seal::new(&Redacted::new(key.to_owned()))
    }

    #[test]
    fn what_is_sealed_opens_for_its_own_row_and_key_only() {
        let (owner, secret) = (Uuid::from_u128(1), [7; 32]);
        let sealed = seal("a").close(&Ones, owner, &secret);
        assert_eq!(seal("a").open(owner, &sealed).as_deref(), Some(&secret[..]));
        assert!(seal("b").open(owner, &sealed).is_none());
        assert!(seal("a").open(Uuid::from_u128(2), &sealed).is_none());
        assert!(!sealed.windows(32).any(|window| window == secret));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(seal("a").open(owner, &changed).is_none(), "{at}");
        }
        assert!(seal("a").open(owner, &sealed[..11]).is_none());
    }

    #[test]
    fn digests_are_of_one_word_one_row_and_one_key() {
        let (owner, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let digest = seal("a").digest(owner, "12345678");
        assert!(seal("a").is_digest_of(owner, "12345678", &digest));
        assert!(!seal("a").is_digest_of(owner, "12345679", &digest));
        assert!(!seal("a").is_digest_of(other, "12345678", &digest));
        assert!(!seal("b").is_digest_of(owner, "12345678", &digest));
        assert!(!seal("a").is_digest_of(owner, "12345678", &digest[..31]));
    }
}
