//! Reads a file, whatever its format and whatever it is packed in.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read, Seek},
};

use bytes::Bytes;
use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use zip::{ZipArchive, result::ZipError};

use super::{
    ImportError, PassedOver,
    bounds::{Bounded, Budget, Counted, ENTRIES_MAX, IN_MEMORY_BYTES_MAX, NESTING_MAX, damaged},
    format::{Format, HEAD_BYTES},
    intake::Intake,
    table::read_parquet,
    text::{Parts, read_text},
    walk::{BOOKKEEPING, Given, InputFile, is_bookkeeping},
};

/// The memory of each reader's buffer.
const BUFFER_BYTES: usize = 1 << 17;

/// Reads what a path stands for; how many files of it were taken. In a directory, what holds nothing is passed over.
pub(super) fn read_given(given: &Given, intake: &mut Intake<'_>) -> Result<usize, ImportError> {
    let before = intake.passed();
    for PassedOver { file, reason } in &given.passed_over {
        intake.pass_over(file, reason);
    }
    let (mut parts, mut taken) = (Parts::default(), 0);
    for file in &given.files {
        match read(file, &mut parts, intake) {
            Ok(()) => taken += 1,
            // A pattern like part-* names empty files, too.
            Err(error) => {
                match error.passes_over().filter(|_| given.is_directory || matches!(error, ImportError::Empty { .. })) {
                    Some(reason) => intake.pass_over(&file.path.display().to_string(), &reason),
                    None => return Err(error),
                }
            }
        }
        intake.tell_progress();
    }
    if taken == 0 && given.is_directory {
        return Err(intake.nothing_inside(&given.path.display().to_string(), before));
    }
    Ok(taken)
}

fn read(file: &InputFile, parts: &mut Parts, intake: &mut Intake<'_>) -> Result<(), ImportError> {
    let name = file.path.display().to_string();
    let failed = |source| ImportError::Read { file: name.clone(), source };
    let mut input = Counted { file: File::open(&file.path).map_err(failed)?, bytes: intake.bytes.clone() };
    let budget = Budget::new(&intake.options, file.bytes, &intake.bytes);
    let head = read_head(&mut input).map_err(failed)?;
    match Format::of(&head) {
        Format::Zip => {
            input.rewind().map_err(failed)?;
            read_zip(&name, input, &budget, parts, intake)
        }
        Format::Parquet => {
            input.rewind().map_err(failed)?;
            intake.bytes.update(|bytes| bytes + file.bytes.unwrap_or(0));
            read_parquet(&name, input.file, &budget, intake)
        }
        _ => Packed { name: &name, budget: &budget, depth: 0 }.read(head, input, parts, intake),
    }
}

fn read_head(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    input.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// A stream, and the compressed streams that it is in.
struct Packed<'a> {
    name: &'a str,
    budget: &'a Budget,
    depth: usize,
}

impl Packed<'_> {
    /// Reads a stream of which the head is read already.
    fn read(
        &self,
        head: Vec<u8>,
        input: impl Read,
        parts: &mut Parts,
        intake: &mut Intake<'_>,
    ) -> Result<(), ImportError> {
        let format = Format::of(&head);
        let input = Cursor::new(head).chain(BufReader::with_capacity(BUFFER_BYTES, input));
        match format {
            Format::Text => read_text(self.name, input, parts, intake),
            Format::Gzip => self.unpack(MultiGzDecoder::new(input), parts, intake),
            Format::Bzip2 => self.unpack(MultiBzDecoder::new(input), parts, intake),
            Format::Zstd => match zstd::Decoder::with_buffer(input) {
                Ok(decoder) => self.unpack(decoder, parts, intake),
                Err(error) => Err(damaged(self.name, error)),
            },
            Format::Parquet => read_parquet(self.name, self.in_memory(input)?, self.budget, intake),
            Format::Zip | Format::Other(_) => Err(ImportError::unsupported(self.name, format.advice_inside())),
        }
    }

    /// Unpacks a stream. The readers are dynamic, because streams may be in streams.
    fn unpack(&self, decoder: impl Read, parts: &mut Parts, intake: &mut Intake<'_>) -> Result<(), ImportError> {
        let inner = Packed { depth: self.depth + 1, ..*self };
        if inner.depth > NESTING_MAX {
            let reason = format!("is packed more than {NESTING_MAX} times: unpack it");
            return Err(ImportError::unsupported(self.name, reason));
        }
        let mut unpacked: Box<dyn Read + '_> = Box::new(Bounded::new(decoder, self.budget));
        let head = read_head(&mut unpacked).map_err(|error| damaged(self.name, error))?;
        inner.read(head, unpacked, parts, intake)
    }

    /// A file that is read from its end, as Parquet is.
    fn in_memory(&self, input: impl BufRead) -> Result<Bytes, ImportError> {
        let mut bytes = Vec::new();
        let read = input.take(IN_MEMORY_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| damaged(self.name, error))?;
        if bytes.len() as u64 > IN_MEMORY_BYTES_MAX {
            let reason = format!("is Parquet of more than {IN_MEMORY_BYTES_MAX} bytes in another file: unpack it");
            return Err(ImportError::unsupported(self.name, reason));
        }
        Ok(bytes.into())
    }
}

/// Reads the members of a zip, and passes over those that hold nothing.
fn read_zip(
    name: &str,
    input: Counted,
    budget: &Budget,
    parts: &mut Parts,
    intake: &mut Intake<'_>,
) -> Result<(), ImportError> {
    let failed = |error| zip_error(name, error);
    let mut archive = ZipArchive::new(BufReader::with_capacity(BUFFER_BYTES, input)).map_err(failed)?;
    if archive.len() > ENTRIES_MAX {
        return Err(ImportError::TooManyEntries { file: name.to_owned(), entries: ENTRIES_MAX });
    }
    if archive.index_for_name("xl/workbook.xml").is_some() || archive.index_for_name("xl/workbook.bin").is_some() {
        let reason = "is an Excel workbook: save its sheet as CSV";
        return Err(ImportError::unsupported(name, reason));
    }
    let (mut taken, before) = (false, intake.passed());
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(failed)?;
        let member_name = member.name().map_err(failed)?.into_owned();
        let full_name = format!("{name}: {member_name}");
        if member_name.ends_with(['/', '\\']) {
            continue;
        }
        if member_name.split(['/', '\\']).any(is_bookkeeping) {
            intake.pass_over(&full_name, BOOKKEEPING);
            continue;
        }
        let mut unpacked = Bounded::new(&mut member, budget);
        let head = read_head(&mut unpacked).map_err(|error| damaged(&full_name, error))?;
        let packed = Packed { name: &full_name, budget, depth: 0 };
        match packed.read(head, Box::new(unpacked) as Box<dyn Read + '_>, parts, intake) {
            Ok(()) => taken = true,
            Err(error) => match error.passes_over() {
                Some(reason) => intake.pass_over(&full_name, &reason),
                None => return Err(error),
            },
        }
    }
    if taken { Ok(()) } else { Err(intake.nothing_inside(name, before)) }
}

fn zip_error(name: &str, error: ZipError) -> ImportError {
    let reason = match &error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            "is encrypted: unpack it with its password and give the folder".to_owned()
        }
        ZipError::UnsupportedArchive(what) => {
            format!("is a zip of a kind that is not read ({what}): unpack it and give the folder")
        }
        ZipError::CompressionMethodNotSupported(method) => {
            format!("is compressed by a method that is not built in (number {method}): unpack it and give the folder")
        }
        _ => return damaged(name, error.into()),
    };
    ImportError::Unreadable { file: name.to_owned(), reason }
}
