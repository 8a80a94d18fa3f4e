//! What a history and the bundled tables know of airports, airlines and routes.

use std::collections::BTreeMap;

use super::{Flight, History, HistoryError, bundled};
use crate::{
    atlas::{Atlas, Route},
    code::Code,
};

impl History {
    /// The bundled airports and airlines, this history's route table, and what its flights, flown or not, observed:
    /// each route's median distance, and the airlines, named by their code where the bundled table has no name.
    pub fn atlas(&self) -> Result<Atlas, HistoryError> {
        let mut airlines = bundled::airlines()?;
        let mut observed = BTreeMap::<(Code, Code), Vec<f32>>::new();
        for flight in self.all() {
            airlines.entry(flight.carrier).or_insert_with(|| flight.carrier.to_string());
            if let Some(miles) = flight.distance {
                observed.entry((flight.origin, flight.dest)).or_default().push(miles);
            }
        }
        let observed = observed.into_iter().map(|((origin, dest), mut miles)| {
            let middle = miles.len() / 2;
            // The upper median: BTS revises distances by a mile or so, and a mean would belong to neither.
            let (_, median, _) = miles.select_nth_unstable_by(middle, f32::total_cmp);
            Route { origin, dest, miles: *median }
        });
        Ok(Atlas::new(bundled::airports()?, airlines, self.routes.iter().copied(), observed))
    }

    /// All flights, flown or not.
    pub fn all(&self) -> impl Iterator<Item = &Flight> {
        self.flights.iter().chain(&self.unflown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Fate, bundled};

    fn flight(carrier: &str, origin: &str, dest: &str, miles: f32) -> Flight {
        let code = |text: &str| text.parse().unwrap();
        let date = "2008-01-31".parse().unwrap();
        let flight = Flight::unknown(date, code(carrier), code(origin), code(dest));
        Flight { distance: Some(miles), arr_delay: Some(miles - 100.0), ..flight }
    }

    #[test]
    fn the_bundled_history_knows_its_airports_even_those_its_table_lacks() {
        let atlas = bundled().unwrap().atlas().unwrap();
        let code = |text: &str| text.parse::<Code>().unwrap();
        for airport in ["JFK", "ATL", "SFO", "SJU", "STT", "BQN", "PSE"] {
            assert!(atlas.knows_airport(code(airport)), "{airport}");
        }
        assert_eq!(atlas.distance_miles(code("JFK"), code("SJU")), Some(1598.0));
        assert_eq!(atlas.airlines().find(|(airline, _)| *airline == code("AA")).unwrap().1, "American Airlines Inc.");
    }

    #[test]
    fn unflown_flights_are_observed_too_the_median_holds_and_an_airline_without_a_name_gets_its_code() {
        let mut flights = vec![flight("XE", "QQA", "QQB", 300.0), flight("XE", "QQA", "QQB", 302.0)];
        flights.push(flight("AA", "QQA", "QQB", 999.0));
        flights.push(Flight { fate: Fate::Cancelled, arr_delay: None, ..flight("AA", "QQC", "QQB", 50.0) });
        let atlas = History::new(flights, Vec::new()).atlas().unwrap();
        let code = |text: &str| text.parse::<Code>().unwrap();
        assert_eq!(atlas.distance_miles(code("QQA"), code("QQB")), Some(302.0));
        assert_eq!(atlas.distance_miles(code("QQC"), code("QQB")), Some(50.0));
        assert_eq!(atlas.airlines().find(|(airline, _)| *airline == code("XE")).unwrap().1, "XE");
    }
}
