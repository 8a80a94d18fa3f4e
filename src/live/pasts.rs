//! Training flights at moments of the past: what was known of each before its departure, and after it.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};

use super::{
    event::Minutes,
    moment::{Moment, NEAR_MINUTES},
    replay::{PastTimes, PastView, replay},
    snapshot::Snapshot,
};
use crate::{
    flight::Code,
    history::Flight,
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

/// The knowledge of the flights of a history, by their indexes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pasts {
    /// The indexes of flights, ascending.
    flights: Vec<u32>,
    pasts: Vec<Past>,
}

impl Pasts {
    /// Nothing is known.
    pub const NONE: &'static Pasts = &Pasts { flights: Vec::new(), pasts: Vec::new() };

    /// Looks at the flights of a history, at moments that are drawn from their identities.
    pub fn of(flights: &[Flight], unflown: &[Flight], threads: usize) -> Self {
        let step = flights.len().div_ceil(PASTS_MAX).max(1);
        let views = replay(flights, unflown, threads, |at, times| {
            if at % step == 0 { moments(&flights[at], times).to_vec() } else { Vec::new() }
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
        let views = replay(flights, unflown, threads, |at, times| match is_held_out(&flights[at]) {
            true if at % step_held_out == 0 => {
                [None; DRAWN].into_iter().chain(HORIZONS.map(|horizon| at_horizon(horizon, times))).collect()
            }
            false if at % step == 0 => moments(&flights[at], times).to_vec(),
            _ => Vec::new(),
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
        // A history has fewer flights than 2^32.
        let flight = view.flight as u32;
        if self.flights.last() != Some(&flight) {
            self.flights.push(flight);
            self.pasts.push(Past::default());
        }
        let Some(past) = self.pasts.last_mut() else { return };
        past.snapshots[moment] = Some(view.snapshot);
        past.ground = past.ground.or(view.ground.and_then(|minutes| i16::try_from(minutes).ok()));
    }

    /// The flights of which something was known, by their indexes.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Past)> {
        self.flights.iter().map(|flight| *flight as usize).zip(&self.pasts)
    }

    /// The knowledge of the flight of an index.
    pub fn of_flight(&self, index: usize) -> Option<&Past> {
        let index = u32::try_from(index).ok()?;
        self.flights.binary_search(&index).ok().map(|at| &self.pasts[at])
    }

    /// The number of flights of which something was known.
    pub fn len(&self) -> usize {
        self.pasts.len()
    }

    /// Returns whether nothing was known.
    pub fn is_empty(&self) -> bool {
        self.pasts.is_empty()
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
