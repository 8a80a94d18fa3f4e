//! Supervision: a process restarts its child at once when it ends, and kills it when it hangs.
//!
//! A process of a cluster ends when any of its peers fails, and all of them must be back at the same time. A supervisor
//! restarts it within milliseconds; container runtimes pause for up to minutes, and each machine differently.
//!
//! # The rules
//!
//! 1. A child that ends is restarted after a pause with jitter. The pause grows to [`RESTART_PAUSE_MAX`] while children
//!    end before they have formed a generation and lived for [`STABLE_AFTER`]: the cluster waits for the longest pause.
//! 2. A child without a report for [`REPORT_TIMEOUT`] is killed: a suspended process cannot end by itself.
//! 3. A child never outlives its supervisor, however that ends.
//! 4. A first child that cannot start is a mistake in the configuration: its supervisor exits with the same code.
//! 5. A supervisor that is told to stop forwards the signal, waits, and exits as the child does; after [`GRACE_PERIOD`]
//!    it kills the child.

mod child;
mod supervisor;
#[cfg(test)]
mod tests;

pub use child::{ChildReport, ParentError, REPORT_INTERVAL, end_with_parent, start_reports};
pub use supervisor::{
    ChildStart, GRACE_PERIOD, REPORT_TIMEOUT, RESTART_PAUSE_MAX, STABLE_AFTER, START_TIMEOUT, SuperviseError, supervise,
};
