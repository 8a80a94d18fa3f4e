//! Tests of rules 1, 4 and 10: compression, formats that are not read, and bounds on unpacked bytes.

use super::{bounds::RATIO_FREE_BYTES, table_format::*, *};

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstd_of(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).unwrap()
}

/// Creates the header of a tar with one file.
fn tar() -> Vec<u8> {
    let mut tar = vec![0; 1024];
    tar[..5].copy_from_slice(b"a.csv");
    tar[257..262].copy_from_slice(b"ustar");
    tar
}

#[test]
fn rule_1_compression_is_recognized_by_content_not_by_name() {
    let table = PLAIN.table(&ten_flights());
    let (first, rest) = table.split_at(table.len() / 2);
    let inner = gzipped(table.as_bytes());
    let mut member = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    member.start_file("a.csv.gz", zip::write::SimpleFileOptions::default()).unwrap();
    member.write_all(&inner).unwrap();
    for (name, content) in [
        ("gzip", gzipped(table.as_bytes())),
        ("gzip of two members", [gzipped(first.as_bytes()), gzipped(rest.as_bytes())].concat()),
        ("zstd", zstd_of(table.as_bytes())),
        ("zstd of two frames", [zstd_of(first.as_bytes()), zstd_of(rest.as_bytes())].concat()),
        ("bzip2", bzipped(&table)),
        ("bzip2 in gzip", gzipped(&bzipped(&table))),
        ("gzip in a zip", member.finish().unwrap().into_inner()),
        ("JSON lines in gzip", gzipped(PLAIN.lines(&ten_flights()).as_bytes())),
    ] {
        let fixture = Fixture::new();
        assert_eq!(fixture.counts(&[fixture.put("whatever.csv", content)]), Ok([8, 1, 1]), "{name}");
    }
}

#[test]
fn rule_1_parquet_is_read_in_a_zip_and_in_a_stream() {
    let fixture = Fixture::new();
    fixture.import(&[fixture.put("a.csv", PLAIN.table(&ten_flights()))]).unwrap();
    let flights = fs::read(fixture.out().join("flights.parquet")).unwrap();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("flights.parquet", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(&flights).unwrap();
    for content in [archive.finish().unwrap().into_inner(), gzipped(&flights)] {
        let fixture = Fixture::new();
        assert_eq!(fixture.counts(&[fixture.put("packed", content)]), Ok([8, 0, 0]));
    }
}

#[test]
fn rule_1_formats_that_are_not_read_are_named_with_advice() {
    let nested = || gzipped(&gzipped(&gzipped(&gzipped(b"x"))));
    for (name, content, expected) in [
        ("a.tar", tar(), "is a tar archive: unpack it (tar xf) and give the folder"),
        ("a.tar.gz", gzipped(&tar()), "is a tar archive"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c...".to_vec(), "is a 7z archive"),
        (
            "a.xlsx",
            zipped(&[("[Content_Types].xml", ""), ("xl/workbook.xml", "")]),
            "is an Excel workbook: save its sheet as CSV",
        ),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "is a workbook of an old Excel"),
        ("a.zip.gz", gzipped(&zipped(&[("a.csv", BTS)])), "holds a zip inside of it"),
        ("a.csv", b"\xff\xfeF\0l\0".to_vec(), "is text in UTF-16: save it as UTF-8"),
        ("a.gz", nested(), "is packed more than 3 times"),
        ("a.avro", b"Obj\x01".to_vec(), "is Avro"),
    ] {
        let fixture = Fixture::new();
        let error = fixture.import(&[fixture.put(name, content)]).unwrap_err();
        assert!(matches!(error, ImportError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(expected) && error.to_string().contains(name), "{error}");
    }
}

#[test]
fn rule_4_damage_in_a_compressed_file_fails_the_import_also_in_a_folder() {
    let table = format!("{HEADER}{}", GOOD.repeat(5000));
    let flip = |mut bytes: Vec<u8>, at: usize| {
        bytes[at] ^= 0x55;
        bytes
    };
    let (gzip, zstd) = (gzipped(table.as_bytes()), zstd::encode_all(table.as_bytes(), 1).unwrap());
    for (name, content) in [
        ("flipped.gz", flip(gzip.clone(), gzip.len() - 6)),
        ("truncated.gz", gzip[..gzip.len() - 9].to_vec()),
        ("truncated.zst", zstd[..zstd.len() - 5].to_vec()),
        (
            "truncated.json",
            b"[{\"FlightDate\":\"2015-01-01\",\"Carrier\":\"AA\",\"Origin\":\"ATL\",\"Dest\":\"SFO\",\"ArrDelay\":1},"
                .to_vec(),
        ),
    ] {
        let fixture = Fixture::new();
        let root = fixture.directory.path().join("folder");
        fs::create_dir(&root).unwrap();
        fs::write(root.join(name), content).unwrap();
        fs::write(root.join("zz.csv"), BTS).unwrap();
        let error = fixture.import(&[root]).unwrap_err();
        assert!(matches!(&error, ImportError::Damaged { file, .. } if file.ends_with(name)), "{name}: {error}");
        assert!(!fixture.out().exists());
    }
}

#[test]
fn rule_10_a_file_that_exceeds_a_bound_is_refused_with_the_option_that_raises_it() {
    let fixture = Fixture::new();
    // Blank lines compress a thousand to one.
    let blank = (" ".repeat(65_535) + "\n").repeat(RATIO_FREE_BYTES as usize / 65_536 + 1).into_bytes();
    let content = [HEADER.as_bytes(), GOOD.as_bytes(), &blank].concat();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("a.csv", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(&content).unwrap();
    let packed = [gzipped(&content), zstd_of(&content), archive.finish().unwrap().into_inner()];
    for packed in packed {
        let path = fixture.put("bomb", packed);
        let read = |options: &Options| flights_in(std::slice::from_ref(&path), options).map(|flights| flights.len());
        let error = read(&Options::default()).unwrap_err().to_string();
        assert!(error.contains("unpacks to more than 200 times its size (--unpacked-ratio)"), "{error}");
        let raised = Options { unpacked_ratio_max: 1 << 40, ..Options::default() };
        assert_eq!(read(&raised).unwrap(), 1);
        let error = read(&Options { unpacked_bytes_max: 1000, ..raised }).unwrap_err().to_string();
        assert!(error.contains("unpacks to more than 1000 bytes (--unpacked-max)"), "{error}");
    }
}

#[test]
fn a_pipe_is_read_like_a_file() {
    let fixture = Fixture::new();
    let path = fixture.directory.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let writer = std::thread::spawn({
        let path = path.clone();
        move || fs::write(path, gzipped(PLAIN.table(&ten_flights()).as_bytes())).unwrap()
    });
    assert_eq!(flights_in(&[path], &Options::default()).unwrap(), ten_flights());
    writer.join().unwrap();
}
