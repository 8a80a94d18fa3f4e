//! The time of the score dataflow: its timestamps, the clock that they are taken from, and the timer of the sources.

use std::time::{Duration, Instant};

use engine::clock;

/// Interval at which a source closes its batch and downgrades its capability.
pub const TICK: Duration = Duration::from_millis(10);

/// The timestamps of the score dataflow: milliseconds of the [`ClusterClock`].
pub type Timestamp = u64;

/// Milliseconds since the Unix epoch at the start of a generation, plus monotonic time since.
///
/// All workers use the same start. Wall time is read once, so a wall clock that is set has no effect.
#[derive(Debug, Clone, Copy)]
pub struct ClusterClock {
    start_ms: u64,
    since: Instant,
}

impl ClusterClock {
    /// Returns a clock that starts at this machine's wall time.
    pub fn start() -> Self {
        Self::start_at(clock::now().timestamp_millis().unsigned_abs())
    }

    /// Returns a clock that starts now, at process 0's wall time: `start_ms`, in milliseconds since the Unix epoch.
    pub fn start_at(start_ms: u64) -> Self {
        ClusterClock { start_ms, since: Instant::now() }
    }

    /// Returns the time in microseconds since the Unix epoch.
    pub(super) fn now_us(&self) -> u64 {
        self.start_ms * 1000 + self.since.elapsed().as_micros() as u64
    }

    /// Returns the time as a timestamp.
    pub fn now(&self) -> Timestamp {
        self.start_ms + self.since.elapsed().as_millis() as u64
    }
}

/// Keeps one timer armed: arming one at every activation would multiply the timers.
pub(crate) struct Ticker {
    due: Instant,
}

impl Ticker {
    /// Returns a ticker that is due at once.
    pub(crate) fn new() -> Self {
        Ticker { due: Instant::now() }
    }

    /// Arms the next timer, after `pause`, if the last one has fired.
    pub(crate) fn rearm(&mut self, pause: Duration, arm: impl FnOnce(Duration)) {
        let now = Instant::now();
        if now >= self.due {
            // The time is read before arming: if the thread is preempted in between, the timer is due when it fires.
            // In the other order that timer would arm no other, and the frontier of all workers would stop.
            self.due = now + pause;
            arm(pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_that_fires_always_arms_the_next() {
        let (mut ticker, mut fires) = (Ticker::new(), None);
        ticker.rearm(TICK, |delay| {
            fires = Some(Instant::now() + delay);
            // The system preempts the thread.
            std::thread::sleep(TICK / 2);
        });
        assert!(ticker.due <= fires.unwrap());
    }

    #[test]
    fn no_second_timer_is_armed_before_the_first_fires() {
        let mut ticker = Ticker { due: Instant::now() + Duration::from_secs(3600) };
        ticker.rearm(TICK, |_| panic!("armed already"));
    }
}
