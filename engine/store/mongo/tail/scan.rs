//! The ranges of timestamps that a tail scans, and the answers that it has read there.
//!
//! ```text
//!            floor          window                  window
//!  ──────────┼── scanned ──────[──]── scanned before ──[──]── before ──┼── scanned ──▶ timestamps
//!         latest − overlap    wall clock            elapsed time       latest − overlap
//! ```
//!
//! 1. An answer is read, once, if it is written with a timestamp near this machine's wall clock, near the time that the
//!    clock would show if it had not been set since the start, or later than the latest one.
//! 2. Answers with timestamps in the future, of a clock that is ahead, do not raise the floor: current answers are
//!    still found. They are read when they are written, and their range counts as scanned from then on, so they are not
//!    read again when that time comes.
//! 3. When this machine's clock is set back, the floor follows it. Answers in that range were read when they were
//!    written, so those that the first pass finds there are not read again. Answers that are written there between the
//!    two passes are missed.
//! 4. Memory is bounded by [`REMEMBERED_MAX`] and [`RANGES_MAX`].

use std::{
    collections::{BTreeSet, HashSet},
    ops::Range,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

/// Time before the latest answer for which others may still be written, s.
const OVERLAP_S: i64 = 10;
/// Upper bound on the lead of another clock that counts as showing the same time, s.
const AHEAD_S: i64 = 60;
/// Upper bound on the remembered answers. If more fall into the overlap, it is shorter.
const REMEMBERED_MAX: usize = 200_000;
/// Upper bound on the remembered ranges. Of more, the two lowest become one.
const RANGES_MAX: usize = 8;

/// An answer's position in the order of the scan.
pub(super) type ScanPosition = (DateTime<Utc>, String);
/// A range of timestamps.
pub(super) type TimeRange = Range<DateTime<Utc>>;

/// The state of a scan.
pub(super) struct Scan {
    /// The wall clock and the elapsed time at the start.
    start: (DateTime<Utc>, Duration),
    /// The wall clock at the beginning of the current pass.
    wall: DateTime<Utc>,
    floor: DateTime<Utc>,
    /// The windows in which answers are written, by this machine's clocks: always scanned.
    windows: [TimeRange; 2],
    /// The windows of the previous pass.
    previous_windows: [TimeRange; 2],
    /// Ranges above the floor that were scanned, in order.
    scanned: Vec<TimeRange>,
    read: ReadAnswers,
}

/// Answers that were read and may be found again.
#[derive(Default)]
struct ReadAnswers {
    ids: HashSet<String>,
    positions: BTreeSet<ScanPosition>,
}

impl Scan {
    /// Starts a scan of answers from a time on, at these readings of the clocks.
    pub(super) fn since(since: DateTime<Utc>, wall: DateTime<Utc>, elapsed: Duration) -> Self {
        let windows = [window(wall), window(wall)];
        let (previous_windows, read) = (windows.clone(), ReadAnswers::default());
        Scan { start: (wall, elapsed), wall, floor: since, windows, previous_windows, scanned: Vec::new(), read }
    }

    /// Begins a pass, at these readings of the clocks.
    pub(super) fn begin(&mut self, wall: DateTime<Utc>, elapsed: Duration) {
        if later(wall, OVERLAP_S) < self.wall {
            // The clock was set back: all ranges from here up to the latest answer were scanned.
            let (floor, latest) = (later(wall, -OVERLAP_S), self.read.positions.last().map(|(at, _)| *at));
            self.add_scanned(floor..latest.map_or(self.floor, |latest| later(latest, -OVERLAP_S)));
            self.floor = self.floor.min(floor);
        }
        let (start, started) = self.start;
        let elapsed = TimeDelta::from_std(elapsed.saturating_sub(started)).unwrap_or_default();
        let unset = start.checked_add_signed(elapsed).unwrap_or(start);
        let windows = [window(wall), window(unset)];
        self.previous_windows = std::mem::replace(&mut self.windows, windows);
        self.wall = wall;
    }

    /// Returns the time from which to scan.
    pub(super) fn floor(&self) -> DateTime<Utc> {
        self.floor
    }

    /// Returns the ranges to skip.
    pub(super) fn skipped(&self) -> Vec<TimeRange> {
        let mut skipped = self.scanned.clone();
        for window in &self.windows {
            let parts = |scanned: TimeRange| {
                [scanned.start..scanned.end.min(window.start), scanned.start.max(window.end)..scanned.end]
            };
            skipped = skipped.into_iter().flat_map(parts).filter(|part| !part.is_empty()).collect();
        }
        skipped
    }

    /// Remembers an answer; returns whether it is new.
    pub(super) fn is_new(&mut self, position: &ScanPosition) -> bool {
        let is_in = |ranges: &[TimeRange]| ranges.iter().any(|range| range.contains(&position.0));
        // It existed before the windows came to this range.
        let is_old = is_in(&self.scanned) && !is_in(&self.previous_windows);
        self.read.add(position) && !is_old
    }

    /// Advances to the latest answers below and above each window, and forgets answers that are not scanned any more.
    pub(super) fn advance(&mut self) {
        let mut ends = self.windows.clone().map(|window| window.end);
        ends.sort();
        let [first, second] = ends;
        let latest = |stamps: TimeRange| {
            let mut positions = self.read.positions.range((stamps.start, String::new())..(stamps.end, String::new()));
            positions.next_back().map(|(at, _)| later(*at, -OVERLAP_S))
        };
        let (below, between, above) =
            (latest(DateTime::<Utc>::MIN_UTC..first), latest(first..second), latest(second..DateTime::<Utc>::MAX_UTC));
        self.floor = below.map_or(self.floor, |latest| latest.max(self.floor));
        between.into_iter().for_each(|latest| self.add_scanned(first..latest));
        above.into_iter().for_each(|latest| self.add_scanned(second..latest));
        self.forget();
        while self.read.positions.len() > REMEMBERED_MAX {
            let Some((at, id)) = self.read.positions.pop_first() else { break };
            self.read.ids.remove(&id);
            // Dates have milliseconds: answers of this one must not be read again.
            let behind = at.checked_add_signed(TimeDelta::milliseconds(1)).unwrap_or(at);
            if at < first {
                self.floor = behind.max(self.floor);
            } else {
                self.add_scanned(if at < second { first } else { second }..behind);
            }
            if self.read.positions.len() <= REMEMBERED_MAX {
                self.forget();
            }
        }
    }

    fn forget(&mut self) {
        self.read.forget(..(self.floor, String::new()));
        for Range { start, end } in self.skipped() {
            self.read.forget((start, String::new())..(end, String::new()));
        }
        let floor = self.floor;
        self.scanned.retain(|scanned| scanned.end > floor);
    }

    /// Adds a scanned range.
    fn add_scanned(&mut self, range: TimeRange) {
        if range.is_empty() {
            return;
        }
        self.scanned.push(range);
        self.scanned.sort_by_key(|scanned| scanned.start);
        let mut joined: Vec<TimeRange> = Vec::new();
        for scanned in self.scanned.drain(..) {
            match joined.last_mut() {
                Some(last) if scanned.start <= last.end => last.end = last.end.max(scanned.end),
                _ => joined.push(scanned),
            }
        }
        if joined.len() > RANGES_MAX {
            let lowest = joined.remove(0);
            if let Some(next) = joined.first_mut() {
                next.start = lowest.start;
            }
        }
        self.scanned = joined;
    }
}

/// Returns the window in which answers are written at this time of a clock.
fn window(at: DateTime<Utc>) -> TimeRange {
    later(at, -OVERLAP_S)..later(at, AHEAD_S)
}

impl ReadAnswers {
    /// Adds an answer; returns whether it is new.
    fn add(&mut self, position: &ScanPosition) -> bool {
        self.ids.insert(position.1.clone()) && self.positions.insert(position.clone())
    }

    fn forget(&mut self, range: impl std::ops::RangeBounds<ScanPosition>) {
        let gone: Vec<ScanPosition> = self.positions.range(range).cloned().collect();
        for position in gone {
            self.ids.remove(&position.1);
            self.positions.remove(&position);
        }
    }
}

/// Returns the time this number of seconds later, or `at` if it is out of range.
fn later(at: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
    at.checked_add_signed(TimeDelta::seconds(seconds)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_800_000_000;
    const DAY: i64 = 86_400;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(ms).unwrap()
    }

    /// Answers in the order of their writing, one a second, and a tail that passes once a second.
    struct World {
        landed: Vec<ScanPosition>,
        scan: Scan,
        taken: Vec<String>,
        true_s: i64,
    }

    impl World {
        fn new() -> Self {
            World {
                landed: vec![],
                scan: Scan::since(at((START - 3600) * 1000), at(START * 1000), Duration::ZERO),
                taken: vec![],
                true_s: START,
            }
        }

        fn land(&mut self, stamp_s: i64) {
            self.landed.push((at(stamp_s * 1000), format!("{:06}", self.landed.len())));
        }

        fn look(&mut self, wall_s: i64) {
            let elapsed = Duration::from_secs((self.true_s - START).unsigned_abs());
            self.scan.begin(at(wall_s * 1000), elapsed);
            let (floor, skipped) = (self.scan.floor(), self.scan.skipped());
            let is_looked_at = |at: &DateTime<Utc>| *at >= floor && !skipped.iter().any(|skipped| skipped.contains(at));
            let mut found: Vec<ScanPosition> = self.landed.iter().filter(|(at, _)| is_looked_at(at)).cloned().collect();
            found.sort();
            assert!(found.len() < 200, "{} looked at", found.len());
            for position in found {
                if self.scan.is_new(&position) {
                    self.taken.push(position.1);
                }
                self.scan.advance();
            }
            self.scan.advance();
        }

        /// Number of answers landed since `from` that were not taken; asserts that none was taken twice.
        fn missed(&mut self, from: usize) -> usize {
            let mut taken = self.taken.clone();
            taken.sort();
            assert!(taken.windows(2).all(|pair| pair[0] != pair[1]), "taken twice");
            (from..self.landed.len()).filter(|n| taken.binary_search(&format!("{n:06}")).is_err()).count()
        }
    }

    #[test]
    fn rules_1_to_3_answers_are_read_once_at_any_setting_of_the_clocks() {
        let mut world = World::new();
        // The errors of this machine's clock and of the scorer's, each for a while.
        let hour = 3600;
        let phases = [
            (0, 0),
            (40 * DAY, 40 * DAY),
            (0, 0),
            (-40 * DAY, -40 * DAY),
            (0, 0),
            (-hour / 2, -hour / 2),
            (0, 0),
            (0, 5),
            (0, 40 * DAY),
            (0, 0),
            (-40 * DAY, 0),
            (0, 0),
            (hour, hour),
            (-hour, -hour),
            (0, 0),
            (100 * 365 * DAY, 0),
            (0, 0),
        ];
        for (ours_s, theirs_s) in phases {
            let from = world.landed.len();
            for _ in 0..90 {
                world.true_s += 1;
                world.land(world.true_s + theirs_s);
                world.look(world.true_s + ours_s);
            }
            let missed = world.missed(from);
            assert!(missed <= 2, "{missed} missed of 90 after {ours_s} and {theirs_s}");
        }
        let missed = world.missed(0);
        println!("{missed} of {} missed after {} steps", world.landed.len(), phases.len());
    }

    #[test]
    fn rule_1_answers_before_the_overlap_are_forgotten() {
        let mut scan = Scan::since(at(-5), at(11_500), Duration::ZERO);
        for ms in [0, 1000, 2000, 11_500] {
            assert!(scan.is_new(&(at(ms), ms.to_string())));
        }
        assert!(!scan.is_new(&(at(1000), "1000".to_owned())));
        scan.advance();
        assert_eq!(scan.floor(), at(1500));
        assert_eq!((scan.read.ids.len(), scan.read.positions.len()), (2, 2));
    }

    #[test]
    fn rule_4_too_many_answers_shorten_the_overlap_and_none_is_read_again() {
        for ahead_s in [0, 3600] {
            let mut scan = Scan::since(at(0), at(1000), Duration::ZERO);
            for n in 0..REMEMBERED_MAX as i64 + 3 {
                scan.is_new(&(at(ahead_s * 1000 + n / 100), n.to_string()));
            }
            scan.advance();
            let bound = if ahead_s == 0 { scan.floor() } else { scan.skipped()[0].end };
            assert_eq!(bound, at(ahead_s * 1000 + 1), "three are too many, and 97 have the same stamp");
            assert!(scan.read.positions.len() <= REMEMBERED_MAX);
            assert_eq!(scan.read.ids.len(), scan.read.positions.len());
        }
    }
}
