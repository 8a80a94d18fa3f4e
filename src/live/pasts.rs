//! Training flights at moments of the past: what was known of each before its departure, and after it.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};

use super::{
    event::Minutes,
    moment::{Moment, NEAR_MINUTES},
    replay::{PastFlight, PastTimes, PastView, replay},
    snapshot::Snapshot,
};
use crate::{
    flight::Code,
    history::{Flight, FlightStatus},
    random::{STEP, mix},
};

/// Upper bound on the flights that are looked at, evenly spaced among all: their snapshots take 1 KB each.
pub const PASTS_MAX: usize = 1_500_000;
/// A flight that is overdue is looked at within this many minutes after its scheduled departure.
const OVERDUE_MINUTES: Minutes = 90;
/// A flight on its way is looked at within this many minutes after its departure.
const AFTER_MINUTES: Minutes = 60;

/// The times before the scheduled departure at which answers are evaluated, in minutes; `None` is the departure itself,
/// when its delay is known.
pub const HORIZONS: [Option<Minutes>; 8] =
    [Some(24 * 60), Some(6 * 60), Some(4 * 60), Some(2 * 60), Some(60), Some(30), Some(0), None];
/// Upper bound on the flights that are evaluated at each horizon, evenly spaced among all.
pub const HELD_OUT_MAX: usize = 150_000;

/// The knowledge of a flight at each [`Moment`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Past {
    snapshots: [Option<Snapshot>; Moment::ALL.len()],
    /// The time that the aeroplane was on the ground before the flight, in minutes, if it is known.
    pub ground: Option<i16>,
}

impl Past {
    /// The knowledge at a moment; `None` if the flight was not looked at then.
    pub fn at(&self, moment: Moment) -> Option<&Snapshot> {
        self.snapshots[moment as usize].as_ref()
    }

    /// The knowledge at all moments.
    pub fn snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        self.snapshots.iter().flatten()
    }
}

/// The knowledge of some flights of a list, by their indexes.
#[derive(Debug, Clone, Default, PartialEq)]
struct ByIndex {
    /// The indexes of flights, ascending.
    flights: Vec<u32>,
    pasts: Vec<Past>,
}

impl ByIndex {
    const NONE: ByIndex = ByIndex { flights: Vec::new(), pasts: Vec::new() };

    fn get(&self, index: usize) -> Option<&Past> {
        let index = u32::try_from(index).ok()?;
        self.flights.binary_search(&index).ok().map(|at| &self.pasts[at])
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &Past)> {
        self.flights.iter().map(|flight| *flight as usize).zip(&self.pasts)
    }
}

/// The knowledge of the flights of a history, by their indexes: of the flown ones, and of those that were cancelled.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pasts {
    flown: ByIndex,
    cancelled: ByIndex,
}

impl Pasts {
    /// Nothing is known.
    pub const NONE: &'static Pasts = &Pasts { flown: ByIndex::NONE, cancelled: ByIndex::NONE };

    /// Looks at the flights of a history, at moments that are drawn from their identities. Of those that were not flown
    /// it looks at the cancelled, before their departure: a feed tells of the cancellation by then.
    pub fn of(flights: &[Flight], unflown: &[Flight], threads: usize) -> Self {
        // The same share of both, so that the share of cancelled flights is right.
        let step = flights.len().div_ceil(PASTS_MAX).max(1);
        let views = replay(flights, unflown, threads, |flight, times| {
            drawn_moments(step, flight.find(flights, unflown), times)
        });
        let mut pasts = Pasts::default();
        views.into_iter().for_each(|view| pasts.add(view.moment, view));
        pasts
    }

    /// Looks at flights as [`Self::of`] does; but at those of some days, at most [`HELD_OUT_MAX`] of them, at each of
    /// the [`HORIZONS`] before they had left, and at their departure. Returns the former, and the latter by horizon.
    pub fn by_horizon(
        flights: &[Flight],
        unflown: &[Flight],
        threads: usize,
        held_out: RangeInclusive<NaiveDate>,
    ) -> (Self, [Self; HORIZONS.len()]) {
        let is_held_out = |flight: &Flight| held_out.contains(&flight.date);
        let step = flights.len().div_ceil(PASTS_MAX).max(1);
        let step_held_out = flights.iter().filter(|it| is_held_out(it)).count().div_ceil(HELD_OUT_MAX).max(1);
        let at_horizon = |horizon: Option<Minutes>, times: &PastTimes| match horizon {
            Some(minutes) => {
                let moment = times.scheduled - minutes;
                Some(moment).filter(|moment| times.departed.is_none_or(|departed| *moment < departed))
            }
            None => times.departed,
        };
        const DRAWN: usize = Moment::ALL.len();
        let views = replay(flights, unflown, threads, |flight, times| {
            let (at, of_history) = flight.find(flights, unflown);
            if !is_held_out(of_history) {
                return drawn_moments(step, (at, of_history), times);
            }
            if !at.is_multiple_of(step_held_out) || of_history.status == FlightStatus::Diverted {
                return Vec::new();
            }
            // Cancellations are known at the scheduled departure.
            let is_open = |horizon: &Option<Minutes>| {
                of_history.status == FlightStatus::Flown || horizon.is_some_and(|minutes| minutes > 0)
            };
            let horizons = HORIZONS.map(|horizon| at_horizon(horizon, times).filter(|_| is_open(&horizon)));
            [None; DRAWN].into_iter().chain(horizons).collect()
        });
        let (mut drawn, mut by_horizon) = (Pasts::default(), std::array::from_fn(|_| Pasts::default()));
        for view in views {
            match view.moment.checked_sub(DRAWN) {
                None => drawn.add(view.moment, view),
                Some(horizon) => by_horizon[horizon].add(Moment::of(HORIZONS[horizon]) as usize, view),
            }
        }
        (drawn, by_horizon)
    }

    /// Adds a view of a flight that is not before that of the last view, at the moment of this index.
    fn add(&mut self, moment: usize, view: PastView) {
        let (ByIndex { flights, pasts }, index) = match view.flight {
            PastFlight::Flown(index) => (&mut self.flown, index),
            PastFlight::Unflown(index) => (&mut self.cancelled, index),
        };
        // A history has fewer flights than 2^32.
        let flight = index as u32;
        if flights.last() != Some(&flight) {
            flights.push(flight);
            pasts.push(Past::default());
        }
        let Some(past) = pasts.last_mut() else { return };
        past.snapshots[moment] = Some(view.snapshot);
        past.ground = past.ground.or(view.ground.and_then(|minutes| i16::try_from(minutes).ok()));
    }

    /// The flown flights of which something was known, by their indexes.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Past)> {
        self.flown.iter()
    }

    /// The cancelled flights of which something was known, by their indexes among those that were not flown.
    pub fn iter_cancelled(&self) -> impl Iterator<Item = (usize, &Past)> {
        self.cancelled.iter()
    }

    /// The knowledge of the flown flight of an index.
    pub fn of_flight(&self, index: usize) -> Option<&Past> {
        self.flown.get(index)
    }

    /// The knowledge of the cancelled flight of an index among those that were not flown.
    pub fn of_cancelled(&self, index: usize) -> Option<&Past> {
        self.cancelled.get(index)
    }

    /// The number of flown flights of which something was known.
    pub fn len(&self) -> usize {
        self.flown.pasts.len()
    }

    /// Returns whether nothing was known of flown flights.
    pub fn is_empty(&self) -> bool {
        self.flown.pasts.is_empty()
    }
}

/// The moments at which a flight to train on is looked at: one flight of `step`.
fn drawn_moments(step: usize, (at, flight): (usize, &Flight), times: &PastTimes) -> Vec<Option<Minutes>> {
    match flight.status {
        _ if !at.is_multiple_of(step) => Vec::new(),
        FlightStatus::Flown => moments(flight, times).to_vec(),
        FlightStatus::Cancelled => {
            let [early, near, ..] = moments(flight, times);
            vec![early, near]
        }
        FlightStatus::Diverted => Vec::new(),
    }
}

/// Draws a time for each [`Moment`] of a flight. They depend on its schedule alone: one that is drawn anew because the
/// flight had left would tell that it had left.
fn moments(flight: &Flight, times: &PastTimes) -> [Option<Minutes>; Moment::ALL.len()] {
    let mut draws = Draws::of(flight);
    // Half of the moments are in the third of the range that is next to the departure.
    let mut between = |from: Minutes, to: Minutes| {
        let to = if draws.below(2) == 0 { from + (to - from) / 3 } else { to };
        from + draws.below((to - from).unsigned_abs().into()) as Minutes
    };
    let before = |minutes: Minutes| {
        let moment = times.scheduled - minutes;
        Some(moment).filter(|moment| times.departed.is_none_or(|departed| *moment < departed))
    };
    let early = before(between(NEAR_MINUTES, 24 * 60 + 1));
    let near = before(between(1, NEAR_MINUTES));
    let overdue = before(-between(0, OVERDUE_MINUTES));
    let after = between(0, AFTER_MINUTES);
    let is_on_its_way = |moment: &Minutes| times.arrived.is_none_or(|arrived| *moment < arrived);
    let departed = times.departed.map(|at| Some(at + after).filter(is_on_its_way).unwrap_or(at));
    [early, near, overdue, departed]
}

/// Random numbers that depend on the identity of a flight alone.
struct Draws(u64);

impl Draws {
    fn of(flight: &Flight) -> Self {
        let code = |code: Code| u64::from_le_bytes(code.to_bytes());
        let mut draws = Draws(0);
        for part in [
            code(flight.carrier),
            code(flight.origin),
            code(flight.dest),
            flight.flight_num.unwrap_or(0).into(),
            flight.date.num_days_from_ce() as u64,
        ] {
            draws.0 = draws.next() ^ part;
        }
        draws
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below a small bound.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
