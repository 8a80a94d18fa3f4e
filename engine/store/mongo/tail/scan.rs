//! The ranges of stamps that a tail looks into, and the answers that it has seen there.
//!
//! ```text
//!            floor            lit                     lit
//!  ──────────┼── looked into ──[──]── passed ──────────[──]── passed ──┼── looked into ──▶ stamps
//!         latest − overlap    wall clock            elapsed time       latest − overlap
//! ```
//!
//! 1. An answer is taken, once, if it lands with a stamp that is near this machine's wall clock, near what that would
//!    say if it had not been set since the start, or later than the latest one.
//! 2. Answers from the future, of a clock that was or is ahead, do not raise the floor: answers of now are still
//!    found. They are taken as they land, and their range counts as passed from then on. When that time comes, they
//!    are no news.
//! 3. When this machine's clock is set back, the floor follows it. Answers there were taken when they landed, so
//!    those that the first look after that finds there are no news. The price: answers that land there between the
//!    two looks are missed.
//! 4. Memory is bounded by [`SEEN_MAX`] and [`RANGES_MAX`].

use std::{
    collections::{BTreeSet, HashSet},
    ops::Range,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

/// Time behind the latest answer within which another one may land, s.
const OVERLAP_S: i64 = 10;
/// Upper bound on the lead of a clock over this one at which both count as showing the same time, s.
const AHEAD_S: i64 = 60;
/// Upper bound on the answers that are remembered as seen. If more fall into the overlap, it is shorter.
const SEEN_MAX: usize = 200_000;
/// Upper bound on the ranges that are remembered as passed. Of more, the two lowest become one.
const RANGES_MAX: usize = 8;

/// An answer's place in the order of the scan.
pub(super) type Place = (DateTime<Utc>, String);
/// Stamps from one on and below another.
pub(super) type Stamps = Range<DateTime<Utc>>;

/// Where a tail is.
pub(super) struct Scan {
    /// The wall clock at the start, and what had elapsed.
    start: (DateTime<Utc>, Duration),
    /// The wall clock at the beginning of this pass.
    wall: DateTime<Utc>,
    floor: DateTime<Utc>,
    /// Where answers land by this machine's clocks: looked into, be it passed or not.
    lit: [Stamps; 2],
    /// Where they landed at the pass before.
    lit_before: [Stamps; 2],
    /// Ranges above the floor that were looked into, in order.
    passed: Vec<Stamps>,
    seen: Seen,
}

/// Answers that were seen and may be looked at again.
#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    places: BTreeSet<Place>,
}

impl Scan {
    /// Looks at answers of a moment and later ones; the clocks say this.
    pub(super) fn since(since: DateTime<Utc>, wall: DateTime<Utc>, elapsed: Duration) -> Self {
        let lit = [light(wall), light(wall)];
        let (lit_before, seen) = (lit.clone(), Seen::default());
        Scan { start: (wall, elapsed), wall, floor: since, lit, lit_before, passed: Vec::new(), seen }
    }

    /// Begins a pass, when the clocks say this.
    pub(super) fn begin(&mut self, wall: DateTime<Utc>, elapsed: Duration) {
        if later(wall, OVERLAP_S) < self.wall {
            // The clock was set back: from here up to the latest all has been looked into.
            let (floor, latest) = (later(wall, -OVERLAP_S), self.seen.places.last().map(|(at, _)| *at));
            self.pass(floor..latest.map_or(self.floor, |latest| later(latest, -OVERLAP_S)));
            self.floor = self.floor.min(floor);
        }
        let (start, started) = self.start;
        let elapsed = TimeDelta::from_std(elapsed.saturating_sub(started)).unwrap_or_default();
        let unset = start.checked_add_signed(elapsed).unwrap_or(start);
        let lit = [light(wall), light(unset)];
        self.lit_before = std::mem::replace(&mut self.lit, lit);
        self.wall = wall;
    }

    /// Where to look from.
    pub(super) fn floor(&self) -> DateTime<Utc> {
        self.floor
    }

    /// Returns the ranges to leave out.
    pub(super) fn skipped(&self) -> Vec<Stamps> {
        let mut skipped = self.passed.clone();
        for lit in &self.lit {
            let parts =
                |passed: Stamps| [passed.start..passed.end.min(lit.start), passed.start.max(lit.end)..passed.end];
            skipped = skipped.into_iter().flat_map(parts).filter(|part| !part.is_empty()).collect();
        }
        skipped
    }

    /// Remembers an answer; returns whether it is news.
    pub(super) fn is_news(&mut self, place: &Place) -> bool {
        let is_in = |ranges: &[Stamps]| ranges.iter().any(|range| range.contains(&place.0));
        // It lay there before anything could land there by our clocks.
        let is_old = is_in(&self.passed) && !is_in(&self.lit_before);
        self.seen.add(place) && !is_old
    }

    /// Moves on behind the latest answers below and above each light, and forgets what is not looked at any more.
    pub(super) fn move_on(&mut self) {
        let mut ends = self.lit.clone().map(|lit| lit.end);
        ends.sort();
        let [first, second] = ends;
        let latest = |stamps: Stamps| {
            let mut places = self.seen.places.range((stamps.start, String::new())..(stamps.end, String::new()));
            places.next_back().map(|(at, _)| later(*at, -OVERLAP_S))
        };
        let (below, between, above) =
            (latest(DateTime::<Utc>::MIN_UTC..first), latest(first..second), latest(second..DateTime::<Utc>::MAX_UTC));
        self.floor = below.map_or(self.floor, |latest| latest.max(self.floor));
        between.into_iter().for_each(|latest| self.pass(first..latest));
        above.into_iter().for_each(|latest| self.pass(second..latest));
        self.forget();
        while self.seen.places.len() > SEEN_MAX {
            let Some((at, id)) = self.seen.places.pop_first() else { break };
            self.seen.ids.remove(&id);
            // Dates have milliseconds: of this one nothing must come again.
            let behind = at.checked_add_signed(TimeDelta::milliseconds(1)).unwrap_or(at);
            if at < first {
                self.floor = behind.max(self.floor);
            } else {
                self.pass(if at < second { first } else { second }..behind);
            }
            if self.seen.places.len() <= SEEN_MAX {
                self.forget();
            }
        }
    }

    fn forget(&mut self) {
        self.seen.forget(..(self.floor, String::new()));
        for Range { start, end } in self.skipped() {
            self.seen.forget((start, String::new())..(end, String::new()));
        }
        let floor = self.floor;
        self.passed.retain(|passed| passed.end > floor);
    }

    /// Adds a range to those that are passed.
    fn pass(&mut self, range: Stamps) {
        if range.is_empty() {
            return;
        }
        self.passed.push(range);
        self.passed.sort_by_key(|passed| passed.start);
        let mut joined: Vec<Stamps> = Vec::new();
        for passed in self.passed.drain(..) {
            match joined.last_mut() {
                Some(last) if passed.start <= last.end => last.end = last.end.max(passed.end),
                _ => joined.push(passed),
            }
        }
        if joined.len() > RANGES_MAX {
            let lowest = joined.remove(0);
            if let Some(next) = joined.first_mut() {
                next.start = lowest.start;
            }
        }
        self.passed = joined;
    }
}

/// Where answers land when a clock says this.
fn light(at: DateTime<Utc>) -> Stamps {
    later(at, -OVERLAP_S)..later(at, AHEAD_S)
}

impl Seen {
    /// False if it was there.
    fn add(&mut self, place: &Place) -> bool {
        self.ids.insert(place.1.clone()) && self.places.insert(place.clone())
    }

    fn forget(&mut self, range: impl std::ops::RangeBounds<Place>) {
        let gone: Vec<Place> = self.places.range(range).cloned().collect();
        for place in gone {
            self.ids.remove(&place.1);
            self.places.remove(&place);
        }
    }
}

/// Returns the time so many seconds later, or `at` if there is none.
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

    /// Answers in the order in which they landed, one a second, and a tail that looks once a second.
    struct World {
        landed: Vec<Place>,
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
            let mut found: Vec<Place> = self.landed.iter().filter(|(at, _)| is_looked_at(at)).cloned().collect();
            found.sort();
            assert!(found.len() < 200, "{} looked at", found.len());
            for place in found {
                if self.scan.is_news(&place) {
                    self.taken.push(place.1);
                }
                self.scan.move_on();
            }
            self.scan.move_on();
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
    fn rules_1_to_3_answers_are_taken_once_whatever_the_clocks_are_set_to() {
        let mut world = World::new();
        // By how much this machine's clock is wrong, and the scorer's, each for a while.
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
    fn rule_1_what_lies_before_the_overlap_is_forgotten() {
        let mut scan = Scan::since(at(-5), at(11_500), Duration::ZERO);
        for ms in [0, 1000, 2000, 11_500] {
            assert!(scan.is_news(&(at(ms), ms.to_string())));
        }
        assert!(!scan.is_news(&(at(1000), "1000".to_owned())));
        scan.move_on();
        assert_eq!(scan.floor(), at(1500));
        assert_eq!((scan.seen.ids.len(), scan.seen.places.len()), (2, 2));
    }

    #[test]
    fn rule_4_too_many_shorten_the_overlap_and_none_of_them_comes_again() {
        for ahead_s in [0, 3600] {
            let mut scan = Scan::since(at(0), at(1000), Duration::ZERO);
            for n in 0..SEEN_MAX as i64 + 3 {
                scan.is_news(&(at(ahead_s * 1000 + n / 100), n.to_string()));
            }
            scan.move_on();
            let bound = if ahead_s == 0 { scan.floor() } else { scan.skipped()[0].end };
            assert_eq!(bound, at(ahead_s * 1000 + 1), "three are too many, and 97 have the same stamp");
            assert!(scan.seen.places.len() <= SEEN_MAX);
            assert_eq!(scan.seen.ids.len(), scan.seen.places.len());
        }
    }
}
