//! Exploration of a history: one SQLite file of its flights with indexes and sums, and the queries on it.
//!
//! ```text
//!  a history ── build ──▶ one file ── Index ──▶ airlines, aircraft, flights
//! ```
//!
//! * [`Source`]: the history; [`Preparation`]: the index over it while it is built, and once it is there.
//! * [`Index`]: the queries. [`Figures`]: counts by class of delay, of any set of flights.
//! * `schema`: the tables. `build`: writes them.
//!
//! # The rules, each with a test
//!
//! 1. A file is complete: it is written under another name, synced and renamed.
//! 2. A file is of its history: it has the number of the format and a fingerprint of the history, and is built anew
//!    when either differs. A file that is no index is not replaced.
//! 3. Every query has a deadline and returns a bounded number of rows.
//! 4. No text of a question becomes SQL: values are parameters.
//! 5. A sum in the file equals the sum over the flights.

mod aircraft;
mod airlines;
mod airports;
mod build;
mod error;
mod figures;
mod index;
mod prepare;
mod schema;
mod search;
mod source;
mod sums;
mod usual;

#[cfg(test)]
mod tests;

pub use aircraft::{Aircraft, AircraftFilter, AircraftPage, FlightsByAirline, ManufacturerTotal};
pub use airlines::{Airline, AirlineSummary, FigureSubject, HourFigures, MonthFigures, RouteSummary};
pub use error::ExploreError;
pub use figures::Figures;
pub use index::{HistoryFacts, Index};
pub use prepare::{NotReady, Preparation};
pub use search::{FlightFilter, FlightPage, OFFSET_MAX};
pub use source::Source;
pub use usual::{RouteFlight, RouteFlights, ScheduledLeg, UsualSchedule};
