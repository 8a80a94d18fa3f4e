//! Reports the content of a `-wal` that no process has open, in words for the log and for the doctor.

use std::{
    fs::File,
    io::{self, BufReader},
    os::unix::fs::FileExt,
    path::Path,
    time::{Duration, Instant},
};

use super::{Contents, HEADER_BYTES, read};
use crate::sqlite::identity::beside;

/// A `-wal` is read for at most this long; SQLite's own recovery reads it once more.
const READ_FOR: Duration = Duration::from_secs(10);
/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 1 << 20;
/// The page size of files that delaycast makes, for one whose header cannot be read.
const PAGE_BYTES: usize = 4096;

/// Returns the content of the `-wal` of the database at `path`; `None` if there is none, or an empty one. Valid only
/// while no process has it open.
pub(in crate::sqlite) fn found(path: &Path, database: &File) -> io::Result<Option<Contents>> {
    let wal = match File::open(beside(path, "-wal")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if wal.metadata()?.len() <= HEADER_BYTES as u64 {
        return Ok(None);
    }
    let mut field = [0; 2];
    let page_bytes = match database.read_exact_at(&mut field, 16).map(|()| usize::from(u16::from_be_bytes(field))) {
        Ok(1) => 1 << 16,
        Ok(bytes) if bytes.is_power_of_two() && bytes >= 512 => bytes,
        _ => PAGE_BYTES,
    };
    read(BufReader::with_capacity(BUFFER_BYTES, wal), page_bytes, Instant::now() + READ_FOR).map(Some)
}

/// Says what was found, and whether that is a reason to worry.
pub(in crate::sqlite) fn told(path: &Path, contents: &Contents) -> (bool, String) {
    let Contents { commits, last_frame, bytes_behind, commits_lost, .. } = contents;
    let path = path.display();
    if contents.is_partial {
        let words = format!(
            "the -wal of {path} is long: its first {commits} commits, up to frame {last_frame}, were examined and can be \
             recovered"
        );
        return (false, words);
    }
    let header = if contents.header_is_damaged { " its header is damaged;" } else { "" };
    let recovered = format!("{commits} commits up to frame {last_frame} of the -wal are recovered");
    if contents.is_damaged() {
        let lost =
            if contents.acknowledged_lost { "was acknowledged and is lost" } else { "may have been acknowledged" };
        let words = format!(
            "{path} was not closed in order, and its -wal is damaged:{header} {recovered}; the {bytes_behind} bytes behind \
             that have {commits_lost} more commits, which are not: what they hold {lost}. Keep a copy of the -wal, look \
             after the disk, and have the senders of that time send again"
        );
        return (true, words);
    }
    let words = match bytes_behind {
        0 => format!("{path} was not closed in order: {recovered}, and nothing is missing"),
        _ => format!(
            "{path} was not closed in order:{header} {recovered}; the {bytes_behind} bytes behind that are an incomplete \
             commit, which was not acknowledged"
        ),
    };
    (false, words)
}
