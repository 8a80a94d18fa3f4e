//! The prediction store: answers and rejections by request id.
//!
//! # The promises of a connector
//!
//! 1. The first answer wins: writing an id that has one succeeds and changes nothing. In MongoDB that includes answers
//!    of the old system.
//! 2. [`Writer::write`] returns `Ok` only when the rows are durable. It names rows that are refused for good; the
//!    others are written.
//! 3. A prediction outranks a rejection of the same id, whichever was written first.
//! 4. Answers are found by id without a scan.
//! 5. A [`Tail`] yields every answer scored since a timestamp once, including those written while it is read.
//! 6. Shadow answers are kept apart, for a bounded time, and no lookup or tail finds them.
//! 7. Versions of followed answers are kept apart, likewise. The first version of a number wins. The record of a
//!    followed request is there from the durability of version 1 to that of the last version.
//! 8. Of the tasks of batches, and of their results, the first of an id wins. Those of a day are found without a scan,
//!    and a page after another yields each once.
//!
//! [`Writer::write`]: crate::delivery::Writer::write

mod connector;
pub mod embedded;
#[cfg(feature = "mongo")]
pub mod mongo;
mod none;
mod open;

pub use crate::address::OpenError;
pub use connector::{
    Batches, DayCounts, Entry, Landed, Lookup, Outcome, Page, ReferenceTable, ResultPage, Store, Tail,
};
pub use none::NO_STORE;
pub use open::{inspect, keeps_reference, open, open_existing};

#[cfg(any(test, feature = "conformance"))]
pub mod promises;
