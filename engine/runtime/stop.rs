//! The request to stop, which threads share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Condvar, Mutex};

/// A flag that threads read to learn that they must end; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_requested: AtomicBool,
    sleeping: Mutex<()>,
    changed: Condvar,
}

impl Stop {
    /// Requests the stop, and ends every [`Self::sleep`].
    pub fn request(&self) {
        self.0.is_requested.store(true, Ordering::Release);
        // A thread on its way into a sleep has either seen the flag or released the lock.
        drop(self.0.sleeping.lock());
        self.0.changed.notify_all();
    }

    /// Returns whether [`Self::request`] was called.
    pub fn is_requested(&self) -> bool {
        self.0.is_requested.load(Ordering::Acquire)
    }

    /// Sleeps for `pause`, or until a stop is requested. Returns false if it was.
    pub fn sleep(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut sleeping = self.0.sleeping.lock();
        while !self.is_requested() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            sleeping = self.0.changed.wait_timeout(sleeping, left);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_sleep_takes_its_time_or_ends_with_the_stop() {
        let stop = Stop::default();
        let start = Instant::now();
        assert!(stop.sleep(Duration::from_millis(20)));
        assert!(start.elapsed() >= Duration::from_millis(20));

        let sleeping = stop.clone();
        let sleeper = thread::spawn(move || sleeping.sleep(Duration::from_secs(3600)));
        thread::sleep(Duration::from_millis(20));
        assert!(!stop.is_requested() && !sleeper.is_finished());
        stop.request();
        assert!(!sleeper.join().unwrap());
        assert!(stop.is_requested() && !stop.sleep(Duration::from_secs(3600)));
    }
}
