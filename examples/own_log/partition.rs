//! The files of partitions: lines are appended to them, and read from an offset on.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use engine::{
    delivery::Unavailable,
    log::{Message, Offset, PartitionId, Payload, Position},
};
use serde::{Deserialize, Serialize};

/// Upper bound on a message, in bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Upper bound on a line: a byte of a message takes at most six, as in `\u0007`.
const LINE_BYTES_MAX: u64 = 6 * MESSAGE_BYTES_MAX as u64 + 100;
/// Timeout of waiting for another producer.
const LOCK_TIMEOUT: Duration = Duration::from_secs(4);

/// A line of a partition. One that was written by hand and is none is itself the message.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) attempt: u32,
    pub(crate) message: Bytes,
}

/// The bytes of a message: a string if they are UTF-8, else a list of numbers.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Bytes {
    Text(String),
    Binary(Vec<u8>),
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Bytes::Binary(error.into_bytes()), Bytes::Text)
    }
}

/// The folder of partitions.
#[derive(Clone)]
pub(crate) struct Partitions(pub(crate) PathBuf);

impl Partitions {
    pub(crate) fn file(&self, partition: PartitionId) -> PathBuf {
        self.0.join(format!("{}.ndjson", partition.0))
    }

    /// Returns the number of partitions, which is never 0.
    pub(crate) fn count(&self) -> io::Result<u32> {
        File::open(self.file(PartitionId(0)))?;
        Ok((1..).find(|number| !self.file(PartitionId(*number)).exists()).unwrap_or(u32::MAX))
    }

    pub(crate) fn unavailable(&self, error: &io::Error) -> Unavailable {
        Unavailable::transient(format!("{}: {error}", self.0.display()))
    }
}

/// The start of a line in the file of a partition.
#[derive(Default)]
pub(crate) struct Cursor {
    pub(crate) offset: u64,
    byte: u64,
}

impl Cursor {
    /// Moves over at most `lines_max` lines, and calls `each` with every offset and line. A line without its end is
    /// being written.
    pub(crate) fn advance(&mut self, file: &File, lines_max: u64, mut each: impl FnMut(u64, &[u8])) -> io::Result<()> {
        let (mut lines, mut line) = (BufReader::new(file), Vec::new());
        lines.seek(SeekFrom::Start(self.byte))?;
        for _ in 0..lines_max {
            line.clear();
            let len = lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? as u64;
            let Some(whole) = line.strip_suffix(b"\n") else {
                let is_too_long = len == LINE_BYTES_MAX;
                return if is_too_long { Err(io::Error::other("a line is too long")) } else { Ok(()) };
            };
            each(self.offset, whole);
            (self.offset, self.byte) = (self.offset + 1, self.byte + len);
        }
        Ok(())
    }

    /// Reads the next messages of a partition.
    pub(crate) fn read(
        &mut self,
        file: &File,
        partition: PartitionId,
        messages_max: usize,
    ) -> io::Result<Vec<Message>> {
        let mut messages = Vec::new();
        self.advance(file, messages_max as u64, |offset, line| {
            let (attempt, bytes) = match serde_json::from_slice(line) {
                Ok(Record { attempt, message: Bytes::Text(text) }) => (attempt, text.into_bytes()),
                Ok(Record { attempt, message: Bytes::Binary(bytes) }) => (attempt, bytes),
                Err(_) => (0, line.to_vec()),
            };
            let position = Position { partition, offset: Offset(offset) };
            messages.push(Message { position, payload: Payload::new(bytes), attempt, topic_id: None });
        })?;
        Ok(messages)
    }

    /// Appends whole lines after the last one and makes them durable. Returns the offset of the first.
    pub(crate) fn append(&mut self, partitions: &Partitions, partition: PartitionId, lines: &[u8]) -> io::Result<u64> {
        let mut file = OpenOptions::new().read(true).append(true).open(partitions.file(partition))?;
        // Until the file is closed, no other process appends.
        lock(&file)?;
        self.advance(&file, u64::MAX, |_, _| ())?;
        // Removes the beginning of a line that an interrupted producer has left.
        file.set_len(self.byte)?;
        file.write_all(lines)?;
        file.sync_data()?;
        Ok(self.offset)
    }
}

fn lock(file: &File) -> io::Result<()> {
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(io::ErrorKind::TimedOut.into()),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
        }
    }
}
