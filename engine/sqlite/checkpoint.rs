//! Checkpoints: they keep the write-ahead log short, and stop writing while a reader prevents that.
//!
//! A checkpoint copies the log into the file, up to the oldest read transaction that is open in any process. A process
//! that leaves one open (a shell, a backup tool) lets the log grow with every write.
//!
//! 1. Beyond [`WAL_BYTES_MAX`] the writing thread truncates the log, once a second, until that succeeds.
//! 2. While a reader blocks that for longer than [`WARN_AFTER`], the log names its process and says what to do.
//! 3. At [`WAL_BYTES_STOP`], unless the URL says otherwise, writing stops: each write operation fails with the reason.
//!    It resumes when the reader is gone.
//!
//! A reader of an SQLite file in WAL mode holds a shared lock on one of five bytes of the `-shm`
//! (<https://www.sqlite.org/walformat.html#wal_locks>). Linux lists all locks of a machine in `/proc/locks`, so nothing
//! is opened: an open and close of the `-shm` would drop the locks of this very process.

use std::{
    fmt, fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    error::{is_busy, unavailable},
    identity::Identity,
    schema::{WAL_BYTES_MAX, WAL_CHECKPOINT_PAGES, WRITE_BUSY},
};
use crate::delivery::Unavailable;

/// Length of the write-ahead log at which writing stops: 1 GiB.
pub const WAL_BYTES_STOP: u64 = 1 << 30;
/// Time after which the log names a reader that blocks checkpoints,
const WARN_AFTER: Duration = Duration::from_secs(5);
/// and the time after which it does so again.
const WARN_EVERY: Duration = Duration::from_secs(60);
/// Pause after a blocked checkpoint.
const PAUSE: Duration = Duration::from_secs(1);
/// Busy timeout of a checkpoint after a blocked one; the first one has that of a write.
const BLOCKED_BUSY: Duration = Duration::from_millis(20);
/// The bytes of the `-shm` that readers lock.
const READ_MARKS: RangeInclusive<u64> = 123..=127;
/// Upper bound on the processes that a message names.
const NAMED_MAX: usize = 3;

/// Statistics of the write-ahead log, for metrics and checks.
#[derive(Debug)]
pub(super) struct WalStats {
    /// Its length.
    pub(super) bytes: AtomicU64,
    /// The number of checkpoints that a reader blocked.
    pub(super) blocked: AtomicU64,
    /// Length at which writing stops.
    pub(super) stop: AtomicU64,
}

impl Default for WalStats {
    fn default() -> Self {
        WalStats { bytes: AtomicU64::new(0), blocked: AtomicU64::new(0), stop: AtomicU64::new(WAL_BYTES_STOP) }
    }
}

/// Bounds the write-ahead log of one database, on its writing thread.
pub(super) struct Checkpointer {
    wal: PathBuf,
    shm_inode: u64,
    wal_stats: Arc<WalStats>,
    due: Instant,
    blocked: Option<Blocked>,
}

/// A reader that blocks checkpoints.
struct Blocked {
    since: Instant,
    warned_at: Option<Instant>,
    /// The reason why writing has stopped, if it has.
    full: Option<Unavailable>,
}

impl Checkpointer {
    pub(super) fn new(identity: &Identity, wal_stats: Arc<WalStats>) -> Self {
        let wal = identity.wal().to_owned();
        Checkpointer { wal, shm_inode: identity.shm_inode(), wal_stats, due: Instant::now(), blocked: None }
    }

    /// Fails while writing has stopped (rule 3).
    pub(super) fn check_space(&self) -> Result<(), Unavailable> {
        self.blocked.as_ref().and_then(|blocked| blocked.full.clone()).map_or(Ok(()), Err)
    }

    /// Measures the log, and truncates it if that is due.
    pub(super) fn run_if_due(&mut self, connection: &Connection, path: &Path) {
        let bytes = fs::metadata(&self.wal).map_or(0, |wal| wal.len());
        self.wal_stats.bytes.store(bytes, Ordering::Relaxed);
        let stop = self.wal_stats.stop.load(Ordering::Relaxed);
        let is_long = bytes > WAL_BYTES_MAX.min(stop / 2);
        let now = Instant::now();
        // At the stop it runs before the next commit, due or not.
        let is_urgent = bytes >= stop && self.check_space().is_ok();
        if !is_long && self.blocked.is_none() || now < self.due && !is_urgent {
            return;
        }
        let truncated = if is_long { self.truncate(connection, path) } else { Ok(true) };
        if truncated == Ok(true) {
            self.wal_stats.bytes.store(fs::metadata(&self.wal).map_or(0, |wal| wal.len()), Ordering::Relaxed);
            self.resume(connection, path);
            return;
        }
        self.due = now + PAUSE;
        self.wal_stats.blocked.fetch_add(1, Ordering::Relaxed);
        if self.blocked.is_none() {
            // Each automatic checkpoint would sort all frames again, without any effect.
            set_autocheckpoint(connection, 0, path);
        }
        let blocked = self.blocked.get_or_insert(Blocked { since: now, warned_at: None, full: None });
        let was_full = blocked.full.is_some();
        let is_full = bytes >= stop;
        let is_due = blocked.warned_at.map_or(blocked.since.elapsed() >= WARN_AFTER, |at| at.elapsed() >= WARN_EVERY);
        if is_full || is_due {
            let cause = match truncated {
                Err(error) => error.reason,
                Ok(_) => readers_message(&lock_holders(self.shm_inode), blocked.since.elapsed()),
            };
            let message = blocked_message(bytes, stop, &cause, path);
            if is_due || !was_full {
                blocked.warned_at = Some(now);
                tracing::warn!("{message}");
            }
            blocked.full = is_full.then(|| Unavailable::transient(message));
        }
    }

    /// Runs a checkpoint that waits for readers. Returns true if the log is empty now, false if a reader blocks that.
    fn truncate(&self, connection: &Connection, path: &Path) -> Result<bool, Unavailable> {
        let busy = if self.blocked.is_some() { BLOCKED_BUSY } else { WRITE_BUSY };
        let checkpoint = || -> rusqlite::Result<bool> {
            connection.busy_timeout(busy)?;
            let is_blocked: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            Ok(!is_blocked)
        };
        let outcome = checkpoint();
        let restored = connection.busy_timeout(WRITE_BUSY);
        match outcome.and_then(|is_empty| restored.map(|()| is_empty)) {
            Err(error) if is_busy(&error) => Ok(false),
            outcome => outcome.map_err(|error| unavailable(&error, path)),
        }
    }

    fn resume(&mut self, connection: &Connection, path: &Path) {
        let Some(blocked) = self.blocked.take() else { return };
        set_autocheckpoint(connection, WAL_CHECKPOINT_PAGES, path);
        if blocked.warned_at.is_some() {
            let seconds = blocked.since.elapsed().as_secs();
            tracing::info!(
                "the write-ahead log of {} is short again: a reader held it for {seconds} s",
                path.display()
            );
        }
    }
}

fn set_autocheckpoint(connection: &Connection, pages: u32, path: &Path) {
    if let Err(error) = connection.pragma_update(None, "wal_autocheckpoint", pages) {
        tracing::warn!("cannot set when checkpoints run: {}", unavailable(&error, path));
    }
}

/// Names the processes that read, and says what to do.
fn readers_message(holders: &[LockHolder], since: Duration) -> String {
    format!(
        "{} has had a read transaction open for {} s or longer: end that transaction or process (a database shell, a \
         backup tool)",
        names(holders),
        since.as_secs(),
    )
}

/// Says why the log is long, and what follows from it.
fn blocked_message(bytes: u64, stop: u64, cause: &str, path: &Path) -> String {
    let (mib, stop_mib) = (bytes >> 20, stop >> 20);
    let consequence = match bytes >= stop {
        true => "nothing more is written until that is done".to_owned(),
        false => format!("at {stop_mib} MiB nothing more is written"),
    };
    format!("the write-ahead log of {} has {mib} MiB and cannot be cut back: {cause}; {consequence}", path.display())
}

/// Returns the doctor's finding on a log of this length, and the advice; `None` if it is short.
pub(super) fn finding(bytes: u64, shm_inode: u64, path: &Path) -> Option<(String, String)> {
    if bytes <= WAL_BYTES_MAX {
        return None;
    }
    let (mib, max) = (bytes >> 20, WAL_BYTES_MAX >> 20);
    let holders = lock_holders(shm_inode);
    let found = format!(
        "the write-ahead log of {} has {mib} MiB, more than {max}: {} has a read transaction open",
        path.display(),
        names(&holders)
    );
    Some((found, format!("end that transaction or process; at {} MiB nothing more is written", WAL_BYTES_STOP >> 20)))
}

/// Upper bound on the reads of `/proc/locks` for one answer.
const LOCK_READS_MAX: usize = 5;

/// A process that holds a read lock.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LockHolder {
    pid: u32,
    name: String,
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, self.name)
    }
}

/// Returns the processes other than this one that have a read transaction open on the database with this `-shm`; none
/// where that is not known.
fn lock_holders(shm_inode: u64) -> Vec<LockHolder> {
    let pids = || -> Vec<u32> {
        let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
        let readers = locks.lines().filter_map(|line| reader_of(line, shm_inode));
        readers.filter(|pid| *pid != std::process::id()).collect()
    };
    // The kernel hands the list out in pieces: where many processes lock and unlock, an entry may be left out.
    let mut pids = (0..LOCK_READS_MAX).map(|_| pids()).find(|pids| !pids.is_empty()).unwrap_or_default();
    pids.sort_unstable();
    pids.dedup();
    let name = |pid| fs::read_to_string(format!("/proc/{pid}/comm")).map_or_else(|_| "?".to_owned(), printable);
    pids.into_iter().map(|pid| LockHolder { pid, name: name(pid) }).collect()
}

/// Returns their names, as the subject of a sentence.
fn names(holders: &[LockHolder]) -> String {
    match holders {
        [] => "a reader".to_owned(),
        _ => holders.iter().take(NAMED_MAX).map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// Returns a name without control characters: a process may choose any name.
fn printable(name: String) -> String {
    name.trim_end().chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Returns the process of a line of `/proc/locks`, if that is a reader's lock on the file:
/// `3: POSIX  ADVISORY  READ  4711 fe:00:1234 124 124`.
fn reader_of(line: &str, inode: u64) -> Option<u32> {
    let mut fields = line.split_whitespace().skip(1);
    let (kind, pid) = (fields.next()?, fields.nth(2)?);
    let (file, start) = (fields.next()?, fields.next()?);
    let is_reader =
        kind == "POSIX" && file.rsplit(':').next()?.parse() == Ok(inode) && READ_MARKS.contains(&start.parse().ok()?);
    if is_reader { pid.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_distinguished_from_other_locks() {
        assert_eq!(reader_of("3: POSIX  ADVISORY  READ  4711 fe:00:1234 124 124", 1234), Some(4711));
        for other in [
            "3: POSIX  ADVISORY  READ  4711 fe:00:1235 124 124",
            "3: POSIX  ADVISORY  READ  4711 fe:00:1234 128 128",
            "3: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF",
            "3: -> POSIX  ADVISORY  WRITE 4711 fe:00:1234 124 124",
            "",
        ] {
            assert_eq!(reader_of(other, 1234), None, "{other}");
        }
        assert_eq!(names(&[]), "a reader");
        assert_eq!(names(&[LockHolder { pid: 7, name: printable("sql\nite3\n".into()) }]), "process 7 (sql?ite3)");
    }
}
