//! Chance, from a seed that is printed.

/// A source of random numbers.
#[derive(Debug)]
pub struct Dice(fastrand::Rng);

impl Dice {
    /// Dice that were never thrown before, or with the seed in `LIVINGLOCK_SEED`.
    #[must_use]
    pub fn new() -> Self {
        let seed = std::env::var("LIVINGLOCK_SEED")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| fastrand::u64(..));
        println!("LIVINGLOCK_SEED={seed}");
        Self(fastrand::Rng::with_seed(seed))
    }

    /// A number below this bound, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.u64(..bound)
    }

    /// One of these, which are not none.
    pub fn choose<'a, T>(&mut self, these: &'a [T]) -> &'a T {
        &these[self.0.usize(..these.len())]
    }

    /// Other dice, for another thread.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.0.fork())
    }
}

impl Default for Dice {
    fn default() -> Self {
        Self::new()
    }
}
