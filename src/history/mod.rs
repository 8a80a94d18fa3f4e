//! Flights of the past: what models are trained and judged on.
//!
//! On disk a history is Parquet of one schema ([`parquet`]), written by [`import::import`], read by [`read`]; the
//! flights in the project's `data/` are compiled in ([`bundled`]), so that the binary needs no file to start from. The
//! zips that the flights of the United States are published in are fetched by [`fetch`].

mod atlas;
mod bundled;
mod error;
pub mod fetch;
mod flight;
pub mod import;
pub mod parquet;
mod read;
mod shown;
pub mod time_of_day;
mod weather;

use std::collections::BTreeMap;

pub use bundled::bundled;
pub use error::HistoryError;
pub use flight::{FLIGHT_NUM_MAX, Fate, Flight};
pub use read::{FLIGHTS_FILE, ROUTES_FILE, UNFLOWN_FILE, WEATHER_FILE, read};
pub use weather::{Hour, WeatherTable};

use crate::atlas::Route;

/// A history. What was not flown is kept apart, so that nobody trains on it by accident.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// The flown flights, in the order of [`Flight::cmp_all`]; each has an arrival delay.
    pub flights: Vec<Flight>,
    /// The cancelled and the diverted flights, in the same order.
    pub unflown: Vec<Flight>,
    /// The route table, if there is one, by origin and destination.
    pub routes: Vec<Route>,
    /// The weather at the airports; empty if nothing is known of it.
    pub weather: WeatherTable,
}

impl History {
    /// Sorts flights, drops those that are equal in every field, and puts flown and unflown apart. Of two distances for
    /// a route the later holds. There is no weather.
    pub fn new(mut flights: Vec<Flight>, routes: Vec<Route>) -> Self {
        flights.sort_unstable_by(Flight::cmp_all);
        flights.dedup();
        let unflown = flights.extract_if(.., |flight| flight.fate != Fate::Flown).collect();
        let routes: BTreeMap<_, _> = routes.into_iter().map(|route| ((route.origin, route.dest), route)).collect();
        History { flights, unflown, routes: routes.into_values().collect(), weather: WeatherTable::default() }
    }

    /// The same history with this weather.
    pub fn with_weather(self, weather: WeatherTable) -> Self {
        History { weather, ..self }
    }

    /// How many flights were cancelled.
    pub fn cancelled(&self) -> usize {
        self.unflown.iter().filter(|flight| flight.fate == Fate::Cancelled).count()
    }

    /// How many flights were diverted.
    pub fn diverted(&self) -> usize {
        self.unflown.len() - self.cancelled()
    }
}
