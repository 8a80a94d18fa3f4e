//! The live state: all legs of the last days, found by identity, by flight and by aeroplane, and the activity at
//! airports.
//!
//! The state is a function of the set of events: neither their order nor repetition matters. Each answer is as of a
//! moment, and takes nothing that was known after it.

use std::{cell::Cell, collections::hash_map, hash::Hash, time::Duration};

use chrono::NaiveTime;
use foldhash::HashMap;

use super::{
    activity::{Activity, ActivityOverTime, Amount, Contribution},
    event::{FlightId, HOUR_MS, LegId, MINUTE_MS, Millis, Minutes},
    habit::{Feeder, Record, Remembered},
    leg::{LegState, Timeline, contributions},
};
use crate::flight::Code;

/// Upper bound on the time by which a question may be behind the latest event, in milliseconds.
pub const LOOKBACK_MS: Millis = 36 * HOUR_MS;
/// The time after its date for which a leg is kept, in milliseconds: the two weeks of a record, and six days, which are
/// what a question may be behind the latest event, what its flight may be behind the question, and the legs before.
const LEG_KEPT_MS: Millis = 20 * 24 * HOUR_MS;
/// The time for which a log keeps events: longer than legs are kept, as a leg's events come before and after its date.
pub const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// A leg that was to leave this long before the latest event is over, in minutes: hardly an event is about it any more.
const OVER_MINUTES: Minutes = 12 * 60;

/// A place at which activity is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Everywhere.
    System,
    /// An airport.
    Airport(Code),
    /// An airline.
    Carrier(Code),
    /// An airline at an airport.
    CarrierAt(Code, Code),
}

impl Place {
    /// The places where a flight of an airline counts at an airport.
    fn all(carrier: Code, airport: Code) -> [Place; 4] {
        [Place::System, Place::Airport(airport), Place::Carrier(carrier), Place::CarrierAt(carrier, airport)]
    }
}

/// The index of a leg.
type Slot = u32;

/// A leg in an index, by its scheduled departure and its identity.
#[derive(Debug, Clone, Copy)]
struct Entry {
    departs: Minutes,
    slot: Slot,
}

/// A leg with all its events.
#[derive(Debug)]
struct Leg {
    id: LegId,
    timeline: Timeline,
    /// The time of the last event, and the knowledge from then on: most legs that a question looks at are long over.
    settled: (Millis, LegState),
}

impl Leg {
    fn as_of(&self, moment: Millis) -> LegState {
        let (at, state) = self.settled;
        if at <= moment { state } else { self.timeline.as_of(moment) }
    }
}

/// A moment as of which legs are looked at, and the time of the last event of those that were.
#[derive(Debug)]
pub(super) struct AsOf {
    moment: Millis,
    settled: Cell<Millis>,
}

impl AsOf {
    pub(super) fn new(moment: Millis) -> Self {
        AsOf { moment, settled: Cell::new(Millis::MIN) }
    }
}

/// The live state.
#[derive(Debug, Default)]
pub struct State {
    /// The places of legs that are forgotten are taken by others.
    legs: Vec<Leg>,
    free: Vec<Slot>,
    by_id: HashMap<LegId, Slot>,
    activity: HashMap<Place, ActivityOverTime>,
    /// By the scheduled departure, which is once in it for each that a leg has had with the aeroplane.
    by_tail: HashMap<Code, Vec<Entry>>,
    /// By the scheduled departure, likewise.
    by_flight: HashMap<FlightId, Vec<Entry>>,
    /// The flight that feeds each, computed of legs that are over; `None` of one without.
    pub(super) feeders: Remembered<Option<Feeder>>,
    /// The record of each, likewise.
    pub(super) records: Remembered<Record>,
    /// The latest time at which an event was known.
    latest: Millis,
    /// Sums as of moments before this one are forgotten.
    sums_from: Millis,
}

impl LegId {
    /// Returns the end of the time for which the leg is kept: from then on no answer depends on it.
    pub fn kept_until(&self) -> Millis {
        self.date.and_time(NaiveTime::MIN).and_utc().timestamp_millis() + LEG_KEPT_MS
    }
}

impl State {
    /// Sets all events of a leg, in place of those that were set before. Without events it is forgotten.
    pub fn set(&mut self, id: LegId, timeline: Timeline) {
        let versions = timeline.versions();
        let Some(&settled) = versions.last() else { return self.forget(id) };
        self.latest = self.latest.max(settled.0);
        let leg = Leg { id, timeline, settled };
        let (slot, old) = match self.by_id.get(&id) {
            Some(&slot) => (slot, std::mem::replace(&mut self.legs[slot as usize], leg).timeline.versions()),
            None => (self.place(leg), Vec::new()),
        };
        let (before, after) = (contributions(&old), contributions(&versions));
        for contribution in before.iter().filter(|it| !after.contains(it)) {
            self.change(id, contribution, ActivityOverTime::remove);
        }
        for contribution in after.iter().filter(|it| !before.contains(it)) {
            self.change(id, contribution, ActivityOverTime::add);
        }
        let (before, after) = (Links::of(&old), Links::of(&versions));
        if [&before, &after].into_iter().flat_map(|links| &links.departs).any(|departs| self.is_over(*departs)) {
            self.forget_habits();
        }
        self.link(slot, &before, &after);
        self.forget_sums();
    }

    /// Places a new leg.
    fn place(&mut self, leg: Leg) -> Slot {
        let id = leg.id;
        let slot = match self.free.pop() {
            Some(slot) => {
                self.legs[slot as usize] = leg;
                slot
            }
            None => {
                self.legs.push(leg);
                // Bounded by the time for which legs are kept; four thousand million do not fit into memory.
                (self.legs.len() - 1) as Slot
            }
        };
        self.by_id.insert(id, slot);
        slot
    }

    /// Forgets a leg. Its sums are those of moments that are forgotten, too.
    fn forget(&mut self, id: LegId) {
        if let Some(slot) = self.by_id.remove(&id) {
            self.forget_habits();
            let timeline = std::mem::take(&mut self.legs[slot as usize].timeline);
            self.link(slot, &Links::of(&timeline.versions()), &Links::default());
            self.free.push(slot);
        }
    }

    /// Forgets the legs that are not kept any more. Costs time in proportion to the state.
    pub fn forget_legs(&mut self) {
        let old: Vec<LegId> = self.by_id.keys().filter(|id| id.kept_until() < self.latest).copied().collect();
        old.into_iter().for_each(|id| self.forget(id));
    }

    fn forget_habits(&mut self) {
        self.feeders.clear();
        self.records.clear();
    }

    /// Forgets sums once for each hour of events: it costs time in proportion to the number of airports.
    fn forget_sums(&mut self) {
        let moment = self.latest - LOOKBACK_MS;
        if moment - self.sums_from >= HOUR_MS {
            self.sums_from = moment;
            self.activity.retain(|_, activity| activity.forget_before(moment));
        }
    }

    fn link(&mut self, slot: Slot, before: &Links, after: &Links) {
        let flight = self.legs[slot as usize].id.flight();
        replace(&mut self.by_flight, &self.legs, slot, (&before.departs, &after.departs), |departs| (flight, *departs));
        replace(&mut self.by_tail, &self.legs, slot, (&before.tails, &after.tails), |link| *link);
    }

    fn change(&mut self, id: LegId, contribution: &Contribution, how: fn(&mut ActivityOverTime, &Contribution)) {
        let airport = match contribution.amount {
            Amount::Origin(_) | Amount::Overdue(_) => id.origin,
            Amount::Dest(dest, _) => dest,
        };
        for place in Place::all(id.carrier, airport) {
            how(self.activity.entry(place).or_default(), contribution);
        }
    }

    /// Returns whether questions can be asked as of a moment: the latest event may be ahead of it by [`LOOKBACK_MS`].
    pub fn remembers(&self, moment: Millis) -> bool {
        moment >= self.latest - LOOKBACK_MS
    }

    fn is_over(&self, departs: Minutes) -> bool {
        Millis::from(departs + OVER_MINUTES) * MINUTE_MS <= self.latest
    }

    /// The moment from which on holds what was found of legs that were to leave at or before a time; `None` if it may
    /// change, as a leg is not over, or has another event.
    pub(super) fn holds_from(&self, departs: Minutes, as_of: &AsOf) -> Option<Millis> {
        let settled = as_of.settled.get();
        (self.is_over(departs) && settled <= as_of.moment).then_some(settled)
    }

    /// The latest time at which an event was known; 0 if there was none.
    pub fn latest(&self) -> Millis {
        self.latest
    }

    /// The number of legs.
    pub fn legs(&self) -> usize {
        self.by_id.len()
    }

    /// All events of a leg.
    pub(super) fn leg(&self, id: LegId) -> Option<&Timeline> {
        self.by_id.get(&id).map(|slot| &self.legs[*slot as usize].timeline)
    }

    pub(super) fn activity(&self, place: Place, moment: Millis) -> Activity {
        self.activity.get(&place).map(|activity| activity.as_of(moment)).unwrap_or_default()
    }

    /// The legs of a flight that were to leave at or before a time, as of a moment; the latest first.
    pub(super) fn legs_of_flight<'a>(
        &'a self,
        flight: FlightId,
        until: Minutes,
        as_of: &'a AsOf,
    ) -> impl Iterator<Item = (LegId, LegState)> + 'a {
        self.latest_first(self.by_flight.get(&flight), until, as_of)
    }

    /// The legs of an aeroplane that were to leave at or before a time, as of a moment; the latest first.
    pub(super) fn legs_of_tail<'a>(
        &'a self,
        tail: Code,
        until: Minutes,
        as_of: &'a AsOf,
    ) -> impl Iterator<Item = (LegId, LegState)> + 'a {
        self.latest_first(self.by_tail.get(&tail), until, as_of).filter(move |(_, state)| state.tail == Some(tail))
    }

    fn latest_first<'a>(
        &'a self,
        legs: Option<&'a Vec<Entry>>,
        until: Minutes,
        AsOf { moment, settled }: &'a AsOf,
    ) -> impl Iterator<Item = (LegId, LegState)> + 'a {
        let legs = legs.map(Vec::as_slice).unwrap_or_default();
        let count = legs.partition_point(|entry| entry.departs <= until);
        legs[..count].iter().rev().filter_map(move |Entry { departs, slot }| {
            let leg = &self.legs[*slot as usize];
            settled.set(settled.get().max(leg.settled.0));
            let state = leg.as_of(*moment);
            (state.schedule?.departs == *departs).then_some((leg.id, state))
        })
    }
}

/// The keys under which a leg is found, ascending and each once.
#[derive(Default)]
struct Links {
    departs: Vec<Minutes>,
    tails: Vec<(Code, Minutes)>,
}

impl Links {
    fn of(versions: &[(Millis, LegState)]) -> Self {
        let mut links = Links::default();
        for (_, state) in versions {
            let Some(schedule) = state.schedule else { continue };
            links.departs.push(schedule.departs);
            links.tails.extend(state.tail.map(|tail| (tail, schedule.departs)));
        }
        links.departs.sort_unstable();
        links.departs.dedup();
        links.tails.sort_unstable();
        links.tails.dedup();
        links
    }
}

/// Replaces the entries of a leg in an index. Entries of the same departure are in the order of their identities, so
/// that the order in which legs became known changes nothing.
fn replace<K: Copy + Eq + Hash, L: PartialEq>(
    index: &mut HashMap<K, Vec<Entry>>,
    legs: &[Leg],
    slot: Slot,
    (before, after): (&[L], &[L]),
    entry: impl Fn(&L) -> (K, Minutes),
) {
    let id = legs[slot as usize].id;
    let find = |entries: &[Entry], departs: Minutes| {
        entries.binary_search_by_key(&(departs, id), |entry| (entry.departs, legs[entry.slot as usize].id))
    };
    for (key, departs) in before.iter().filter(|link| !after.contains(link)).map(&entry) {
        let hash_map::Entry::Occupied(mut entries) = index.entry(key) else { continue };
        if let Ok(position) = find(entries.get(), departs) {
            entries.get_mut().remove(position);
        }
        if entries.get().is_empty() {
            entries.remove();
        }
    }
    for (key, departs) in after.iter().filter(|link| !before.contains(link)).map(&entry) {
        let entries = index.entry(key).or_default();
        if let Err(position) = find(entries, departs) {
            entries.insert(position, Entry { departs, slot });
        }
    }
}
