//! Fetches the monthly zips of BTS On-Time Performance, for [`super::import`] to read.
//!
//! 1. A zip gets its name only when it is complete: all bytes are present, its directory can be read, each member
//!    matches its checksum, and the file is synced. Any file under its name can be read.
//! 2. An incomplete zip has another name, beside a note of the server's headers (`folder.rs`). After any interruption
//!    the next run resumes it: it requests the rest on condition that the file is unchanged (`Range`, `If-Range`), and
//!    rejects a response that contradicts the note. A response that starts at byte 0 replaces the part. A mixture of
//!    two versions that no header reveals fails rule 1, and the file is fetched again.
//! 3. An existing zip is unpacked to verify it, and kept: the server gets no request for it.
//! 4. A failed try is repeated after a backoff with jitter, or after the server's Retry-After, up to
//!    [`Limits::tries_max`] times. Most 4xx statuses are permanent and not repeated; 404 and 410 mean that the month is
//!    not published (yet).
//! 5. A month that fails does not keep the others from being fetched. A failure that concerns all months ends the
//!    fetch: of the disk, of a server that never answered, or of its certificate.
//! 6. One fetch at a time writes to a folder (`folder.rs`), over one connection.

mod client;
mod download;
mod folder;
mod month;
mod report;
mod verify;

#[cfg(test)]
mod tests;

pub use client::{BTS_URL, Limits, Stop};
pub use download::Fetcher;
pub use month::{Month, MonthError, Months};
pub use report::{Event, FetchError, FileReport, FileState, Summary};
