//! Reads a `-wal` as SQLite's recovery does, and reports the frames that recovery takes and those that it ignores.
//!
//! Format: <https://www.sqlite.org/fileformat2.html#walformat>. A header of 32 bytes, then frames: 24 bytes of header
//! and a page. A frame is valid if it has the header's salts and if its checksum continues that of the frame before.
//! Recovery takes the frames up to the last commit before the first invalid frame.
//!
//! 1. [`read`] finds the same last frame as SQLite, for any bytes.
//! 2. Frames with other salts were left by an earlier use of the file and say nothing.
//! 3. Behind the last valid frame it searches for frames with the header's salts whose checksum continues the one
//!    that the frame before them *says*: they were written after a frame that is damaged. A commit among them that
//!    another frame follows was on disk before that one was written, so it was acknowledged, and is lost.
//! 4. Reading ends at a deadline, and the report says so.

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::FileExt,
    path::Path,
    time::{Duration, Instant},
};

use super::filesystem::companion;

/// A `-wal` starts with this number; its lowest bit says in which byte order checksums are computed.
pub(super) const MAGIC: u32 = 0x377f_0682;
/// The only version of the format.
const FORMAT: u32 = 3_007_000;
/// Length of the header.
pub(super) const HEADER_BYTES: usize = 32;
/// Length of a frame's own header.
const FRAME_HEADER_BYTES: usize = 24;
/// SQLite's largest page.
const PAGE_BYTES_MAX: u32 = 65_536;
/// Upper bound on the time of reading a `-wal`; SQLite's own recovery reads it once more.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of bytes that are read at a time.
const BUFFER_BYTES: usize = 1 << 20;
/// The page size of files that delaycast creates, for a file whose header cannot be read.
const PAGE_BYTES: usize = 4096;

/// The result of recovery.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Contents {
    /// Commits that are recovered.
    pub(super) commits: u64,
    /// The last frame of the last of them, counted from 1; 0 if there is none.
    pub(super) last_frame: u64,
    /// Bytes behind that frame which belong to no earlier use of the file.
    pub(super) bytes_behind: u64,
    /// Commits found behind damage: they are not recovered.
    pub(super) commits_lost: u64,
    /// True if one of them is followed by another frame, so that it was durable.
    pub(super) acknowledged_lost: bool,
    /// True if the header cannot be used, so that recovery takes nothing.
    pub(super) header_is_damaged: bool,
    /// True if the deadline came before the end.
    pub(super) is_partial: bool,
}

impl Contents {
    /// Returns whether commits were found behind damage.
    pub(super) fn is_damaged(&self) -> bool {
        self.commits_lost > 0
    }
}

/// SQLite's checksum of the WAL: two sums over pairs of 32-bit words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Checksum(u32, u32);

impl Checksum {
    /// Continues it over `bytes`, whose length is a multiple of 8.
    fn over(self, bytes: &[u8], is_big_endian: bool) -> Self {
        let word = |chunk: [u8; 4]| if is_big_endian { u32::from_be_bytes(chunk) } else { u32::from_le_bytes(chunk) };
        let (words, _) = bytes.as_chunks::<8>();
        words.iter().fold(self, |Checksum(a, b), &[w, x, y, z, p, q, r, s]| {
            let a = a.wrapping_add(word([w, x, y, z])).wrapping_add(b);
            Checksum(a, b.wrapping_add(word([p, q, r, s])).wrapping_add(a))
        })
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u32::from_be_bytes(*chunk))
}

/// A header that recovery takes.
struct Header {
    is_big_endian: bool,
    page_bytes: usize,
    salts: (u32, u32),
    checksum: Checksum,
}

fn header(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
    let (magic, page_bytes) = (number(bytes, 0), number(bytes, 8));
    let is_big_endian = magic & 1 == 1;
    let checksum = Checksum(0, 0).over(&bytes[..24], is_big_endian);
    let is_valid = magic & !1 == MAGIC
        && page_bytes.is_power_of_two()
        && (512..=PAGE_BYTES_MAX).contains(&page_bytes)
        && checksum == Checksum(number(bytes, 24), number(bytes, 28))
        && number(bytes, 4) == FORMAT;
    let salts = (number(bytes, 16), number(bytes, 20));
    is_valid.then_some(Header { is_big_endian, page_bytes: page_bytes as usize, salts, checksum })
}

/// The state of a frame by the chain of checksums.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// It continues the chain, and may be a commit.
    Valid { is_commit: bool },
    /// It belongs to this use of the file and does not continue the chain.
    Broken,
    /// It has other salts.
    Other,
}

/// Reads a `-wal`, until the deadline. `page_bytes` is the page size of the database, which is used to search behind a
/// header that is damaged.
pub(super) fn read(mut wal: impl Read, page_bytes: usize, deadline: Instant) -> io::Result<Contents> {
    let mut bytes = [0; HEADER_BYTES];
    let length = read_up_to(&mut wal, &mut bytes)?;
    let taken = if length == HEADER_BYTES { header(&bytes) } else { None };
    let header_is_damaged = length > 0 && taken.is_none();
    let header = taken.unwrap_or_else(|| Header {
        is_big_endian: cfg!(target_endian = "big"),
        page_bytes: page_bytes.max(8),
        salts: (number(&bytes, 16), number(&bytes, 20)),
        checksum: Checksum(number(&bytes, 24), number(&bytes, 28)),
    });
    let contents = Contents { header_is_damaged, ..Contents::default() };
    let start = if header_is_damaged { 0 } else { length as u64 };
    let scan = Scan {
        header,
        contents,
        is_intact: !header_is_damaged,
        commit_is_last: false,
        commit_end: start,
        end: length as u64,
    };
    scan.run(&mut wal, deadline)
}

/// A scan of the frames.
struct Scan {
    header: Header,
    contents: Contents,
    /// True if every frame so far continues the chain.
    is_intact: bool,
    /// The last commit that was found behind damage has no frame after it yet.
    commit_is_last: bool,
    /// Where the last commit ends that recovery takes.
    commit_end: u64,
    /// Where the last frame ends that has the header's salts.
    end: u64,
}

impl Scan {
    fn run(mut self, wal: &mut impl Read, deadline: Instant) -> io::Result<Contents> {
        let mut frame = vec![0; FRAME_HEADER_BYTES + self.header.page_bytes];
        let mut at = HEADER_BYTES as u64;
        for index in 1.. {
            let length = read_up_to(wal, &mut frame)?;
            if index == 1 && self.contents.header_is_damaged && length >= FRAME_HEADER_BYTES {
                // The salts may be what is damaged; all frames of one use repeat them.
                self.header.salts = salts(&frame);
            }
            at += length as u64;
            if length < frame.len() {
                if length >= FRAME_HEADER_BYTES && salts(&frame) == self.header.salts {
                    self.end = at;
                }
                break;
            }
            if Instant::now() >= deadline {
                self.contents.is_partial = true;
                break;
            }
            self.take(index, at, &frame);
        }
        self.contents.bytes_behind = self.end.max(self.commit_end) - self.commit_end;
        Ok(self.contents)
    }

    fn take(&mut self, index: u64, end: u64, frame: &[u8]) {
        let found = self.classify(frame);
        // The next frame continues what this one says, whether it is true or not.
        self.header.checksum = Checksum(number(frame, 16), number(frame, 20));
        if found != Frame::Other {
            self.end = end;
        }
        match (found, self.is_intact) {
            (Frame::Other | Frame::Broken, _) => self.is_intact = false,
            (Frame::Valid { is_commit: true }, true) => {
                self.contents.commits += 1;
                (self.contents.last_frame, self.commit_end) = (index, end);
            }
            (Frame::Valid { is_commit: false }, true) => {}
            (Frame::Valid { is_commit }, false) => {
                self.contents.acknowledged_lost |= self.commit_is_last;
                self.contents.commits_lost += u64::from(is_commit);
                self.commit_is_last |= is_commit;
            }
        }
    }

    fn classify(&self, frame: &[u8]) -> Frame {
        let Header { checksum, is_big_endian, .. } = self.header;
        if salts(frame) != self.header.salts {
            return Frame::Other;
        }
        let (head, page) = (&frame[..8], &frame[FRAME_HEADER_BYTES..]);
        let sum = checksum.over(head, is_big_endian).over(page, is_big_endian);
        // SQLite takes no frame of page 0.
        if sum != Checksum(number(frame, 16), number(frame, 20)) || number(frame, 0) == 0 {
            return Frame::Broken;
        }
        Frame::Valid { is_commit: number(frame, 4) != 0 }
    }
}

fn salts(frame: &[u8]) -> (u32, u32) {
    (number(frame, 8), number(frame, 12))
}

/// Reads until `bytes` are full or nothing is left.
fn read_up_to(from: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < bytes.len() {
        match from.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Returns the content of the `-wal` of the database at `path`; `None` if there is none, or an empty one. Valid only
/// while no process has it open.
pub(super) fn examine(path: &Path, database: &File) -> io::Result<Option<Contents>> {
    let wal = match File::open(companion(path, "-wal")) {
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
    read(BufReader::with_capacity(BUFFER_BYTES, wal), page_bytes, Instant::now() + READ_TIMEOUT).map(Some)
}

/// Returns whether the content is damaged, and a report in words for the log and for the doctor.
pub(super) fn report(path: &Path, contents: &Contents) -> (bool, String) {
    let Contents { commits, last_frame, bytes_behind, commits_lost, .. } = contents;
    let path = path.display();
    if contents.is_partial {
        let report = format!(
            "the -wal of {path} is long: its first {commits} commits, up to frame {last_frame}, were examined and can be \
             recovered"
        );
        return (false, report);
    }
    let header = if contents.header_is_damaged { " its header is damaged;" } else { "" };
    let recovered = format!("{commits} commits up to frame {last_frame} of the -wal are recovered");
    if contents.is_damaged() {
        let lost =
            if contents.acknowledged_lost { "was acknowledged and is lost" } else { "may have been acknowledged" };
        let report = format!(
            "{path} was not closed in order, and its -wal is damaged:{header} {recovered}; the {bytes_behind} bytes behind \
             that have {commits_lost} more commits, which are not: what they hold {lost}. Keep a copy of the -wal, look \
             after the disk, and have the senders of that time send again"
        );
        return (true, report);
    }
    let report = match bytes_behind {
        0 => format!("{path} was not closed in order: {recovered}, and nothing is missing"),
        _ => format!(
            "{path} was not closed in order:{header} {recovered}; the {bytes_behind} bytes behind that are an incomplete \
             commit, which was not acknowledged"
        ),
    };
    (false, report)
}
