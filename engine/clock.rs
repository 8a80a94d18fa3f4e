//! This machine's clocks: the wall clock, which may be set to any time at any moment, and the time since the start.
//!
//! 1. A wall clock before 1970 or after 2262 (where nanoseconds no longer fit into 64 bits) is an error. A timestamp
//!    that must be written nevertheless is the nearer bound. Nothing panics.
//! 2. The time since the start ([`Reading::since_boot`]) only grows, at the same pace for all processes, and includes
//!    suspension. The difference of two readings of the same [`BootId`] is the time between them; that of readings of
//!    different ones has no meaning.
//! 3. Actions that cannot be undone go by elapsed time: see [`crate::sqlite::retention`].
//!
//! No other module reads the wall clock, which a test checks: `chrono::Utc::now` panics before 1970.

use std::{
    fmt, fs,
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, SecondsFormat, Utc};
use rustix::time::{ClockId, clock_gettime};

/// The least valid time: 1970-01-01.
const MIN_S: i64 = 0;
/// The greatest valid time: in 2262.
const MAX_S: i64 = i64::MAX / 1_000_000_000;
/// The file with the random number that the kernel draws at its start.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A wall clock out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongClock {
    /// The reading of the wall clock, in seconds since 1970.
    pub says_s: i64,
}

impl fmt::Display for WrongClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the clock of this machine says ")?;
        match DateTime::from_timestamp(self.says_s, 0) {
            Some(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::Secs, true))?,
            None => write!(f, "{} s from 1970 on", self.says_s)?,
        }
        f.write_str(": set it, between 1970 and 2262")
    }
}

impl std::error::Error for WrongClock {}

impl WrongClock {
    /// Returns the nearer bound.
    fn nearest(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.says_s.clamp(MIN_S, MAX_S), 0).unwrap_or_default()
    }
}

/// One run of the machine, from its start on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BootId(pub u128);

/// The readings of the clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock.
    pub wall: Result<DateTime<Utc>, WrongClock>,
    /// The time since the machine's start.
    pub since_boot: Duration,
    /// The start of the machine that `since_boot` counts from.
    pub boot: BootId,
}

impl Reading {
    /// Returns the wall clock, or the nearer bound.
    pub fn nearest(&self) -> DateTime<Utc> {
        self.wall.unwrap_or_else(WrongClock::nearest)
    }
}

/// Clocks: those of this machine, or of a test.
pub trait Clock: Send + Sync {
    /// Reads the clocks.
    fn read(&self) -> Reading;
}

/// The clocks of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn read(&self) -> Reading {
        let since = clock_gettime(ClockId::Boottime);
        let since = Duration::new(since.tv_sec.unsigned_abs(), u32::try_from(since.tv_nsec).unwrap_or(0));
        Reading { wall: wall(), since_boot: since, boot: boot() }
    }
}

/// The wall clock of this machine.
pub fn wall() -> Result<DateTime<Utc>, WrongClock> {
    let (seconds, nanos) = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos()),
        Err(before) => (-i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX).saturating_add(1), 0),
    };
    of_seconds(seconds, nanos)
}

/// Returns the time of a wall clock that shows these seconds since 1970; an error if it is out of bounds.
pub fn of_seconds(seconds: i64, nanos: u32) -> Result<DateTime<Utc>, WrongClock> {
    let within = (MIN_S..=MAX_S).contains(&seconds).then(|| DateTime::from_timestamp(seconds, nanos)).flatten();
    within.ok_or(WrongClock { says_s: seconds })
}

/// Returns the wall clock of this machine as a timestamp, which is within bounds.
pub fn now() -> DateTime<Utc> {
    wall().unwrap_or_else(WrongClock::nearest)
}

/// Returns [`now`] in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    now().timestamp_millis()
}

/// Returns the number of this boot. If the kernel has none, each process draws its own, and the time of one process has
/// no relation to that of another.
fn boot() -> BootId {
    static BOOT: OnceLock<BootId> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let text = fs::read_to_string(BOOT_ID).unwrap_or_default();
        BootId(u128::from_str_radix(&text.trim().replace('-', ""), 16).unwrap_or_else(|_| rand::random()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_1_a_clock_out_of_bounds_is_an_error_with_words_and_a_stamp_within() {
        let says = |seconds| of_seconds(seconds, 0).unwrap_err();
        assert_eq!(
            says(-86_400 * 2).to_string(),
            "the clock of this machine says 1969-12-30T00:00:00Z: set it, between 1970 and 2262"
        );
        assert!(says(MAX_S + 1).to_string().contains(" 2262-04-"));
        assert!(says(i64::MIN).to_string().contains(" -9223372036854775808 s "));
        for (seconds, nearest) in [(i64::MIN, MIN_S), (-1, MIN_S), (MAX_S + 1, MAX_S), (i64::MAX, MAX_S)] {
            assert_eq!(says(seconds).nearest().timestamp(), nearest);
        }
        for seconds in [MIN_S, 1_800_000_000, MAX_S] {
            let at = of_seconds(seconds, 999_999_999).unwrap();
            assert_eq!(at.timestamp(), seconds);
        }
        assert!(of_seconds(MAX_S - 1, 999_999_999).unwrap().timestamp_nanos_opt().is_some());
    }

    #[test]
    fn rule_2_two_readings_tell_what_has_elapsed() {
        let (first, started) = (SystemClock.read(), std::time::Instant::now());
        std::thread::sleep(Duration::from_millis(20));
        let least = started.elapsed();
        let second = SystemClock.read();
        assert_eq!(first.boot, second.boot);
        assert!(second.since_boot - first.since_boot >= least);
        assert!(first.wall.is_ok());
    }
}
