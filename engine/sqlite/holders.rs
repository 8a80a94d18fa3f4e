//! Finds the processes that hold a read transaction open, and with it the write-ahead log.
//!
//! A reader of an SQLite file in WAL mode holds a shared lock on one of five bytes of the `-shm`
//! (<https://www.sqlite.org/walformat.html#wal_locks>). Linux lists all locks of a machine in `/proc/locks`, so nothing
//! is opened: an open and close of the `-shm` would drop the locks of this very process.

use std::{fmt, fs};

/// The bytes of the `-shm` that readers lock.
const READ_MARKS: std::ops::RangeInclusive<u64> = 123..=127;
/// Upper bound on the processes that are named.
const NAMED_MAX: usize = 3;

/// A process that reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pid: u32,
    name: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, self.name)
    }
}

/// The processes other than this one that have a read transaction open on the database with this `-shm`; none where
/// that cannot be known.
pub(super) fn of(shm_inode: u64) -> Vec<Holder> {
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut pids: Vec<u32> = locks.lines().filter_map(|line| reader(line, shm_inode)).collect();
    pids.sort_unstable();
    pids.dedup();
    let name = |pid| fs::read_to_string(format!("/proc/{pid}/comm")).map_or_else(|_| "?".to_owned(), printable);
    let others = pids.into_iter().filter(|pid| *pid != std::process::id());
    others.map(|pid| Holder { pid, name: name(pid) }).collect()
}

/// Names them, as the subject of a sentence.
pub(super) fn in_words(holders: &[Holder]) -> String {
    match holders {
        [] => "a reader".to_owned(),
        _ => holders.iter().take(NAMED_MAX).map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// A process may name itself as it likes.
fn printable(name: String) -> String {
    name.trim_end().chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// The process of a line of `/proc/locks`, if that is a reader's lock on the file:
/// `3: POSIX  ADVISORY  READ  4711 fe:00:1234 124 124`.
fn reader(line: &str, inode: u64) -> Option<u32> {
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
    fn readers_are_told_from_other_locks() {
        assert_eq!(reader("3: POSIX  ADVISORY  READ  4711 fe:00:1234 124 124", 1234), Some(4711));
        for other in [
            "3: POSIX  ADVISORY  READ  4711 fe:00:1235 124 124",
            "3: POSIX  ADVISORY  READ  4711 fe:00:1234 128 128",
            "3: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF",
            "3: -> POSIX  ADVISORY  WRITE 4711 fe:00:1234 124 124",
            "",
        ] {
            assert_eq!(reader(other, 1234), None, "{other}");
        }
        assert_eq!(in_words(&[]), "a reader");
        assert_eq!(in_words(&[Holder { pid: 7, name: printable("sql\nite3\n".into()) }]), "process 7 (sql?ite3)");
    }
}
