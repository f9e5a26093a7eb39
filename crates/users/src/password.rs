//! Password hashing, off the async threads and bounded.
//!
//! A check costs one hash whatever the outcome: unknown person, wrong password, inactive account, malformed stored
//! hash and empty password cannot be told apart by time. (While hashes of an older scheme are still stored, their
//! owners' checks cost what that scheme costs; each is replaced at its owner's next log-in.)

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use kernel::{Redacted, Rng};
use tokio::sync::Semaphore;

use crate::UserError;

/// How new passwords are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// 19 MiB, two passes: 17 ms of CPU, a third of what bcrypt costs for more safety.
    Argon2id,
    /// `$2a$`, cost 10: all that the old services can verify (T-36).
    Bcrypt,
}

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// The most a stored hash may ask for: 256 MiB.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const BCRYPT_COST: u32 = 10;
/// How a stored hash begins when it is of the current argon2 parameters.
const CURRENT_ARGON2: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
/// Hashes of a random, forgotten password: what is checked when there is nothing to check.
const DUMMY_ARGON2: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Ir5qLJL48QgP1z5MHT5VOg$Zfqby2e8AxLcDXRytI+flZRLEw16fnQ0dFkZYj8n3+w";
const DUMMY_BCRYPT: &str = "$2a$10$Gp3oJHJ26OeNzx3KFR3TMe35dbUnHhz7awpkiJksZzXlWLSTEAs92";
/// Stored for accounts created without a password: no scheme accepts it, and it is not NULL (T-37).
pub(crate) const NO_PASSWORD: &str = "!";
/// bcrypt reads no further.
pub(crate) const BCRYPT_MAX_BYTES: usize = 72;

/// Hashes running and waiting; more are turned away, so that a flood of log-ins cannot pile up work.
const QUEUE: usize = 64;

/// The outcome of checking a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) matches: bool,
    /// The stored hash is of another scheme or cost than new ones.
    pub(crate) outdated: bool,
}

pub(crate) struct Passwords {
    scheme: Scheme,
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Passwords {
    pub(crate) fn new(scheme: Scheme) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // Half the cores: log-ins must not starve everything else.
        Self { scheme, running: Arc::new(Semaphore::new((cores / 2).max(1))), waiting: AtomicUsize::new(0) }
    }

    pub(crate) const fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(crate) async fn hash(&self, password: Redacted<String>, rng: &dyn Rng) -> Result<String, UserError> {
        let salt = rng.bytes::<16>();
        let scheme = self.scheme;
        self.run(move || hash(scheme, password.expose(), salt)).await
    }

    /// Checks `password` against `stored`, or against nothing at the same cost.
    pub(crate) async fn verify(
        &self,
        password: Redacted<String>,
        stored: Option<String>,
    ) -> Result<Verdict, UserError> {
        let scheme = self.scheme;
        self.run(move || verify(scheme, password.expose(), stored.as_deref())).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, UserError> {
        let _place = Place::take(&self.waiting).ok_or(UserError::Busy)?;
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(|_| UserError::Busy)?;
        tokio::task::spawn_blocking(move || {
            // Held by the work, not by the request: a client that goes away does not make room for another hash.
            let _permit = permit;
            work()
        })
        .await
        .map_err(|_| UserError::Busy)
    }
}

struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < QUEUE).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Empty, which nothing verifies against, only if the inputs were out of range; callers checked them.
fn hash(scheme: Scheme, password: &str, salt: [u8; 16]) -> String {
    match scheme {
        Scheme::Argon2id => argon2()
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map_or_else(|_| NO_PASSWORD.to_owned(), |hash| hash.to_string()),
        // `NewPassword` refused more than 72 bytes; the crate's own check would already refuse the 72nd.
        Scheme::Bcrypt => bcrypt::hash_with_salt(password, BCRYPT_COST, salt)
            .map_or_else(|_| NO_PASSWORD.to_owned(), |parts| parts.format_for_version(bcrypt::Version::TwoA)),
    }
}

fn verify(scheme: Scheme, password: &str, stored: Option<&str>) -> Verdict {
    let dummy = match scheme {
        Scheme::Argon2id => DUMMY_ARGON2,
        Scheme::Bcrypt => DUMMY_BCRYPT,
    };
    let checked = stored.and_then(|stored| check(password, stored));
    let matches = checked.unwrap_or_else(|| {
        let _ = check(password, dummy);
        false
    });
    let outdated = scheme == Scheme::Argon2id && stored.is_some_and(|stored| !stored.starts_with(CURRENT_ARGON2));
    Verdict { matches, outdated }
}

/// `None` when `stored` is no hash, in which case no work was done.
fn check(password: &str, stored: &str) -> Option<bool> {
    if stored.starts_with("$argon2") {
        let parsed = argon2::PasswordHash::new(stored).ok()?;
        // What is stored decides how much memory is taken; a row that asks for terabytes is no hash of ours.
        Params::try_from(&parsed).ok().filter(|params| params.m_cost() <= MOST_MEMORY_KIB && params.t_cost() <= 64)?;
        return Some(argon2().verify_password(password.as_bytes(), &parsed).is_ok());
    }
    // Only the first 72 bytes count, as they did when the hash was made (T-36).
    let bytes = password.as_bytes();
    bcrypt::verify(&bytes[..bytes.len().min(BCRYPT_MAX_BYTES)], stored).ok()
}

#[cfg(test)]
mod tests {
    use super::{DUMMY_ARGON2, DUMMY_BCRYPT, NO_PASSWORD, Scheme, check, hash, verify};

    #[test]
    fn hash_of_each_scheme_verifies_and_is_told_apart() {
        let argon2 = hash(Scheme::Argon2id, "correct horse", [7; 16]);
        let bcrypt = hash(Scheme::Bcrypt, "correct horse", [7; 16]);
        assert!(bcrypt.starts_with("$2a$10$") && bcrypt.len() == 60, "{bcrypt}");
        for stored in [&argon2, &bcrypt] {
            assert!(verify(Scheme::Argon2id, "correct horse", Some(stored)).matches);
            assert!(!verify(Scheme::Argon2id, "battery staple", Some(stored)).matches);
        }
        assert!(!verify(Scheme::Argon2id, "x", Some(&argon2)).outdated);
        assert!(verify(Scheme::Argon2id, "x", Some(&bcrypt)).outdated);
        // In coexistence nothing is ever rehashed: the old services could not read it (T-36).
        assert!(!verify(Scheme::Bcrypt, "x", Some(&argon2)).outdated);
    }

    #[test]
    fn verify_accepts_every_bcrypt_prefix_and_cost() {
        let parts = bcrypt::hash_with_salt("correct horse", 4, [9; 16]).unwrap();
        for version in [bcrypt::Version::TwoA, bcrypt::Version::TwoB, bcrypt::Version::TwoY] {
            assert_eq!(check("correct horse", &parts.format_for_version(version)), Some(true));
        }
    }

    #[test]
    fn verify_of_nothing_or_garbage_is_false_and_still_hashes() {
        assert_eq!(check("x", DUMMY_ARGON2), Some(false));
        assert_eq!(check("x", DUMMY_BCRYPT), Some(false));
        for stored in [
            None,
            Some(NO_PASSWORD),
            Some(""),
            Some("$2b$12$tooshort"),
            Some("$argon2id$v=19$garbage"),
            Some(
                "$argon2id$v=19$m=4294967295,t=2,p=1$Ir5qLJL48QgP1z5MHT5VOg$Zfqby2e8AxLcDXRytI+flZRLEw16fnQ0dFkZYj8n3+w",
            ),
        ] {
            for scheme in [Scheme::Argon2id, Scheme::Bcrypt] {
                assert!(!verify(scheme, "", stored).matches, "{stored:?}");
            }
        }
    }

    #[test]
    fn bcrypt_reads_72_bytes_as_the_old_services_did() {
        let long = "a".repeat(72);
        let stored = hash(Scheme::Bcrypt, &long, [1; 16]);
        assert_eq!(check(&format!("{long}ZZZ"), &stored), Some(true));
    }
}
