//! Bounds on what an import reads, and the readers that hold them.

use std::{
    cell::Cell,
    fmt,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    rc::Rc,
};

use super::ImportError;

/// Folders are entered up to this depth below the one that is given.
pub(super) const DEPTH_MAX: usize = 8;
/// Files and folders looked at below one folder that is given, and members of a zip.
pub(super) const ENTRIES_MAX: usize = 10_000;
/// Compressed streams inside of each other.
pub(super) const NESTING_MAX: usize = 3;
/// A Parquet file inside of a zip or a compressed stream is held in memory, up to this size.
pub(super) const IN_MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Up to this many unpacked bytes the ratio is not looked at: a short text of equal lines is no attack.
pub(super) const RATIO_FREE_BYTES: u64 = 64 << 20;

/// Options of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// True if dates that begin with two numbers, as 21/01/2015, have the day first; otherwise they have the month
    /// first.
    pub day_first: bool,
    /// Bytes that one compressed file may unpack to.
    pub unpacked_bytes_max: u64,
    /// Upper bound on the unpacked size of a compressed file, in times its size; not applied up to 64 MiB. CSV of BTS
    /// packs 20 to 1.
    pub unpacked_ratio_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { day_first: false, unpacked_bytes_max: 64 << 30, unpacked_ratio_max: 200 }
    }
}

/// Bytes that a compressed file has unpacked to so far, and their bounds.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    /// The size of the file; for a pipe what was read of it.
    packed: Packed,
    unpacked: Rc<Cell<u64>>,
    bytes_max: u64,
    ratio_max: u64,
}

#[derive(Debug, Clone)]
enum Packed {
    File(u64),
    Pipe(Rc<Cell<u64>>),
}

impl Budget {
    /// The budget of a file of this size, or of a pipe whose bytes are counted.
    pub(super) fn new(options: &Options, bytes: Option<u64>, read: &Rc<Cell<u64>>) -> Self {
        Budget {
            packed: bytes.map_or_else(|| Packed::Pipe(read.clone()), Packed::File),
            unpacked: Rc::default(),
            bytes_max: options.unpacked_bytes_max,
            ratio_max: options.unpacked_ratio_max,
        }
    }

    /// Counts bytes that were unpacked; an error when they are too many.
    pub(super) fn spend(&self, bytes: u64) -> io::Result<()> {
        let unpacked = self.unpacked.get().saturating_add(bytes);
        self.unpacked.set(unpacked);
        let packed = match &self.packed {
            Packed::File(bytes) => *bytes,
            Packed::Pipe(read) => read.get(),
        };
        if unpacked > self.bytes_max {
            return Err(io::Error::other(TooLarge(format!("{} bytes (--unpacked-max)", self.bytes_max))));
        }
        if unpacked > packed.saturating_mul(self.ratio_max).max(RATIO_FREE_BYTES) {
            return Err(io::Error::other(TooLarge(format!("{} times its size (--unpacked-ratio)", self.ratio_max))));
        }
        Ok(())
    }
}

/// A bound on unpacking that was passed, with the option that raises it.
#[derive(Debug)]
struct TooLarge(String);

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TooLarge {}

/// The error about a file whose decoder failed: it is damaged, unless it has passed a bound.
pub(super) fn damaged(file: &str, source: io::Error) -> ImportError {
    let file = file.to_owned();
    match source.get_ref().and_then(|inner| inner.downcast_ref::<TooLarge>()) {
        Some(TooLarge(bound)) => ImportError::Unpacks { file, bound: bound.clone() },
        None => ImportError::Damaged { file, source },
    }
}

/// A reader of unpacked bytes that holds a budget.
pub(super) struct Bounded<R> {
    inner: R,
    budget: Budget,
}

impl<R> Bounded<R> {
    pub(super) fn new(inner: R, budget: &Budget) -> Self {
        Bounded { inner, budget: budget.clone() }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.budget.spend(read as u64)?;
        Ok(read)
    }
}

/// A file that counts what is read of it.
pub(super) struct Counted {
    pub(super) file: File,
    pub(super) bytes: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.update(|bytes| bytes + read as u64);
        Ok(read)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
