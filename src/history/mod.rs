//! Flights of the past, which models are trained on and evaluated on.
//!
//! On disk a history is Parquet of one schema ([`parquet`]), written by [`import::import`] and read by [`read`]. The
//! flights of the project's `data/` folder are compiled in ([`bundled`]), so that the binary starts without a file.
//! [`fetch`] gets the zips in which the flights of the United States are published.

mod aircraft;
mod bundled;
mod cities;
mod dataset;
mod error;
pub mod fetch;
mod flight;
pub mod import;
pub mod parquet;
mod weather;
mod zones;

pub use aircraft::{AircraftFacts, aircraft_registry};
pub use bundled::{bundled, bundled_digest};
pub use cities::city;
pub use dataset::{FLIGHTS_FILE, History, ROUTES_FILE, UNFLOWN_FILE, WEATHER_FILE, read};
pub use error::HistoryError;
pub use flight::{Flight, FlightStatus};
pub use weather::{WeatherHour, WeatherTable};
pub use zones::zone;
