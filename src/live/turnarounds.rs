//! Turnarounds: the least time that an airline's aeroplanes take on the ground, and what its flights recover in the
//! air, learned from flights of the past.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::Minutes;
use crate::flight::Code;

/// Times on the ground outside of these say nothing of a turnaround, in minutes: the aeroplane was not waited for.
const GROUND_MINUTES: std::ops::RangeInclusive<Minutes> = 10..=240;
/// An airline's turnarounds at an airport from which its least time there is learned; with fewer it is the airline's.
const TURNAROUNDS_MIN: usize = 30;
/// The share of turnarounds, in per cent, that are shorter than the least time: a few are always odd.
const SHORTEST_PERCENT: usize = 20;
/// The least time on the ground if nothing is learned of the airline, in minutes.
const UNKNOWN_TURN: Minutes = 30;

/// A turnaround or a flight of the past, which turnarounds are learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turnaround {
    /// The airline.
    pub carrier: Code,
    /// The airport of departure.
    pub airport: Code,
    /// The time between the arrival of the aeroplane and this departure, in minutes, if its arrival is known.
    pub ground: Option<Minutes>,
    /// The delay of the departure less that of the arrival, in minutes.
    pub recovered: Minutes,
}

/// The least times on the ground by airline and airport, and the time that is usually recovered by airline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turnarounds {
    /// Ascending by airline.
    carriers: Vec<OfCarrier>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OfCarrier {
    carrier: Code,
    turn: Minutes,
    recovered: Minutes,
    /// Ascending by airport.
    airports: Vec<(Code, Minutes)>,
}

impl Turnarounds {
    /// Learns from flights, in any order.
    pub fn fit(flights: impl Iterator<Item = Turnaround>) -> Self {
        let mut by_carrier = BTreeMap::<Code, (Vec<Minutes>, BTreeMap<Code, Vec<Minutes>>)>::new();
        for Turnaround { carrier, airport, ground, recovered } in flights {
            let (all_recovered, airports) = by_carrier.entry(carrier).or_default();
            all_recovered.push(recovered);
            let ground = ground.filter(|minutes| GROUND_MINUTES.contains(minutes));
            airports.entry(airport).or_default().extend(ground);
        }
        let carriers = by_carrier.into_iter().map(|(carrier, (mut recovered, mut airports))| {
            let mut all: Vec<Minutes> = airports.values().flatten().copied().collect();
            let at_airport = |(airport, times): (&Code, &mut Vec<Minutes>)| {
                (times.len() >= TURNAROUNDS_MIN).then(|| Some((*airport, quantile(times, SHORTEST_PERCENT)?)))?
            };
            OfCarrier {
                carrier,
                turn: quantile(&mut all, SHORTEST_PERCENT).unwrap_or(UNKNOWN_TURN),
                recovered: quantile(&mut recovered, 50).unwrap_or(0),
                airports: airports.iter_mut().filter_map(at_airport).collect(),
            }
        });
        Turnarounds { carriers: carriers.collect() }
    }

    /// Returns whether nothing is learned.
    pub fn is_empty(&self) -> bool {
        self.carriers.is_empty()
    }

    /// Returns whether airlines and airports are in order, as the look-up expects, and times are those of a day.
    pub fn is_valid(&self) -> bool {
        let is_of_a_day = |minutes: &Minutes| minutes.abs() <= 24 * 60;
        self.carriers.is_sorted_by(|a, b| a.carrier < b.carrier)
            && self.carriers.iter().all(|of| {
                of.airports.is_sorted_by(|a, b| a.0 < b.0)
                    && [of.turn, of.recovered].iter().chain(of.airports.iter().map(|(_, turn)| turn)).all(is_of_a_day)
            })
    }

    fn of(&self, carrier: Code) -> Option<&OfCarrier> {
        let found = self.carriers.binary_search_by_key(&carrier, |of| of.carrier).ok()?;
        self.carriers.get(found)
    }

    /// The least time that an airline's aeroplane takes on the ground of an airport, in minutes.
    pub fn least_turn(&self, carrier: Code, airport: Code) -> Minutes {
        let Some(of) = self.of(carrier) else { return UNKNOWN_TURN };
        let found = of.airports.binary_search_by_key(&airport, |(code, _)| *code).ok();
        found.map_or(of.turn, |found| of.airports[found].1)
    }

    /// The time that an airline's flights usually recover between departure and arrival, in minutes.
    pub fn recovered(&self, carrier: Code) -> Minutes {
        self.of(carrier).map_or(0, |of| of.recovered)
    }
}

/// The value below which this many per cent of the values are; `None` without values.
fn quantile(values: &mut [Minutes], percent: usize) -> Option<Minutes> {
    let middle = values.len().checked_sub(1)? * percent / 100;
    Some(*values.select_nth_unstable(middle).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Code {
        text.parse().unwrap()
    }

    fn turnaround(carrier: &str, airport: &str, ground: Option<Minutes>) -> Turnaround {
        Turnaround { carrier: code(carrier), airport: code(airport), ground, recovered: ground.unwrap_or(0) / 10 }
    }

    #[test]
    fn an_airport_with_few_turnarounds_has_the_airlines_and_an_unknown_airline_half_an_hour() {
        let atl = (0..40).map(|n| turnaround("DL", "ATL", Some(40 + n)));
        let few = (0..TURNAROUNDS_MIN as Minutes - 1).map(|n| turnaround("DL", "BOS", Some(20 + n)));
        let odd = [turnaround("DL", "ATL", Some(5)), turnaround("DL", "ATL", Some(241)), turnaround("DL", "ATL", None)];
        let learned = Turnarounds::fit(atl.chain(few).chain(odd));
        assert_eq!(learned.least_turn(code("DL"), code("ATL")), 47, "20 % of 40 are shorter");
        assert_eq!(learned.least_turn(code("DL"), code("BOS")), 33, "20 % of all 69 are shorter");
        assert_eq!(learned.least_turn(code("AA"), code("ATL")), UNKNOWN_TURN);
        assert_eq!((learned.recovered(code("DL")), learned.recovered(code("AA"))), (4, 0));
        assert!(learned.is_valid() && !learned.is_empty());
    }

    #[test]
    fn what_is_out_of_order_is_not_valid() {
        let of = |carrier: &str| OfCarrier { carrier: code(carrier), turn: 30, recovered: 0, airports: vec![] };
        assert!(Turnarounds { carriers: vec![of("AA"), of("DL")] }.is_valid());
        assert!(!Turnarounds { carriers: vec![of("DL"), of("AA")] }.is_valid());
        assert!(!Turnarounds { carriers: vec![OfCarrier { turn: 2000, ..of("AA") }] }.is_valid());
    }
}
