//! Tokens that were verified lately, so that a client pays for its signature once and not with every request.
//!
//! Only what was verified is remembered, under the token's digest and never the token itself, and the times in it are
//! looked at each time. The secret does not change while the gateway runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::identity::{Identity, Verified, Verifier, bearer};

/// Tokens of one generation; two are remembered, which are 3 MB or less.
const MOST: usize = 4096;

type Digest = [u8; 32];

/// What one thread remembers.
pub(crate) struct Known {
    verifier: Verifier,
    recent: Mutex<Generations>,
}

/// When `young` is full it becomes `old`, and whoever is not asked for meanwhile is forgotten.
#[derive(Default)]
struct Generations {
    young: HashMap<Digest, Arc<Verified>>,
    old: HashMap<Digest, Arc<Verified>>,
}

impl Generations {
    fn find(&mut self, digest: &Digest) -> Option<Arc<Verified>> {
        if let Some(found) = self.young.get(digest) {
            return Some(Arc::clone(found));
        }
        let found = self.old.remove(digest)?;
        self.keep(*digest, Arc::clone(&found));
        Some(found)
    }

    fn keep(&mut self, digest: Digest, verified: Arc<Verified>) {
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, verified);
    }
}

impl Known {
    pub(crate) fn new(verifier: Verifier) -> Self {
        Self { verifier, recent: Mutex::default() }
    }

    /// Whom an `Authorization` header names, if its token is good at `now`.
    pub(crate) fn identity(&self, authorization: &str, now: Timestamp) -> Option<Arc<Identity>> {
        let token = bearer(authorization)?;
        let digest = Sha256::digest(token.as_bytes()).into();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let verified = if let Some(found) = recent.find(&digest) {
            found
        } else {
            let verified = Arc::new(self.verifier.verify(token)?);
            if verified.is_good(now) {
                recent.keep(digest, Arc::clone(&verified));
            }
            verified
        };
        verified.is_good(now).then(|| Arc::clone(&verified.identity))
    }
}

#[cfg(test)]
mod tests {

    use jiff::{SignedDuration, Timestamp};
    use kernel::Redacted;
    use serde_json::json;

    use super::{Known, MOST};
    use crate::identity::Verifier;
    use crate::identity::tests::{SECRET, now, signed};

    fn known() -> Known {
        Known::new(Verifier::new(&Redacted::new(SECRET.to_owned())))
    }

    fn bearer(user: &str, seconds: i64) -> String {
        let claims = json!({"user_id": user, "exp": now().as_second() + seconds});
        format!("Bearer {}", signed(jsonwebtoken::Algorithm::HS256, SECRET, &claims))
    }

    fn user(known: &Known, authorization: &str, at: Timestamp) -> Option<String> {
        known.identity(authorization, at)?.user.clone()
    }

    #[test]
    fn remembered_token_ends_when_it_says_and_another_signature_is_another_token() {
        let known = known();
        let header = bearer("u1", 10);
        for _ in 0..2 {
            assert_eq!(user(&known, &header, now()).as_deref(), Some("u1"));
        }
        assert_eq!(user(&known, &header, now() + SignedDuration::from_secs(10)), None);
        let (head, signature) = header.rsplit_once('.').unwrap();
        let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
        assert_eq!(user(&known, &forged, now()), None);
        let other = bearer("u2", 10);
        let (body, _) = other.rsplit_once('.').unwrap();
        assert_eq!(user(&known, &format!("{body}.{signature}"), now()), None, "a known signature under other claims");
    }

    #[test]
    fn memory_is_bounded_and_whoever_is_asked_for_stays() {
        let known = known();
        let regular = bearer("regular", 10);
        for n in 0..3 * MOST {
            user(&known, &bearer(&n.to_string(), 10), now()).unwrap();
            if n % 1000 == 0 {
                user(&known, &regular, now()).unwrap();
            }
        }
        for n in 0..100 {
            assert_eq!(user(&known, &format!("Bearer forged.{n}"), now()), None);
        }
        let recent = known.recent.lock().unwrap();
        let of_regular = |map: &std::collections::HashMap<_, std::sync::Arc<crate::identity::Verified>>| {
            map.values().any(|verified| verified.identity.user.as_deref() == Some("regular"))
        };
        assert!(recent.young.len() <= MOST && recent.old.len() <= MOST);
        assert!(of_regular(&recent.young) || of_regular(&recent.old));
    }
}
