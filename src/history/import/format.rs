//! The format of a file, recognized by its first bytes.

/// This many bytes tell every format: a tar names itself at byte 257.
pub(super) const HEAD_BYTES: usize = 512;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Zip,
    Gzip,
    Bzip2,
    Zstd,
    Parquet,
    /// Anything that is none of the others.
    Text,
    /// A format that is not read: what it is, and what to do.
    Other(&'static str),
}

const UNPACK: &str = "unpack it and give the folder";

/// The first bytes of formats that are known and not read.
const OTHERS: [(&[u8], &str); 19] = [
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
    /// The format that begins with these bytes, up to [`HEAD_BYTES`] of them.
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            // The second is an archive without members.
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
        OTHERS
            .iter()
            .find(|(magic, _)| head.starts_with(magic))
            .map_or(Format::Text, |(_, advice)| Format::Other(advice))
    }

    /// Returns the advice for a file of this format inside of another one.
    pub(super) fn advice_inside(self) -> &'static str {
        match self {
            Format::Other(advice) => advice,
            Format::Zip => "holds a zip inside of it: unpack the outer one and give the folder",
            _ => UNPACK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
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
        for (magic, advice) in OTHERS {
            assert_eq!(Format::of(magic), Format::Other(advice));
        }
    }
}
