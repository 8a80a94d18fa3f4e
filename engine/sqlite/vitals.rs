//! The numbers of the open files, for metrics.

use std::sync::atomic::Ordering;

use super::open;

/// An open file in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vitals {
    /// Its path.
    pub file: String,
    /// Length of its write-ahead log.
    pub wal_bytes: u64,
    /// Checkpoints that a reader was in the way of.
    pub blocked_checkpoints: u64,
    /// True if the path still names the file that is open.
    pub is_intact: bool,
}

/// The files that this process has open, by path.
pub fn vitals() -> Vec<Vitals> {
    let of = |database: std::sync::Arc<super::Database>| Vitals {
        file: database.path.display().to_string(),
        wal_bytes: database.measured.bytes.load(Ordering::Relaxed),
        blocked_checkpoints: database.measured.blocked.load(Ordering::Relaxed),
        is_intact: database.intact().is_ok(),
    };
    open::opened().into_iter().map(of).collect()
}
