//! The context of a question: what is known as of a moment that bears on a flight.
//!
//! | part | definition |
//! |---|---|
//! | activity | of origin, destination, airline at the origin, airline and system: [`Activity`], without the flight |
//! | own leg | what is known of the flight itself |
//! | inbound | the leg that brings the aeroplane, the one before it, and the one before that: see [`Link`] |
//! | record | the flight's last [`RECORD_FLIGHTS`] arrivals in two weeks, those of the last 36 hours left out |

use chrono::NaiveDate;

use super::{
    activity::{Activity, Amount, Contribution},
    event::{FlightId, LegId, Millis, Minutes},
    habit::{Feeder, Record},
    leg::{LegState, is_late},
    state::{AsOf, Place, State},
};
use crate::flight::Code;

/// An inbound leg is due at most this long before the departure, in minutes.
const GROUND_MINUTES_MAX: Minutes = 24 * 60;
/// An inbound leg is scheduled to take at most this long, in minutes.
const FLIGHT_MINUTES_MAX: Minutes = 24 * 60;
/// The flights of a number whose inbound legs tell which flight feeds it.
pub const HABIT_FLIGHTS: usize = 6;
/// The flights of a record.
pub const RECORD_FLIGHTS: usize = 9;
/// The flights of a record, and those that tell a habit, were to leave at least this long before, in minutes: what the
/// last day did is in the other parts.
const RECORD_FROM: Minutes = 36 * 60;
/// They were to leave at most this long before, in minutes.
const RECORD_UNTIL: Minutes = 14 * 24 * 60;
/// Delays in a record beyond these count as these, in minutes.
const RECORD_DELAY: (i16, i16) = (-60, 180);
/// The legs before a flight that are looked at.
pub const INBOUND_LEGS: usize = 3;

/// A flight that is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// The airline.
    pub carrier: Code,
    /// The flight number.
    pub number: Option<u32>,
    /// The airport of departure.
    pub origin: Code,
    /// The airport of arrival.
    pub dest: Code,
    /// The local day of departure.
    pub date: NaiveDate,
    /// The scheduled departure, if the question has one; else it is that of the flight's own leg.
    pub departs: Option<Minutes>,
}

/// The way in which an inbound leg was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It is the leg before by the same aeroplane, which an event has named.
    Tail,
    /// It is today's leg of the flight that has fed this flight most often, this many times of its last
    /// [`HABIT_FLIGHTS`].
    Habit(u8),
}

/// A leg that brings the aeroplane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inbound {
    /// The leg.
    pub id: LegId,
    /// Its state, with a schedule.
    pub state: LegState,
    /// The way in which it was found.
    pub link: Link,
}

/// The knowledge as of a moment that bears on a flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The moment.
    pub as_of: Millis,
    /// The scheduled departure.
    pub departs: Option<Minutes>,
    /// At the airport of departure.
    pub origin: Activity,
    /// At the airport of arrival.
    pub dest: Activity,
    /// Of the airline at the airport of departure.
    pub carrier_at_origin: Activity,
    /// Of the airline.
    pub carrier: Activity,
    /// Of all airlines.
    pub system: Activity,
    /// Of the flight itself.
    pub own: LegState,
    /// The leg before, the leg before that, and so on.
    pub inbound: [Option<Inbound>; INBOUND_LEGS],
    /// Of the flight's last days.
    pub record: Record,
}

impl State {
    /// The context of a question as of a moment; `None` if the moment is further back than the state remembers.
    pub fn context(&self, question: &Query, as_of: Millis) -> Option<Context> {
        if !self.remembers(as_of) {
            return None;
        }
        let Query { carrier, number, origin, dest, date, departs } = *question;
        let own = number.and_then(|number| self.leg(LegId { carrier, number, origin, date }));
        let own_state = own.map(|timeline| timeline.as_of(as_of)).unwrap_or_default();
        let mut context = Context {
            as_of,
            departs: departs.or(own_state.schedule.map(|schedule| schedule.departs)),
            origin: self.activity(Place::Airport(origin), as_of),
            dest: self.activity(Place::Airport(dest), as_of),
            carrier_at_origin: self.activity(Place::CarrierAt(carrier, origin), as_of),
            carrier: self.activity(Place::Carrier(carrier), as_of),
            system: self.activity(Place::System, as_of),
            own: own_state,
            inbound: [None; INBOUND_LEGS],
            record: Record::default(),
        };
        for contribution in own.iter().flat_map(|timeline| timeline.contributions()) {
            context.leave_out(&contribution, origin, dest);
        }
        if let (Some(number), Some(departs)) = (number, context.departs) {
            let flight = (carrier, number, origin);
            context.record = self.record(flight, departs, as_of);
            let (mut flight, mut departs, mut tail) = (flight, departs, own_state.tail);
            for place in &mut context.inbound {
                let Some(inbound) = self.inbound(flight, departs, tail, as_of) else { break };
                let Some(schedule) = inbound.state.schedule else { break };
                *place = Some(inbound);
                (flight, departs, tail) = (inbound.id.flight(), schedule.departs, inbound.state.tail);
            }
        }
        Some(context)
    }

    /// The leg that brings the aeroplane of a flight that is to leave at a time.
    fn inbound(&self, flight: FlightId, departs: Minutes, tail: Option<Code>, as_of: Millis) -> Option<Inbound> {
        let (_, _, origin) = flight;
        if let Some(tail) = tail {
            // Without an inbound leg the aeroplane is at the airport already, or comes from elsewhere.
            let (id, state) = self.before(tail, departs, origin, &AsOf::new(as_of), |_| true)?;
            return Some(Inbound { id, state, link: Link::Tail });
        }
        let (feeder, times) = self.habit(flight, departs, as_of)?;
        let is_recent = |state: &LegState| {
            state.schedule.is_some_and(|schedule| schedule.departs >= departs - GROUND_MINUTES_MAX - FLIGHT_MINUTES_MAX)
        };
        let as_of = AsOf::new(as_of);
        let mut legs = self.legs_of_flight(feeder, departs, &as_of).take_while(|(_, state)| is_recent(state));
        let (id, state) = legs.find(|(_, state)| is_due_before(state, origin, departs))?;
        Some(Inbound { id, state, link: Link::Habit(times) })
    }

    /// The last leg of an aeroplane before a departure, if it is due at the airport of that.
    fn before(
        &self,
        tail: Code,
        departs: Minutes,
        origin: Code,
        as_of: &AsOf,
        counts: impl Fn(&LegState) -> bool,
    ) -> Option<(LegId, LegState)> {
        let mut legs = self.legs_of_tail(tail, departs - 1, as_of).filter(|(_, state)| counts(state));
        legs.next().filter(|(_, state)| is_due_before(state, origin, departs))
    }

    /// The flight whose leg most often brought the aeroplane, and how many times it did; of several the latest.
    fn habit(&self, flight: FlightId, departs: Minutes, as_of: Millis) -> Option<Feeder> {
        if let Some(feeder) = self.feeders.get(flight, departs, as_of) {
            return feeder;
        }
        let (_, _, origin) = flight;
        let mut feeders = [None; HABIT_FLIGHTS];
        let as_of = AsOf::new(as_of);
        let flown = self.last_flown(flight, departs, &as_of).take(HABIT_FLIGHTS);
        for (feeder, (_, state)) in feeders.iter_mut().zip(flown) {
            let (Some(tail), Some(schedule)) = (state.tail, state.schedule) else { continue };
            let before = self.before(tail, schedule.departs, origin, &as_of, |state| state.dep_delay.is_some());
            *feeder = before.map(|(id, _)| id.flight());
        }
        let times = |feeder: &FlightId| feeders.iter().flatten().filter(|other| *other == feeder).count();
        let mut best = None;
        for feeder in feeders.iter().flatten() {
            let times = times(feeder);
            if best.is_none_or(|(_, most)| times > most) {
                best = Some((*feeder, times));
            }
        }
        let best = best.map(|(feeder, times)| (feeder, times as u8));
        if let Some(from) = self.holds_from(departs - RECORD_FROM, &as_of) {
            self.feeders.set(flight, departs, from, best);
        }
        best
    }

    /// The legs of a flight that have left, in the two weeks before a departure but the last 36 hours, latest first.
    fn last_flown<'a>(
        &'a self,
        flight: FlightId,
        departs: Minutes,
        as_of: &'a AsOf,
    ) -> impl Iterator<Item = (LegId, LegState)> + 'a {
        let is_recent =
            move |state: &LegState| state.schedule.is_some_and(|schedule| schedule.departs >= departs - RECORD_UNTIL);
        let legs = self.legs_of_flight(flight, departs - RECORD_FROM, as_of);
        legs.take_while(move |(_, state)| is_recent(state)).filter(|(_, state)| state.dep_delay.is_some())
    }

    fn record(&self, flight: FlightId, departs: Minutes, as_of: Millis) -> Record {
        if let Some(record) = self.records.get(flight, departs, as_of) {
            return record;
        }
        let (mut record, as_of) = (Record::default(), AsOf::new(as_of));
        for (_, state) in self.last_flown(flight, departs, &as_of).take(RECORD_FLIGHTS) {
            let Some(delay) = state.arr_delay else { continue };
            record.arrivals += 1;
            record.delay += i32::from(delay.clamp(RECORD_DELAY.0, RECORD_DELAY.1));
            record.late += i32::from(is_late(delay));
        }
        if let Some(from) = self.holds_from(departs - RECORD_FROM, &as_of) {
            self.records.set(flight, departs, from, record);
        }
        record
    }
}

/// Returns whether a leg is to arrive at an airport before a departure, and on the same day.
fn is_due_before(state: &LegState, airport: Code, departs: Minutes) -> bool {
    let is_in_time = |arrives| (departs - GROUND_MINUTES_MAX..=departs).contains(&arrives);
    state.dest == Some(airport) && state.schedule.is_some_and(|schedule| is_in_time(schedule.arrives))
}

impl Context {
    /// Takes the flight itself out of the activity: its own delay is an input of its own, if it is known at all.
    fn leave_out(&mut self, contribution: &Contribution, origin: Code, dest: Code) {
        let as_of = self.as_of;
        match contribution.amount {
            Amount::Origin(_) | Amount::Overdue(_) => {
                self.origin.subtract(contribution, as_of);
                self.carrier_at_origin.subtract(contribution, as_of);
            }
            Amount::Dest(airport, _) if airport == dest => self.dest.subtract(contribution, as_of),
            Amount::Dest(airport, _) if airport == origin => {
                self.origin.subtract(contribution, as_of);
                self.carrier_at_origin.subtract(contribution, as_of);
            }
            Amount::Dest(..) => {}
        }
        self.carrier.subtract(contribution, as_of);
        self.system.subtract(contribution, as_of);
    }

    /// Returns whether nothing is known that bears on the flight.
    pub fn is_empty(&self) -> bool {
        let places = [&self.origin, &self.dest, &self.carrier, &self.system];
        self.own == LegState::default()
            && self.inbound[0].is_none()
            && self.record == Record::default()
            && places.into_iter().all(|activity| *activity == Activity::default())
    }
}
