//! The flights that a model is trained on: those that were flown, and those that were cancelled.

use chrono::NaiveDate;

use super::query::{Query, TrainingFlight};
use crate::{
    history::{Flight, FlightStatus, WeatherTable},
    live::{Moment, Pasts},
};

/// A cancelled flight. It is counted where it would have been answered from, and nothing is fitted to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CancelledFlight<'a>(
    /// Its delays mean nothing.
    TrainingFlight<'a>,
);

impl<'a> CancelledFlight<'a> {
    /// Takes the cancelled flights of those that were not flown, in their order.
    pub fn all_of(unflown: &[Flight], weather: &'a WeatherTable, pasts: &'a Pasts) -> Vec<Self> {
        let cancelled = |(at, flight): (usize, &Flight)| {
            let example = TrainingFlight::asked(flight, weather, pasts.of_cancelled(at));
            (flight.status == FlightStatus::Cancelled).then_some(CancelledFlight(example))
        };
        unflown.iter().enumerate().filter_map(cancelled).collect()
    }

    /// The example, whose delays mean nothing.
    pub(super) fn example(&self) -> &TrainingFlight<'a> {
        &self.0
    }

    /// The local day of departure.
    pub fn date(&self) -> NaiveDate {
        self.0.query().date
    }

    /// Returns whether it was looked at, at a moment; without a moment it always is.
    pub fn is_known_at(&self, moment: Option<Moment>) -> bool {
        moment.is_none_or(|moment| self.0.live(moment).is_some())
    }

    /// The query for it, with what was known at a moment.
    pub fn query(&self, moment: Option<Moment>) -> Query<'a> {
        let live = moment.and_then(|moment| self.0.live(moment));
        Query { dep_delay: None, live, ..self.0.query() }
    }
}

/// The flights that a model is trained on, each kind in the order of its days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Examples<'a> {
    /// The flown ones.
    pub flown: &'a [TrainingFlight<'a>],
    /// The cancelled ones; none if a chance of it is not to be learned.
    pub cancelled: &'a [CancelledFlight<'a>],
}

impl Examples<'_> {
    /// The flights before a day.
    #[must_use]
    pub fn before(self, day: NaiveDate) -> Self {
        let flown = self.flown.partition_point(|flight| flight.query().date < day);
        let cancelled = self.cancelled.partition_point(|flight| flight.date() < day);
        Examples { flown: &self.flown[..flown], cancelled: &self.cancelled[..cancelled] }
    }
}

impl<'a> From<&'a [TrainingFlight<'a>]> for Examples<'a> {
    fn from(flown: &'a [TrainingFlight<'a>]) -> Self {
        Examples { flown, cancelled: &[] }
    }
}

impl<'a> From<&'a Vec<TrainingFlight<'a>>> for Examples<'a> {
    fn from(flown: &'a Vec<TrainingFlight<'a>>) -> Self {
        flown.as_slice().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{features::tests::flight, flight::Code};

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2013, 1, number).unwrap()
    }

    #[test]
    fn cancelled_flights_have_no_departure_delay_and_diverted_ones_are_left_out() {
        let code = |text: &str| -> Code { text.parse().unwrap() };
        let unflown = |status| Flight {
            dep_delay: Some(3.0),
            status,
            ..Flight::unknown(day(2), code("AA"), code("JFK"), code("LAX"))
        };
        let unflown = [FlightStatus::Diverted, FlightStatus::Cancelled].map(unflown);
        let cancelled = CancelledFlight::all_of(&unflown, WeatherTable::NONE, Pasts::NONE);
        let [only] = cancelled[..] else { panic!("{cancelled:?}") };
        assert_eq!((only.date(), only.query(None).dep_delay), (day(2), None));
        assert!(only.is_known_at(None) && !only.is_known_at(Some(Moment::Early)));
    }

    #[test]
    fn examples_before_a_day_are_of_both_kinds() {
        let on = |number| {
            let mut flight = flight("AA", "JFK", 0.0, 0.0);
            flight.change(|query| query.date = day(number));
            flight
        };
        let (flown, cancelled) = ([1, 2, 2, 3].map(on), [1, 3, 3].map(|number| CancelledFlight(on(number))));
        let examples = Examples { flown: &flown, cancelled: &cancelled };
        let counts = |examples: Examples<'_>| (examples.flown.len(), examples.cancelled.len());
        assert_eq!([1, 2, 3, 4].map(|number| counts(examples.before(day(number)))), [(0, 0), (1, 1), (3, 1), (4, 3)]);
    }
}
