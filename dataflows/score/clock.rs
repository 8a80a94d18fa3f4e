//! The clock of the timestamps.

use std::time::Instant;

use engine::clock;

use super::Timestamp;

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
