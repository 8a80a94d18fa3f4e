//! Legs: what is known of one as of a moment, from the set of its events.

use super::{
    activity::{Amount, Contribution, Overdue, Totals},
    event::{Event, EventKind, MINUTE_MS, Millis, Minutes, Times},
};
use crate::flight::Code;

/// Delays beyond these count as these, in minutes: a single aeroplane that is a day late says little of an airport.
const CLIPPED_DELAY: (i16, i16) = (-30, 180);
/// A flight that is this much behind its schedule, in minutes, is late in the sense of BTS.
const LATE_MINUTES: i16 = 15;
/// Upper bound on the time for which a flight that is neither gone nor cancelled counts as overdue, in minutes: a feed
/// may never tell.
const OVERDUE_MAX: Minutes = 12 * 60;

/// The knowledge of a leg as of a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LegState {
    /// The scheduled destination.
    pub dest: Option<Code>,
    /// The registration of the aeroplane: the planned one, or that of a leg that has left.
    pub tail: Option<Code>,
    /// Scheduled departure and arrival.
    pub schedule: Option<Times>,
    /// Delay of the departure in minutes, if it has left.
    pub dep_delay: Option<i16>,
    /// Delay of the arrival in minutes, if it has arrived.
    pub arr_delay: Option<i16>,
    /// It is cancelled.
    pub cancelled: bool,
    /// It goes to another airport.
    pub diverted: bool,
}

impl LegState {
    /// The time of departure, if it has left.
    pub fn departed(&self) -> Option<Minutes> {
        Some(self.schedule?.departs + Minutes::from(self.dep_delay?))
    }

    /// The time of arrival, if it has arrived.
    pub fn arrived(&self) -> Option<Minutes> {
        Some(self.schedule?.arrives + Minutes::from(self.arr_delay?))
    }

    /// Takes an event that became known later than those before.
    fn apply(&mut self, event: &Event) {
        match event.kind {
            EventKind::Scheduled => {}
            // A flight that leaves was not cancelled after all; one that is cancelled has come back.
            EventKind::Departed => (self.dep_delay, self.cancelled) = (event.delay, false),
            EventKind::Arrived => (self.arr_delay, self.cancelled, self.diverted) = (event.delay, false, false),
            EventKind::Cancelled => (self.cancelled, self.dep_delay, self.arr_delay) = (true, None, None),
            EventKind::Diverted => (self.diverted, self.arr_delay) = (true, None),
            EventKind::Withdrawn => return self.withdraw(event.withdraws),
        }
        self.dest = event.dest.or(self.dest);
        self.tail = event.tail.or(self.tail);
        self.schedule = event.schedule.or(self.schedule);
    }

    fn withdraw(&mut self, kind: Option<EventKind>) {
        match kind {
            None | Some(EventKind::Withdrawn) => *self = LegState::default(),
            Some(EventKind::Scheduled) => (self.schedule, self.tail) = (None, None),
            Some(EventKind::Departed) => self.dep_delay = None,
            Some(EventKind::Arrived) => self.arr_delay = None,
            Some(EventKind::Cancelled) => self.cancelled = false,
            Some(EventKind::Diverted) => self.diverted = false,
        }
    }
}

/// All events of a leg, in the order in which they take effect, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeline(Box<[Event]>);

impl Timeline {
    /// Takes events in any order and any number of times.
    pub fn new(mut events: Vec<Event>) -> Self {
        events.sort_unstable();
        events.dedup();
        Timeline(events.into())
    }

    /// The events.
    pub fn events(&self) -> &[Event] {
        &self.0
    }

    /// Returns what was known at a moment.
    pub fn as_of(&self, moment: Millis) -> LegState {
        let mut state = LegState::default();
        self.0.iter().take_while(|event| event.at <= moment).for_each(|event| state.apply(event));
        state
    }

    /// Returns what was known from each moment on at which something became known.
    pub(super) fn versions(&self) -> Vec<(Millis, LegState)> {
        let (mut versions, mut state) = (Vec::<(Millis, LegState)>::with_capacity(self.0.len()), LegState::default());
        for event in &self.0 {
            state.apply(event);
            match versions.last_mut() {
                Some((at, last)) if *at == event.at => *last = state,
                _ => versions.push((event.at, state)),
            }
        }
        versions
    }

    /// Returns what the leg adds to the activity of airports and airlines.
    pub(super) fn contributions(&self) -> Vec<Contribution> {
        contributions(&self.versions())
    }
}

/// Returns what a leg adds to the activity of airports and airlines, from the versions of what is known of it.
pub(super) fn contributions(versions: &[(Millis, LegState)]) -> Vec<Contribution> {
    let mut contributions = Vec::<Contribution>::new();
    for (index, (from, state)) in versions.iter().enumerate() {
        let until = versions.get(index + 1).map_or(Millis::MAX, |(next, _)| *next);
        for mut contribution in state.contributions(*from, until).into_iter().flatten() {
            // What goes on unchanged is one contribution.
            let continued = contributions.iter().position(|before| before.continues_in(&contribution));
            if let Some(continued) = continued {
                contribution.from = contributions.swap_remove(continued).from;
            }
            contributions.push(contribution);
        }
    }
    contributions
}

impl LegState {
    /// Returns what a leg adds while this is known of it.
    fn contributions(&self, from: Millis, until: Millis) -> [Option<Contribution>; 2] {
        let Some(schedule) = self.schedule else { return [None; 2] };
        let contribution = |amount, occurred: Minutes| {
            Some(Contribution { amount, occurred: Millis::from(occurred) * MINUTE_MS, from, until })
        };
        if self.cancelled {
            return [contribution(Amount::Origin(Totals::of_cancellation()), schedule.departs), None];
        }
        let departure = match (self.dep_delay, self.departed()) {
            (Some(delay), Some(at)) => {
                contribution(Amount::Origin(Totals::of_departure(clip(delay), is_late(delay))), at)
            }
            _ if self.arr_delay.is_some() || self.diverted => None,
            _ => {
                let until = until.min(Millis::from(schedule.departs + OVERDUE_MAX) * MINUTE_MS);
                contribution(Amount::Overdue(Overdue::of(schedule.departs)), schedule.departs)
                    .map(|contribution| Contribution { until, ..contribution })
                    .filter(|contribution| contribution.from < until)
            }
        };
        let arrival = match (self.dest, self.arr_delay, self.arrived()) {
            (Some(dest), Some(delay), Some(at)) => {
                contribution(Amount::Dest(dest, Totals::of_arrival(clip(delay), is_late(delay))), at)
            }
            _ => None,
        };
        [departure, arrival]
    }
}

fn clip(delay: i16) -> i32 {
    i32::from(delay.clamp(CLIPPED_DELAY.0, CLIPPED_DELAY.1))
}

/// Returns whether a flight with this delay in minutes is late.
pub(super) fn is_late(delay: i16) -> bool {
    delay >= LATE_MINUTES
}
