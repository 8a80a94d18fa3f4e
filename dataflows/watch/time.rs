//! The time of the watch: the wall clock at the start plus the elapsed time, and the steps in which the window moves.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use engine::clock::Clock;

/// The timestamps of the watch dataflow: milliseconds since 1970.
pub type Timestamp = u64;

/// The step by which the window moves.
pub const STEP: Duration = Duration::from_secs(10);

/// Upper bound on the delay between scoring an answer and its landing.
const LANDS_WITHIN_MS: i64 = 15 * 60 * 1000;

/// A clock that does not depend on changes of the wall clock.
pub(super) struct Time {
    clock: Arc<dyn Clock>,
    /// The wall clock at the start, or the nearest valid time.
    start: DateTime<Utc>,
    started: Duration,
}

impl Time {
    pub(super) fn start(clock: &Arc<dyn Clock>) -> Self {
        let reading = clock.read();
        Time { clock: Arc::clone(clock), start: reading.nearest(), started: reading.since_boot }
    }

    /// Returns the time at the start.
    pub(super) fn started_at(&self) -> DateTime<Utc> {
        self.start
    }

    pub(super) fn now(&self) -> Timestamp {
        let elapsed = self.clock.read().since_boot.saturating_sub(self.started);
        u64::try_from(self.start.timestamp_millis()).unwrap_or(0).saturating_add(elapsed.as_millis() as u64)
    }
}

/// Returns the time of an event: its timestamp, or `absent_at` if the event landed later and its timestamp is too early
/// for that. The clock that made the timestamp is then behind, and `absent_at` is the best estimate.
pub(super) fn event_time(stamp: DateTime<Utc>, absent_at: Option<Timestamp>) -> DateTime<Utc> {
    let absent_at = absent_at.and_then(|ms| DateTime::from_timestamp_millis(i64::try_from(ms).ok()?));
    match absent_at {
        Some(absent_at) if absent_at.signed_duration_since(stamp) > TimeDelta::milliseconds(LANDS_WITHIN_MS) => {
            absent_at
        }
        _ => stamp,
    }
}

/// Returns the time at which an event leaves the window; all events of a step leave together.
pub(super) fn leaves_at(at_s: u64, window: Duration) -> Timestamp {
    let step_s = STEP.as_secs();
    (at_s / step_s + 1).saturating_mul(step_s).saturating_mul(1000).saturating_add(window.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_4_an_event_that_has_just_landed_with_a_timestamp_long_ago_counts_as_of_now() {
        let at = |s| DateTime::from_timestamp(s, 0).unwrap();
        let absent_at = Some(2_000_000_000_000);
        assert_eq!(event_time(at(1_999_999_500), absent_at), at(1_999_999_500));
        assert_eq!(event_time(at(1_999_000_000), absent_at), at(2_000_000_000));
        assert_eq!(event_time(at(1_999_000_000), None), at(1_999_000_000));
        for stamp in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            event_time(stamp, absent_at);
            event_time(stamp, Some(Timestamp::MAX));
        }
    }
}
