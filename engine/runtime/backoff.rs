//! Pauses between attempts.

use std::time::Duration;

use rand::RngExt;

use super::thread::Stop;

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
    /// The pause where only an operator can help: between this and its double.
    pub const OPERATOR: Duration = Duration::from_secs(5);

    /// Returns a backoff without a failure; its ceiling begins at [`Self::FIRST`] and does not grow beyond
    /// [`Self::LAST`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a backoff without a failure, with this first and last ceiling.
    pub fn between(first: Duration, last: Duration) -> Self {
        Backoff { failures: 0, first, last }
    }

    /// Returns the pause after one more failure.
    pub fn next_pause(&mut self, needs_operator: bool) -> Duration {
        if needs_operator {
            return Self::OPERATOR.mul_f64(1.0 + rand::rng().random::<f64>());
        }
        let ceiling = self.first.saturating_mul(1 << self.failures.min(16)).min(self.last);
        self.failures += 1;
        // Never zero: an attempt that fails at once must not be repeated in a tight loop.
        ceiling.mul_f64(rand::rng().random::<f64>()).max(Duration::from_millis(5))
    }
}

/// Calls `attempt` until it succeeds, with backoff. `failed` is told of each error, and returns whether only an
/// operator can help. Returns `None` if a stop is requested during a pause.
pub fn retry<T, E>(
    stop: &Stop,
    mut attempt: impl FnMut() -> Result<T, E>,
    mut failed: impl FnMut(&E) -> bool,
) -> Option<T> {
    let mut backoff = Backoff::new();
    loop {
        match attempt() {
            Ok(value) => return Some(value),
            Err(error) => {
                if !stop.sleep(backoff.next_pause(failed(&error))) {
                    return None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_go_on_until_one_succeeds_or_a_stop_is_requested() {
        let (stop, mut attempts, mut failures) = (Stop::default(), 0, 0);
        let succeeds_third = || {
            attempts += 1;
            if attempts < 3 { Err(()) } else { Ok(attempts) }
        };
        let failed = |(): &()| {
            failures += 1;
            false
        };
        assert_eq!(retry(&stop, succeeds_third, failed), Some(3));
        assert_eq!(failures, 2);
        let failed = |(): &()| {
            stop.request();
            true
        };
        assert_eq!(retry(&stop, || Err::<(), _>(()), failed), None);
    }

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
