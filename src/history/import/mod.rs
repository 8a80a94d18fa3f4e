//! Imports flights of other formats into a history on disk.
//!
//! 1. The format of a file is recognized by its content, not by its name: zip, gzip, bzip2, zstd and Parquet by their
//!    first bytes, JSON by a leading brace or bracket, tables by their header, which also gives the separator (comma,
//!    semicolon, tab or bar). Formats that are not read are named, with advice.
//! 2. Columns and fields are found by name (`fields.rs` lists the spellings), in any order; others are ignored.
//!    A table with neither a date nor a delay but with `Origin`, `Dest` and `Distance` is a route table. A Parquet file
//!    with the columns of [`super::parquet::read_weather`] is weather.
//! 3. A broken row, which cannot be parsed, is counted, named and skipped. If more than 1 % of the rows of a text are
//!    broken, and at least 100 were read, the import fails: the text is probably of another kind.
//! 4. A damaged file fails the import.
//! 5. The files of the output directory have temporary names until all are complete. `flights.parquet` is renamed last:
//!    a directory without it is no history. A directory that already holds a history is refused.
//! 6. A directory is read with all files in and below it, in the order of their names, a zip with its members. A file
//!    in it without anything to import is skipped and named, and so are the files that programs and systems put
//!    beside data (`_SUCCESS`, `.crc`, `__MACOSX`, hidden files). A directory or a zip in which all files are passed
//!    over is an error that names them; so is a file that was given as a path, unless it is empty.
//! 7. Dates are days. In dates that begin with two numbers the month comes first, as at BTS ([`Options::day_first`]:
//!    the day); a text whose dates contradict this order is refused. A midnight with a zone is the day in that zone; a
//!    midnight in UTC is the day in UTC, whatever zone is written; a day of the month in another column decides. Dates
//!    in UTC that are all at the same hour, or at two adjacent hours (summer time), are midnights of an unwritten zone:
//!    from 1 to 11 of a zone west of Greenwich, and the same day; later of a zone east of it, and the next day. A text
//!    with other timestamps for dates is refused. Times of day are read on the clock on which the row's day begins at
//!    midnight.
//! 8. Values have the spellings of BTS, Excel, R, pandas, SQL dumps and MongoDB's extended JSON (`values.rs`,
//!    `timestamp.rs`, `json.rs`), in Parquet also the types of pandas and Spark. `NaN` is no value.
//! 9. An airport that is named by a number (BTS's airport ids) gets the code beside this number in any row
//!    of the import, or in lookup tables that are imported with it; a number without a code fails the import.
//! 10. Input is bounded: the unpacked size of a compressed file ([`Options`]), the nesting of compression and
//!     directories, the number of files and members, the length of a line and of an object (`bounds.rs`, `split.rs`).
//! 11. Messages escape control and invisible characters in names and texts of foreign files.
//!
//! All flights are held in memory to be sorted: 96 bytes each, so about 0.6 GB for a year of 6 million. Only the
//! memory of the machine bounds their number.

mod airport_ids;
mod bounds;
mod collector;
mod csv;
mod dates;
mod error;
mod fields;
mod files;
mod json;
mod parquet;
mod row;
mod run;
mod split;
mod text;
mod timestamp;
mod unpack;
mod values;

#[cfg(test)]
mod tests;

pub use bounds::Options;
pub use collector::{BROKEN_NAMED_MAX, Event, Progress, SKIPPED_NAMED_MAX};
pub use error::{BrokenRow, ImportError, SkippedFile};
pub use run::{Summary, import, import_routes, import_with};
