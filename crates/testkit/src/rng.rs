//! Randomness that can be replayed.

use std::sync::Mutex;

use kernel::Rng;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// The same bytes for the same seed.
pub struct SeededRng(Mutex<ChaCha20Rng>);

impl SeededRng {
    /// Starts the sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Rng for SeededRng {
    fn fill(&self, buffer: &mut [u8]) {
        let mut rng = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        rng.fill_bytes(buffer);
    }
}
