//! Bounds on the input of an import, and readers that enforce them.

use std::{
    cell::Cell,
    fmt,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    rc::Rc,
};

use super::error::ImportError;

/// Upper bound on the depth of folders below an input path.
pub(super) const DEPTH_MAX: usize = 8;
/// Upper bound on files and folders below an input path, and on members of a zip.
pub(super) const ENTRIES_MAX: usize = 10_000;
/// Upper bound on compressed streams inside each other.
pub(super) const NESTING_MAX: usize = 3;
/// Upper bound on a Parquet file in a zip or a compressed stream, which is held in memory.
pub(super) const IN_MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Unpacked bytes up to which the ratio is not checked: a short text of equal lines is no zip bomb.
pub(super) const RATIO_FREE_BYTES: u64 = 64 << 20;

/// Options of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// True if dates that begin with two numbers, as 21/01/2015, have the day first; else they have the month first.
    pub day_first: bool,
    /// Upper bound on the unpacked bytes of a compressed file.
    pub unpacked_bytes_max: u64,
    /// Upper bound on the unpacked size of a compressed file, in times its size; not checked up to 64 MiB. CSV of BTS
    /// compresses 20 to 1.
    pub unpacked_ratio_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { day_first: false, unpacked_bytes_max: 64 << 30, unpacked_ratio_max: 200 }
    }
}

/// The unpacked bytes of a compressed file so far, and their bounds.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    packed: PackedSize,
    unpacked: Rc<Cell<u64>>,
    bytes_max: u64,
    ratio_max: u64,
}

/// The size of a file; of a pipe, the bytes read so far.
#[derive(Debug, Clone)]
enum PackedSize {
    File(u64),
    Pipe(Rc<Cell<u64>>),
}

impl Budget {
    /// Creates the budget of a file of this size, or of a pipe whose bytes are counted.
    pub(super) fn new(options: &Options, bytes: Option<u64>, read: &Rc<Cell<u64>>) -> Self {
        Budget {
            packed: bytes.map_or_else(|| PackedSize::Pipe(read.clone()), PackedSize::File),
            unpacked: Rc::default(),
            bytes_max: options.unpacked_bytes_max,
            ratio_max: options.unpacked_ratio_max,
        }
    }

    /// Counts unpacked bytes; fails if they exceed a bound.
    pub(super) fn spend(&self, bytes: u64) -> io::Result<()> {
        let unpacked = self.unpacked.get().saturating_add(bytes);
        self.unpacked.set(unpacked);
        let packed = match &self.packed {
            PackedSize::File(bytes) => *bytes,
            PackedSize::Pipe(read) => read.get(),
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

/// A bound on unpacking that was exceeded, with the option that raises it.
#[derive(Debug)]
struct TooLarge(String);

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TooLarge {}

/// Converts the error of a file's decoder: the file is damaged, or has exceeded a bound.
pub(super) fn decode_error(file: &str, source: io::Error) -> ImportError {
    let file = file.to_owned();
    match source.get_ref().and_then(|inner| inner.downcast_ref::<TooLarge>()) {
        Some(TooLarge(bound)) => ImportError::Unpacks { file, bound: bound.clone() },
        None => ImportError::Damaged { file, source },
    }
}

/// A reader of unpacked bytes that enforces a budget.
pub(super) struct BudgetReader<R> {
    inner: R,
    budget: Budget,
}

impl<R> BudgetReader<R> {
    pub(super) fn new(inner: R, budget: &Budget) -> Self {
        BudgetReader { inner, budget: budget.clone() }
    }
}

impl<R: Read> Read for BudgetReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.budget.spend(read as u64)?;
        Ok(read)
    }
}

/// A reader of a file that counts the bytes.
pub(super) struct CountingReader {
    pub(super) file: File,
    pub(super) bytes: Rc<Cell<u64>>,
}

impl Read for CountingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.update(|bytes| bytes + read as u64);
        Ok(read)
    }
}

impl Seek for CountingReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
