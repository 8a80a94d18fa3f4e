//! How long to wait before the next try.

use std::time::Duration;

use rand::RngExt;

/// Exponential backoff with full jitter: pauses drawn between zero and a ceiling that doubles.
/// Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
#[derive(Debug)]
pub struct Backoff {
    failures: u32,
    first: Duration,
    last: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::between(Self::FIRST, Self::LAST)
    }
}

impl Backoff {
    /// The first ceiling, unless another is given.
    pub const FIRST: Duration = Duration::from_millis(50);
    /// The ceiling does not grow beyond this, unless another is given.
    pub const LAST: Duration = Duration::from_secs(5);
    /// The pause where only a person can help: between this and its double.
    pub const OPERATOR: Duration = Duration::from_secs(5);

    /// No failure yet; the ceiling begins at [`Self::FIRST`] and does not grow beyond [`Self::LAST`].
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a first and a last ceiling of its own.
    pub fn between(first: Duration, last: Duration) -> Self {
        Backoff { failures: 0, first, last }
    }

    /// The pause after one more failure.
    pub fn next_pause(&mut self, needs_operator: bool) -> Duration {
        if needs_operator {
            return Self::OPERATOR.mul_f64(1.0 + rand::rng().random::<f64>());
        }
        let ceiling = self.first.saturating_mul(1 << self.failures.min(16)).min(self.last);
        self.failures += 1;
        // Never quite zero: a store that refuses at once must not be asked in a tight loop.
        ceiling.mul_f64(rand::rng().random::<f64>()).max(Duration::from_millis(5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut backoff = Backoff::new();
        for failure in 0..100 {
            let ceiling = Backoff::FIRST.saturating_mul(1 << failure.min(16)).min(Backoff::LAST);
            let pause = backoff.next_pause(false);
            assert!(pause <= ceiling && !pause.is_zero(), "{failure}: {pause:?}");
        }
        assert!(backoff.next_pause(true) >= Backoff::OPERATOR);
    }

    #[test]
    fn the_bounds_can_be_given() {
        let last = Duration::from_millis(40);
        let mut backoff = Backoff::between(Duration::from_millis(10), last);
        assert!(backoff.next_pause(false) <= Duration::from_millis(10));
        assert!((0..100).all(|_| backoff.next_pause(false) <= last));
    }
}
