//! The checksum of a file, in the metadata of the file.
//!
//! Parquet allows checksums of pages, but the writer makes none, and the decoder may panic on damaged bytes. Therefore
//! a file that this program writes has a checksum of the whole file in its metadata, where other readers ignore it:
//!
//! 1. The checksum is the text [`MARK`] and 64 hexadecimal digits, within the last [`TAIL_BYTES`] bytes of the file.
//! 2. The digits are the SHA-256 of the file with these digits as zeros (`0`).
//! 3. It is verified before anything is decoded. A file without a checksum is of another program and not verified.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use ::parquet::{
    errors::ParquetError,
    file::{metadata::KeyValue, reader::ChunkReader},
};
use engine::runtime::hex;
use sha2::{Digest, Sha256};

const MARK: &str = "delaycast sha256 ";
const DIGITS: usize = 64;
/// Footers of this program have about 2 KB for each million rows.
const TAIL_BYTES: u64 = 1 << 20;
const BUFFER_BYTES: usize = 1 << 16;

/// Creates the metadata entry with zeros for digits, which [`fill_in`] replaces.
pub(super) fn placeholder() -> KeyValue {
    KeyValue::new("checksum".to_owned(), format!("{MARK}{}", "0".repeat(DIGITS)))
}

/// Writes the digits into a complete file with a [`placeholder`] that is open for reading and writing.
pub(super) fn fill_in(file: &mut File) -> Result<(), ParquetError> {
    let Some((at, _)) = find(file)? else {
        return Err(ParquetError::General("the footer has no room for a checksum".to_owned()));
    };
    let digits = digest(file, at)?;
    file.seek(SeekFrom::Start(at))?;
    Ok(file.write_all(digits.as_bytes())?)
}

/// Returns whether the file has a checksum; fails if the checksum does not match.
pub(super) fn verify(input: &impl ChunkReader) -> Result<bool, ParquetError> {
    match find(input)? {
        Some((at, digits)) if digest(input, at)?.as_bytes() != digits => {
            Err(ParquetError::General("its checksum is not that of its content".to_owned()))
        }
        found => Ok(found.is_some()),
    }
}

/// Finds the offset of the digits, and the digits.
fn find(input: &impl ChunkReader) -> Result<Option<(u64, Vec<u8>)>, ParquetError> {
    let begin = input.len().saturating_sub(TAIL_BYTES);
    let mut tail = Vec::new();
    input.get_read(begin)?.read_to_end(&mut tail)?;
    let found = tail.windows(MARK.len()).rposition(|window| window == MARK.as_bytes()).map(|at| at + MARK.len());
    Ok(found.and_then(|at| Some((begin + at as u64, tail.get(at..at + DIGITS)?.to_vec()))))
}

/// Computes the digits that a file must have at the offset `at`.
fn digest(input: &impl ChunkReader, at: u64) -> Result<String, ParquetError> {
    let mut hash = Sha256::new();
    let mut reader = input.get_read(0)?;
    hash_bytes(&mut hash, &mut reader.by_ref().take(at))?;
    hash.update("0".repeat(DIGITS));
    hash_bytes(&mut hash, &mut input.get_read(at + DIGITS as u64)?)?;
    Ok(hex::encode(hash.finalize()))
}

fn hash_bytes(hash: &mut Sha256, reader: &mut impl Read) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            read => hash.update(&buffer[..read]),
        }
    }
}
