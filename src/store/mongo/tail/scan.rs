//! The ranges of stamps that a tail looks into, and the answers that it has seen there.
//!
//! ```text
//!            floor            horizon            skipped_to
//!  ──────────┼── looked into ────┼──── skipped ────────┼── looked into ──▶ stamps
//!  before    latest − overlap    wall clock + a minute  latest beyond − overlap
//! ```
//!
//! 1. An answer that lands with a stamp near this machine's wall clock, or near the latest one on either side of the
//!    horizon, is taken, once.
//! 2. Answers from the future, of a clock that was or is ahead, do not raise the floor: those of now are still found.
//!    They are taken as they land, and skipped from then on. When the clock gets to them, they are no news.
//! 3. When this machine's clock is set back, the floor follows it. What lies there has been taken when it landed. So
//!    what the first look after that finds there is no news, at the price of what has landed between two looks.
//! 4. What is remembered is bounded by [`SEEN_MAX`].

use std::{
    collections::{BTreeSet, HashSet},
    ops::Range,
};

use chrono::{DateTime, TimeDelta, Utc};

/// How far behind the latest answer another one may land, s.
const OVERLAP_S: i64 = 10;
/// How far a clock may be ahead of this one to be of the same time, s.
const AHEAD_S: i64 = 60;
/// So many answers are remembered as seen. Where more fall into the overlap, it is shorter.
const SEEN_MAX: usize = 200_000;

/// An answer's place in the order of the scan.
pub(super) type Place = (DateTime<Utc>, String);

/// Where a tail is.
pub(super) struct Scan {
    floor: DateTime<Utc>,
    horizon: DateTime<Utc>,
    /// Above the horizon, answers are looked at from here on.
    skipped_to: DateTime<Utc>,
    /// What this pass looks into for the first time, though it has been passed before: nothing there is news.
    uncovered: Range<DateTime<Utc>>,
    seen: Seen,
}

/// Answers that were seen and may be looked at again.
#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    places: BTreeSet<Place>,
}

impl Scan {
    /// Looks at answers of a moment and later ones.
    pub(super) fn since(since: DateTime<Utc>, wall: DateTime<Utc>) -> Self {
        let horizon = later(wall, AHEAD_S);
        Scan { floor: since, horizon, skipped_to: horizon, uncovered: horizon..horizon, seen: Seen::default() }
    }

    /// Begins a pass, at a reading of the wall clock.
    pub(super) fn begin(&mut self, wall: DateTime<Utc>) {
        let horizon = later(wall, AHEAD_S);
        if later(horizon, OVERLAP_S) < self.horizon {
            // The clock was set back: everything from here up to the latest has been passed.
            let latest = self.seen.places.last().map_or(self.horizon, |(at, _)| later(*at, -OVERLAP_S));
            self.skipped_to = self.skipped_to.max(latest).max(self.horizon);
            self.floor = later(wall, -OVERLAP_S);
            self.uncovered = self.floor..horizon;
        } else {
            self.uncovered = self.horizon..horizon.min(self.skipped_to).max(self.horizon);
        }
        self.horizon = horizon;
        self.skipped_to = self.skipped_to.max(horizon);
    }

    /// Where to look from.
    pub(super) fn floor(&self) -> DateTime<Utc> {
        self.floor
    }

    /// What to leave out.
    pub(super) fn skipped(&self) -> Option<Range<DateTime<Utc>>> {
        (self.horizon < self.skipped_to).then_some(self.horizon..self.skipped_to)
    }

    /// Remembers an answer; whether it is news.
    pub(super) fn is_news(&mut self, place: &Place) -> bool {
        self.seen.add(place) && !self.uncovered.contains(&place.0)
    }

    /// Moves on behind the latest answers on both sides of the horizon, and forgets what is not looked at any more.
    pub(super) fn move_on(&mut self) {
        let first_ahead = (self.horizon, String::new());
        if let Some((latest, _)) = self.seen.places.range(..&first_ahead).next_back() {
            self.floor = self.floor.max(later(*latest, -OVERLAP_S));
        }
        if let Some((latest, _)) = self.seen.places.range(&first_ahead..).next_back() {
            self.skipped_to = self.skipped_to.max(later(*latest, -OVERLAP_S));
        }
        self.seen.forget(..(self.floor, String::new()));
        self.seen.forget(first_ahead..(self.skipped_to.max(self.horizon), String::new()));
        while self.seen.places.len() > SEEN_MAX {
            let Some((at, id)) = self.seen.places.pop_first() else { break };
            self.seen.ids.remove(&id);
            // Dates have milliseconds: of this one nothing must come again.
            let behind = at.checked_add_signed(TimeDelta::milliseconds(1)).unwrap_or(at);
            let bound = if at < self.horizon { &mut self.floor } else { &mut self.skipped_to };
            *bound = behind.max(*bound);
        }
        self.seen.forget(..(self.floor, String::new()));
    }
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

/// So many seconds later, as far as there are any.
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
    }

    impl World {
        fn new() -> Self {
            World { landed: vec![], scan: Scan::since(at((START - 3600) * 1000), at(START * 1000)), taken: vec![] }
        }

        fn land(&mut self, stamp_s: i64) {
            self.landed.push((at(stamp_s * 1000), format!("{:06}", self.landed.len())));
        }

        fn look(&mut self, wall_s: i64) {
            self.scan.begin(at(wall_s * 1000));
            let (floor, skipped) = (self.scan.floor(), self.scan.skipped());
            let is_looked_at =
                |at: &DateTime<Utc>| *at >= floor && skipped.as_ref().is_none_or(|skipped| !skipped.contains(at));
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

        /// How many of those landed since were not taken; that none was taken twice.
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
        let mut true_s = START;
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
                true_s += 1;
                world.land(true_s + theirs_s);
                world.look(true_s + ours_s);
            }
            let missed = world.missed(from);
            assert!(missed <= 12, "{missed} missed of 90 after {ours_s} and {theirs_s}");
        }
        let missed = world.missed(0);
        println!("{missed} of {} missed after {} steps", world.landed.len(), phases.len());
    }

    #[test]
    fn rule_1_what_lies_before_the_overlap_is_forgotten() {
        let mut scan = Scan::since(at(-5), at(11_500));
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
            let mut scan = Scan::since(at(0), at(1000));
            for n in 0..SEEN_MAX as i64 + 3 {
                scan.is_news(&(at(ahead_s * 1000 + n / 100), n.to_string()));
            }
            scan.move_on();
            let bound = if ahead_s == 0 { scan.floor() } else { scan.skipped().unwrap().end };
            assert_eq!(bound, at(ahead_s * 1000 + 1), "three are too many, and 97 have the same stamp");
            assert!(scan.seen.places.len() <= SEEN_MAX);
            assert_eq!(scan.seen.ids.len(), scan.seen.places.len());
        }
    }
}
