//! The time of the watch: the wall clock's reading at the start, and from then on the time that has elapsed.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use engine::clock::Clock;

use super::Timestamp;

/// An answer may land by so much later than it was scored.
const LANDS_WITHIN_MS: i64 = 15 * 60 * 1000;

/// Never steps, whatever the wall clock is set to.
pub(super) struct Time {
    clock: Arc<dyn Clock>,
    /// The wall clock at the start, or the nearest moment within its bounds.
    start: DateTime<Utc>,
    started: Duration,
}

impl Time {
    pub(super) fn start(clock: &Arc<dyn Clock>) -> Self {
        let reading = clock.read();
        Time { clock: Arc::clone(clock), start: reading.nearest(), started: reading.since_boot }
    }

    /// The moment at the start.
    pub(super) fn started_at(&self) -> DateTime<Utc> {
        self.start
    }

    pub(super) fn now(&self) -> Timestamp {
        let elapsed = self.clock.read().since_boot.saturating_sub(self.started);
        u64::try_from(self.start.timestamp_millis()).unwrap_or(0).saturating_add(elapsed.as_millis() as u64)
    }
}

/// When something happened, by its stamp: unless it was not there yet at `absent_at`, and its stamp is of long before.
/// Then it was made by a clock that is behind, and the moment after is the best that is known.
pub(super) fn happened_at(stamp: DateTime<Utc>, absent_at: Option<Timestamp>) -> DateTime<Utc> {
    let absent_at = absent_at.and_then(|ms| DateTime::from_timestamp_millis(i64::try_from(ms).ok()?));
    match absent_at {
        Some(absent_at) if absent_at.signed_duration_since(stamp) > TimeDelta::milliseconds(LANDS_WITHIN_MS) => {
            absent_at
        }
        _ => stamp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_4_what_has_just_landed_with_a_stamp_of_long_ago_has_just_happened() {
        let at = |s| DateTime::from_timestamp(s, 0).unwrap();
        let absent_at = Some(2_000_000_000_000);
        assert_eq!(happened_at(at(1_999_999_500), absent_at), at(1_999_999_500));
        assert_eq!(happened_at(at(1_999_000_000), absent_at), at(2_000_000_000));
        assert_eq!(happened_at(at(1_999_000_000), None), at(1_999_000_000));
        for stamp in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            happened_at(stamp, absent_at);
            happened_at(stamp, Some(Timestamp::MAX));
        }
    }
}
