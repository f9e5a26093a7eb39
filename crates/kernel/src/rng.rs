//! Randomness is injected, so that a failing test can be replayed from its seed.

/// A source of random bytes fit for secrets.
pub trait Rng: Send + Sync {
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

impl dyn Rng + '_ {
    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
}
