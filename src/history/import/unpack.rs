//! Reads a file of any format, decompressed as often as needed.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read, Seek},
    path::PathBuf,
};

use bytes::Bytes;
use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use zip::{ZipArchive, result::ZipError};

use super::{
    bounds::{Budget, BudgetReader, CountingReader, ENTRIES_MAX, IN_MEMORY_BYTES_MAX, NESTING_MAX, decode_error},
    collector::Collector,
    error::ImportError,
    parquet::read_parquet,
    text::{PartHeader, read_text},
};

/// Bytes of each reader's buffer.
const BUFFER_BYTES: usize = 1 << 17;

/// A file to read.
pub(super) struct InputFile {
    pub(super) path: PathBuf,
    /// Its size; `None` for a pipe.
    pub(super) bytes: Option<u64>,
}

/// Returns whether programs and file systems put files of this name beside data: Spark and Hive (`_SUCCESS`,
/// `_temporary`, `.part.crc`), macOS (`__MACOSX`, `._flights.csv`, `.DS_Store`) and Windows. Spark skips these
/// prefixes, too.
pub(super) fn is_bookkeeping(name: &str) -> bool {
    let is_of_windows = ["Thumbs.db", "desktop.ini"].iter().any(|known| known.eq_ignore_ascii_case(name));
    name.starts_with(['.', '_']) || name.ends_with(".crc") || is_of_windows
}

/// The reason why such files are skipped.
pub(super) const BOOKKEEPING: &str = "is bookkeeping of the program or system that wrote the folder";

/// Bytes that identify every format: a tar has its magic at byte 257.
const HEAD_BYTES: usize = 512;

/// The format of a file, recognized by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Zip,
    Gzip,
    Bzip2,
    Zstd,
    Parquet,
    /// None of the other formats.
    Text,
    /// A format that is not read: a description and advice.
    Other(&'static str),
}

const UNPACK: &str = "unpack it and give the folder";

/// The first bytes of known formats that are not read.
const UNSUPPORTED: [(&[u8], &str); 19] = [
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it (7z x) and give the folder"),
    (b"Rar!\x1a\x07", "is a RAR archive: unpack it and give the folder"),
    (b"\xfd7zXZ\0", "is compressed with xz: unpack it (xz -d) or compress it with gzip or zstd"),
    (b"\x04\x22\x4d\x18", "is compressed with lz4: unpack it (lz4 -d) or compress it with gzip or zstd"),
    (b"\xff\x06\0\0sNaPpY", "is compressed with snappy: unpack it or compress it with gzip or zstd"),
    (b"\x1f\x9d", "is compressed with compress: unpack it (uncompress)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a workbook of an old Excel: save its sheet as CSV"),
    (b"%PDF", "is a PDF"),
    (b"\x89PNG", "is a picture"),
    (b"\xff\xd8\xff", "is a picture"),
    (
        b"SQLite format 3\0",
        "is an SQLite database: export the table as CSV (sqlite3 -header -csv FILE 'select * from TABLE')",
    ),
    (b"Obj\x01", "is Avro: write it as Parquet, CSV or JSON lines"),
    (b"ORC", "is ORC: write it as Parquet, CSV or JSON lines"),
    (b"ARROW1", "is Arrow (Feather): write it as Parquet, CSV or JSON lines"),
    (b"FEA1", "is Feather: write it as Parquet, CSV or JSON lines"),
    (b"PARE", "is encrypted Parquet: write it without encryption"),
    (b"\x89HDF\r\n\x1a\n", "is HDF5: write it as Parquet, CSV or JSON lines"),
    (b"\xff\xfe", "is text in UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "is text in UTF-16: save it as UTF-8"),
];

impl Format {
    /// Recognizes the format by its first bytes, up to [`HEAD_BYTES`].
    fn of(head: &[u8]) -> Self {
        match head {
            // The second is a zip without members.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return Format::Zip,
            [0x1f, 0x8b, ..] => return Format::Gzip,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => return Format::Bzip2,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => return Format::Zstd,
            [b'P', b'A', b'R', b'1', ..] => return Format::Parquet,
            _ => {}
        }
        if head.get(257..262) == Some(b"ustar") {
            return Format::Other("is a tar archive: unpack it (tar xf) and give the folder");
        }
        UNSUPPORTED
            .iter()
            .find(|(magic, _)| head.starts_with(magic))
            .map_or(Format::Text, |(_, advice)| Format::Other(advice))
    }

    /// Returns the advice about a file of this format inside another one.
    fn advice_inside(self) -> &'static str {
        match self {
            Format::Other(advice) => advice,
            Format::Zip => "holds a zip inside of it: unpack the outer one and give the folder",
            _ => UNPACK,
        }
    }
}

/// Reads a file of any format.
pub(super) fn read_file(
    file: &InputFile,
    part_header: &mut PartHeader,
    collector: &mut Collector<'_>,
) -> Result<(), ImportError> {
    let name = file.path.display().to_string();
    let failed = |source| ImportError::Read { file: name.clone(), source };
    let mut input = CountingReader { file: File::open(&file.path).map_err(failed)?, bytes: collector.bytes.clone() };
    let budget = Budget::new(&collector.options, file.bytes, &collector.bytes);
    let head = read_head(&mut input).map_err(failed)?;
    match Format::of(&head) {
        Format::Zip => {
            input.rewind().map_err(failed)?;
            read_zip(&name, input, &budget, part_header, collector)
        }
        Format::Parquet => {
            input.rewind().map_err(failed)?;
            collector.bytes.update(|bytes| bytes + file.bytes.unwrap_or(0));
            read_parquet(&name, input.file, &budget, collector)
        }
        _ => Stream { name: &name, budget: &budget, depth: 0 }.read(head, input, part_header, collector),
    }
}

fn read_head(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    input.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// A stream, which may be compressed several times.
struct Stream<'a> {
    name: &'a str,
    budget: &'a Budget,
    /// Number of compressed streams around it.
    depth: usize,
}

impl Stream<'_> {
    /// Reads the stream after its first bytes, `head`.
    fn read(
        &self,
        head: Vec<u8>,
        input: impl Read,
        part_header: &mut PartHeader,
        collector: &mut Collector<'_>,
    ) -> Result<(), ImportError> {
        let format = Format::of(&head);
        let input = Cursor::new(head).chain(BufReader::with_capacity(BUFFER_BYTES, input));
        match format {
            Format::Text => read_text(self.name, input, part_header, collector),
            Format::Gzip => self.unpack(MultiGzDecoder::new(input), part_header, collector),
            Format::Bzip2 => self.unpack(MultiBzDecoder::new(input), part_header, collector),
            Format::Zstd => match zstd::Decoder::with_buffer(input) {
                Ok(decoder) => self.unpack(decoder, part_header, collector),
                Err(error) => Err(decode_error(self.name, error)),
            },
            Format::Parquet => read_parquet(self.name, self.in_memory(input)?, self.budget, collector),
            Format::Zip | Format::Other(_) => Err(ImportError::unsupported(self.name, format.advice_inside())),
        }
    }

    /// Decompresses the stream, and reads the result. The reader is dynamic, because the recursion needs one type.
    fn unpack(
        &self,
        decoder: impl Read,
        part_header: &mut PartHeader,
        collector: &mut Collector<'_>,
    ) -> Result<(), ImportError> {
        let inner = Stream { depth: self.depth + 1, ..*self };
        if inner.depth > NESTING_MAX {
            let reason = format!("is packed more than {NESTING_MAX} times: unpack it");
            return Err(ImportError::unsupported(self.name, reason));
        }
        let mut unpacked: Box<dyn Read + '_> = Box::new(BudgetReader::new(decoder, self.budget));
        let head = read_head(&mut unpacked).map_err(|error| decode_error(self.name, error))?;
        inner.read(head, unpacked, part_header, collector)
    }

    /// Reads the stream into memory, as Parquet needs it.
    fn in_memory(&self, input: impl BufRead) -> Result<Bytes, ImportError> {
        let mut bytes = Vec::new();
        let read = input.take(IN_MEMORY_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| decode_error(self.name, error))?;
        if bytes.len() as u64 > IN_MEMORY_BYTES_MAX {
            let reason = format!("is Parquet of more than {IN_MEMORY_BYTES_MAX} bytes in another file: unpack it");
            return Err(ImportError::unsupported(self.name, reason));
        }
        Ok(bytes.into())
    }
}

/// Reads the members of a zip, and skips those without anything to import.
fn read_zip(
    name: &str,
    input: CountingReader,
    budget: &Budget,
    part_header: &mut PartHeader,
    collector: &mut Collector<'_>,
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
    let (mut has_rows, before) = (false, collector.skipped_counts());
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(failed)?;
        let member_name = member.name().map_err(failed)?.into_owned();
        let full_name = format!("{name}: {member_name}");
        if member_name.ends_with(['/', '\\']) {
            continue;
        }
        if member_name.split(['/', '\\']).any(is_bookkeeping) {
            collector.pass_over(&full_name, BOOKKEEPING);
            continue;
        }
        let mut unpacked = BudgetReader::new(&mut member, budget);
        let head = read_head(&mut unpacked).map_err(|error| decode_error(&full_name, error))?;
        let stream = Stream { name: &full_name, budget, depth: 0 };
        match stream.read(head, Box::new(unpacked) as Box<dyn Read + '_>, part_header, collector) {
            Ok(()) => has_rows = true,
            Err(error) => match error.reason_to_skip() {
                Some(reason) => collector.pass_over(&full_name, &reason),
                None => return Err(error),
            },
        }
    }
    if has_rows { Ok(()) } else { Err(collector.nothing_inside(name, before)) }
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
        _ => return decode_error(name, error.into()),
    };
    ImportError::Unreadable { file: name.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognized_by_their_first_bytes() {
        for (head, format) in [
            (b"PK\x03\x04".as_slice(), Format::Zip),
            (b"PK\x05\x06", Format::Zip),
            (b"\x1f\x8b\x08", Format::Gzip),
            (b"BZh9", Format::Bzip2),
            (b"\x28\xb5\x2f\xfd", Format::Zstd),
            (b"PAR1", Format::Parquet),
            (b"", Format::Text),
            (b"P", Format::Text),
            (b"BZh of a CSV", Format::Text),
            (b"Year,Month", Format::Text),
        ] {
            assert_eq!(Format::of(head), format, "{head:?}");
        }
        let mut tar = vec![b'a'; HEAD_BYTES];
        tar[257..262].copy_from_slice(b"ustar");
        assert!(matches!(Format::of(&tar), Format::Other(advice) if advice.contains("tar xf")));
        for (magic, advice) in UNSUPPORTED {
            assert_eq!(Format::of(magic), Format::Other(advice));
        }
    }
}
