//! A process that keeps another one running: it starts it again at once when it leaves, and kills it when it hangs.
//!
//! A process of a cluster leaves when any of its peers is lost, and all of them must be back at the same time. So they are
//! started again here, within milliseconds, and not by who runs the container, whose pauses grow to minutes and differ
//! between machines.
//!
//! # The rules
//!
//! 1. A child that leaves is started again after a pause with jitter, which grows while children leave before they have
//!    formed a generation and lived for [`SETTLED`], to [`PAUSE`]: the cluster waits for the longest pause of any.
//! 2. A child that has not reported for [`SILENCE`] is killed: one that is stopped cannot leave by itself.
//! 3. A child never outlives its supervisor, however that ends.
//! 4. A first child that cannot start is a mistake in the configuration: its supervisor leaves with the same code.
//! 5. Told to stop, a supervisor passes that on, waits, and leaves as the child does; after [`GRACE`] it kills.

mod child;
mod report;
mod supervisor;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use child::{TieError, report, tie};
pub use report::Report;
pub use supervisor::{Start, SuperviseError, supervise};

/// How often a child reports.
pub const REPORT: Duration = Duration::from_millis(200);
/// A child that has not reported for so long hangs.
pub const SILENCE: Duration = Duration::from_secs(2);
/// The first report may take longer: the program is being loaded.
pub const STARTING: Duration = Duration::from_secs(10);
/// A child that has lived for so long was started well.
pub const SETTLED: Duration = Duration::from_secs(2);
/// The longest pause before a child is started again.
pub const PAUSE: Duration = Duration::from_secs(1);
/// From the word to stop until it is killed. A scorer takes 8 s at most to finish what it has read, and up to 5 s more if a commit
/// hangs.
pub const GRACE: Duration = Duration::from_secs(15);
/// `EX_TEMPFAIL` of sysexits.h: something is left undone; start again.
const EXIT_TEMPORARY: i32 = 75;
