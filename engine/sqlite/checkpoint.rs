//! Keeps the write-ahead log short, and stops writing while a reader prevents that.
//!
//! A checkpoint copies the log into the file, up to the oldest read transaction that is open anywhere. A process that
//! forgets one (a shell, a backup tool) lets the log grow with everything that is written.
//!
//! 1. Beyond [`WAL_BYTES_MAX`] the writing thread cuts the log back, once a second, until that succeeds.
//! 2. While a reader is in the way for longer than [`TOLD_AFTER`], the log says which process it is and what to do.
//! 3. At the stop, [`WAL_BYTES_STOP`] unless the URL says otherwise, nothing more is written: each change fails with
//!    the reason. It goes on by itself when the reader is gone.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{fault, holders, identity::Identity, schema::WAL_CHECKPOINT_PAGES, writer::WRITE_BUSY};
use crate::delivery::Unavailable;

/// The write-ahead log is cut back beyond this length.
pub const WAL_BYTES_MAX: u64 = 64 << 20;
/// Nothing more is written when the write-ahead log has this length: 1 GiB.
pub const WAL_BYTES_STOP: u64 = 1 << 30;
/// A reader is named when it has been in the way for this long,
const TOLD_AFTER: Duration = Duration::from_secs(5);
/// and again after this time.
const REMIND: Duration = Duration::from_secs(60);
/// After a checkpoint that a reader was in the way of, the next is tried after this time.
const PAUSE: Duration = Duration::from_secs(1);
/// A checkpoint that was blocked before waits for readers for this long; the first one waits as long as a write.
const BLOCKED_BUSY: Duration = Duration::from_millis(20);

/// Measurements of the write-ahead log, for metrics and checks.
#[derive(Debug)]
pub(super) struct Measured {
    /// Its length.
    pub(super) bytes: AtomicU64,
    /// Checkpoints that a reader was in the way of.
    pub(super) blocked: AtomicU64,
    /// At this length writing stops.
    pub(super) stop: AtomicU64,
}

impl Default for Measured {
    fn default() -> Self {
        Measured { bytes: AtomicU64::new(0), blocked: AtomicU64::new(0), stop: AtomicU64::new(WAL_BYTES_STOP) }
    }
}

/// Bounds the log of one database, on its writing thread.
pub(super) struct Checkpoints {
    wal: PathBuf,
    shm_inode: u64,
    measured: Arc<Measured>,
    due: Instant,
    blocked: Option<Blocked>,
}

/// A reader is in the way.
struct Blocked {
    since: Instant,
    said: Option<Instant>,
    /// Why nothing is written, at the stop.
    full: Option<Unavailable>,
}

impl Checkpoints {
    pub(super) fn new(identity: &Identity, measured: Arc<Measured>) -> Self {
        let wal = identity.wal().to_owned();
        Checkpoints { wal, shm_inode: identity.shm_inode(), measured, due: Instant::now(), blocked: None }
    }

    /// Fails at the stop (rule 3).
    pub(super) fn room(&self) -> Result<(), Unavailable> {
        self.blocked.as_ref().and_then(|blocked| blocked.full.clone()).map_or(Ok(()), Err)
    }

    /// Measures the log, and cuts it back if that is due.
    pub(super) fn turn(&mut self, connection: &Connection, path: &Path) {
        let bytes = fs::metadata(&self.wal).map_or(0, |wal| wal.len());
        self.measured.bytes.store(bytes, Ordering::Relaxed);
        let stop = self.measured.stop.load(Ordering::Relaxed);
        let is_long = bytes > WAL_BYTES_MAX.min(stop / 2);
        let now = Instant::now();
        // At the stop it is tried before the next commit, and not only when it is due.
        let is_urgent = bytes >= stop && self.room().is_ok();
        if !is_long && self.blocked.is_none() || now < self.due && !is_urgent {
            return;
        }
        let cut = if is_long { self.cut(connection, path) } else { Ok(true) };
        if cut == Ok(true) {
            self.measured.bytes.store(fs::metadata(&self.wal).map_or(0, |wal| wal.len()), Ordering::Relaxed);
            self.go_on(connection, path);
            return;
        }
        self.due = now + PAUSE;
        self.measured.blocked.fetch_add(1, Ordering::Relaxed);
        if self.blocked.is_none() {
            // Each automatic checkpoint would sort all frames again, for nothing.
            automatic(connection, 0, path);
        }
        let blocked = self.blocked.get_or_insert(Blocked { since: now, said: None, full: None });
        let was_full = blocked.full.is_some();
        let is_full = bytes >= stop;
        let is_due = blocked.said.map_or(blocked.since.elapsed() >= TOLD_AFTER, |said| said.elapsed() >= REMIND);
        if is_full || is_due {
            let cause = match cut {
                Err(error) => error.reason,
                Ok(_) => reading(&holders::of(self.shm_inode), blocked.since.elapsed()),
            };
            let words = in_words(bytes, stop, &cause, path);
            if is_due || !was_full {
                blocked.said = Some(now);
                tracing::warn!("{words}");
            }
            blocked.full = is_full.then(|| Unavailable::transient(words));
        }
    }

    /// A checkpoint that waits for readers. Whether the log is empty now; `false` if a reader is in the way.
    fn cut(&self, connection: &Connection, path: &Path) -> Result<bool, Unavailable> {
        let patience = if self.blocked.is_some() { BLOCKED_BUSY } else { WRITE_BUSY };
        let cut = || -> rusqlite::Result<bool> {
            connection.busy_timeout(patience)?;
            let is_busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            Ok(!is_busy)
        };
        let outcome = cut();
        let restored = connection.busy_timeout(WRITE_BUSY);
        match outcome.and_then(|is_cut| restored.map(|()| is_cut)) {
            Err(error) if fault::is_busy(&error) => Ok(false),
            outcome => outcome.map_err(|error| fault::unavailable(&error, path)),
        }
    }

    fn go_on(&mut self, connection: &Connection, path: &Path) {
        let Some(blocked) = self.blocked.take() else { return };
        automatic(connection, WAL_CHECKPOINT_PAGES, path);
        if blocked.said.is_some() {
            let seconds = blocked.since.elapsed().as_secs();
            tracing::info!(
                "the write-ahead log of {} is short again: a reader held it for {seconds} s",
                path.display()
            );
        }
    }
}

fn automatic(connection: &Connection, pages: u32, path: &Path) {
    if let Err(error) = connection.pragma_update(None, "wal_autocheckpoint", pages) {
        tracing::warn!("cannot set when checkpoints run: {}", fault::unavailable(&error, path));
    }
}

/// Names the processes that read, and says what to do.
fn reading(holders: &[holders::Holder], since: Duration) -> String {
    format!(
        "{} has had a read transaction open for {} s or longer: end that transaction or process (a database shell, a \
         backup tool)",
        holders::in_words(holders),
        since.as_secs(),
    )
}

/// Why the log is long, and what follows from it.
fn in_words(bytes: u64, stop: u64, cause: &str, path: &Path) -> String {
    let (mib, stop_mib) = (bytes >> 20, stop >> 20);
    let follows = match bytes >= stop {
        true => "nothing more is written until that is done".to_owned(),
        false => format!("at {stop_mib} MiB nothing more is written"),
    };
    format!("the write-ahead log of {} has {mib} MiB and cannot be cut back: {cause}; {follows}", path.display())
}

/// Returns the doctor's finding on a log of this length, and the advice; `None` if it is short.
pub(super) fn finding(bytes: u64, shm_inode: u64, path: &Path) -> Option<(String, String)> {
    if bytes <= WAL_BYTES_MAX {
        return None;
    }
    let (mib, max) = (bytes >> 20, WAL_BYTES_MAX >> 20);
    let holders = holders::of(shm_inode);
    let found = format!(
        "the write-ahead log of {} has {mib} MiB, more than {max}: {} has a read transaction open",
        path.display(),
        holders::in_words(&holders)
    );
    Some((found, format!("end that transaction or process; at {} MiB nothing more is written", WAL_BYTES_STOP >> 20)))
}
