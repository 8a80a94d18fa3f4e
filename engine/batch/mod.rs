//! Batches: requests that wait in the store, and are answered together once a day.
//!
//! A *task* is a request as it is on the wire, with the time of its asking as text. A batch reads the tasks of a day,
//! and its *results* are answers in a collection of their own. The rules, each with a test:
//!
//! 1. A task is answered once: the first result under its id stands, so a batch that is run again changes nothing, and
//!    one that was interrupted is completed by the next.
//! 2. A task that is no request is rejected under its id with the reason, and delays no other.
//! 3. A store that is down is retried with backoff and jitter, for [`PATIENCE`]; then the batch fails, and what it has
//!    written stays.

mod run;
mod task;
#[cfg(test)]
mod tests;

pub use run::{Counts, PATIENCE, run};
pub use task::{BatchAnswer, Place, Task};

pub(crate) use task::{first_stamp, stamps_of};
