//! The embedded database: log and store in one SQLite file, the default where no Kafka and no MongoDB is configured.
//!
//! ```text
//!  producers ──▶ ┌─────────────┐   one thread a process and file:           ┌────────┐
//!  store writers │ queue of    │   all that waits → one transaction → fsync │ file + │
//!  commits ────▶ │ changes     │──────────────────────────────────────────▶ │  WAL   │
//!                └─────────────┘   then each one is acknowledged            └────────┘
//!  readers ◀── own thread and connection, nothing held open ◀── notifiers ◀── commit here │ `data_version` elsewhere
//! ```
//!
//! # The rules, each with a test
//!
//! 1. A file has one writing thread per process, however often it is opened; several processes may share the file.
//! 2. Group commit: all waiting write operations go into one `BEGIN IMMEDIATE` transaction, synced to disk at its
//!    commit. Each is acknowledged after that, exactly once. An operation whose deadline passes before its transaction
//!    fails. (The writing thread checks the deadlines, so they are late while a disk hangs in a sync.)
//! 3. A lock of another process is waited for within the deadlines. A full disk or an I/O error fails the operations of
//!    that group; later groups are attempted.
//! 4. A waiting thread is notified of a commit of the same process at once, and of one of another process within 10 ms.
//! 5. Nothing grows without bound: the queue ([`WRITE_OPS_MAX`], [`QUEUE_BYTES_MAX`]), the write-ahead log, and the
//!    tables, as [`retention`] says. A checkpoint truncates the log beyond [`WAL_BYTES_MAX`]. A process that keeps a
//!    read transaction open prevents that: it is named in the log and counted, and at [`WAL_BYTES_STOP`] each write
//!    fails with the reason until it is gone. The file itself keeps its largest size; pages freed in it are used
//!    again.
//! 6. A file of another application, of another version, on a network file system, or damaged is refused with a reason.
//! 7. When the last handle is dropped, waiting operations are still committed, and all threads end. The last process
//!    that closes the file writes its log into it and removes the log.
//! 8. The file is what its path names: device and inode of it, of its `-wal` and of its `-shm` are compared with the
//!    path's every second and before an acknowledgement. Once they differ nothing is acknowledged and nothing is read
//!    in this process; if only the `-wal` was deleted, its content is written into the file. A `-wal` without its
//!    file is refused.
//! 9. Inspection ([`Inspector`]) creates and changes nothing. What a crash has left in the log is told at the next
//!    opening: commits that are recovered, an incomplete one, and damage.
//! 10. A consumer group that commits nothing for [`GROUP_AGE_MAX`] of elapsed time expires, unless it is the last of
//!     its topic to have committed or a process reads for it. It is named in the log before, and can be removed.

mod checkpoint;
mod database;
mod error;
mod filesystem;
mod groups;
mod identity;
mod inspector;
mod notify;
mod open;
mod queue;
mod readers;
pub mod retention;
mod schema;
mod wal;
mod writer;

pub use checkpoint::WAL_BYTES_STOP;
pub use error::OpenError;
pub use groups::{GROUP_AGE_MAX, Group, Retained};
pub use inspector::{Committed, Inspector, StoredDeadLetter, TableStats};
pub use open::{FileMetrics, close, file_metrics};
pub use queue::{QUEUE_BYTES_MAX, WRITE_OPS_MAX};
pub use schema::WAL_BYTES_MAX;

pub(crate) use crate::clock::now_ms;
pub(crate) use database::{Database, Row, RowWriter};
pub(crate) use error::unavailable;
pub(crate) use groups::remove as remove_group;
pub(crate) use notify::Notifier;
pub(crate) use queue::{DEADLINE, WriteOp};
pub(crate) use readers::Registration;

#[cfg(test)]
mod tests;
