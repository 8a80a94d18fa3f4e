//! Tests of rules 6, 10 and 11: directories and zips, files that are skipped, and bounds.

use super::{table_format::*, *};

fn folder(fixture: &Fixture, files: &[(&str, &str)]) -> PathBuf {
    let root = fixture.directory.path().join("folder");
    fs::create_dir_all(&root).unwrap();
    for (name, content) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

fn skipped(summary: &Summary) -> Vec<(String, &str)> {
    let last = |file: &str| file.rsplit('/').next().unwrap().to_owned();
    summary.skipped.iter().map(|one| (last(&one.file), one.reason.as_str())).collect()
}

#[test]
fn rule_6_a_folder_of_spark_is_read_without_files_beside_the_data() {
    let table = PLAIN.table(&ten_flights());
    let (first, rest) = table.split_at(table.match_indices('\n').nth(4).unwrap().0 + 1);
    let header = table.lines().next().unwrap();
    let files = |second: &str| {
        let fixture = Fixture::new();
        let root = folder(
            &fixture,
            &[
                ("_SUCCESS", ""),
                (".part-00000.crc", "crc"),
                ("part-00000", first),
                ("part-00001", ""),
                ("part-00002", second),
                ("_temporary/0/part-00000", first),
            ],
        );
        let summary = fixture.import(&[root]).unwrap();
        assert_eq!((summary.flown, summary.cancelled, summary.diverted, summary.files), (8, 1, 1, 2));
        let names: Vec<_> = skipped(&summary).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [".part-00000.crc", "_SUCCESS", "_temporary", "part-00001"]);
        assert_eq!(summary.skipped_total, 4);
    };
    // Each part has the header, or only the first.
    files(&format!("{header}\n{rest}"));
    files(rest);
}

#[test]
fn rule_6_a_part_of_another_width_does_not_use_the_header_of_the_first() {
    let fixture = Fixture::new();
    let root = folder(
        &fixture,
        &[("part-00000", &PLAIN.table(&ten_flights())), ("part-00001", "a,b,c\n"), ("x/part-00001", "a\n")],
    );
    let summary = fixture.import(&[root]).unwrap();
    assert_eq!((summary.flown, summary.broken, summary.skipped_total), (8, 0, 2));
}

#[test]
fn rule_6_files_without_flights_are_skipped_and_named() {
    let fixture = Fixture::new();
    let root = folder(
        &fixture,
        &[
            ("airlines.csv", "carrier,name\nAA,Some Air Lines\n"),
            ("airports.csv", "1,\"Some Airport\",\"Some Town\"\n"),
            ("notes.pdf", "%PDF-1.4"),
            ("tails.jsonl", "{\"TailNum\":\"N1\"}\n"),
            ("years/2015/flights.csv", &PLAIN.table(&ten_flights())),
            ("distances.jsonl", "{\"Origin\":\"ATL\",\"Dest\":\"SFO\",\"Distance\":2139.0}\n"),
            ("__MACOSX/._flights.csv", "\0\u{5}\u{16}\u{7}"),
            ("book.xlsx", std::str::from_utf8(&zipped(&[("xl/workbook.xml", "<x/>")])).unwrap_or("")),
        ],
    );
    fs::write(root.join("book.xlsx"), zipped(&[("xl/workbook.xml", "<x/>")])).unwrap();
    let summary = fixture.import(&[root]).unwrap();
    assert_eq!((summary.flown, summary.cancelled, summary.diverted, summary.routes, summary.files), (8, 1, 1, 1, 2));
    let passed = skipped(&summary);
    let expected = [
        ("__MACOSX", "is bookkeeping"),
        (
            "airlines.csv",
            "has no column for FlightDate, nor for Origin, nor for Dest, nor for ArrDelay; it has \"carrier\", \"name\"",
        ),
        (
            "airports.csv",
            "is in no format that can be imported: line 1, \"1,\"Some Airport\",\"Some Town\"\", names no columns",
        ),
        ("book.xlsx", "is an Excel workbook: save its sheet as CSV"),
        ("notes.pdf", "is a PDF"),
        ("tails.jsonl", "has no column for FlightDate"),
    ];
    assert_eq!(passed.len(), expected.len(), "{passed:?}");
    for ((name, reason), (expected_name, begin)) in passed.iter().zip(expected) {
        assert!(name == expected_name && reason.starts_with(begin), "{name}: {reason}");
    }
}

#[test]
fn rule_6_a_folder_or_zip_without_data_fails_and_names_its_files() {
    let fixture = Fixture::new();
    let root = folder(&fixture, &[("a.csv", "x,y\n1,2\n"), ("_SUCCESS", "")]);
    let flights = fixture.put("flights.csv", PLAIN.table(&ten_flights()));
    let error = fixture.import(&[flights.clone(), root.clone()]).unwrap_err().to_string();
    assert!(
        error.contains("folder holds nothing that can be imported:\n  ") && error.contains("a.csv is in no format"),
        "{error}"
    );
    assert!(error.contains("_SUCCESS is bookkeeping"), "{error}");
    assert!(!fixture.out().exists());

    let zip = fixture.put("others.zip", zipped(&[("a.csv", "x,y\n1,2\n"), ("b/c.html", "<html>")]));
    let error = fixture.import(&[zip]).unwrap_err().to_string();
    assert!(error.contains("others.zip: a.csv is in") && error.contains("others.zip: b/c.html is in"), "{error}");

    // The same zip in a folder with flights is skipped.
    fs::write(root.join("b.zip"), zipped(&[("a.csv", "x,y\n1,2\n")])).unwrap();
    fs::copy(flights, root.join("flights.csv")).unwrap();
    let summary = fixture.import(&[root]).unwrap();
    assert_eq!((summary.flown, summary.skipped_total), (8, 4));

    let error = fixture.import(&[fixture.put("x.pdf", "%PDF")]).unwrap_err();
    assert!(matches!(error, ImportError::Exists { .. }));
    let empty = Fixture::new();
    let error = empty.import(&[folder(&empty, &[])]).unwrap_err().to_string();
    assert!(error.ends_with("holds nothing that can be imported: it is empty"), "{error}");
}

#[test]
fn rule_6_a_zip_of_macos_is_read_without_files_beside_the_data() {
    let fixture = Fixture::new();
    let table = PLAIN.table(&ten_flights());
    let members = [
        ("flights/", ""),
        ("flights/a.csv", table.as_str()),
        ("__MACOSX/flights/._a.csv", "\0\u{5}"),
        ("flights/.DS_Store", "x"),
    ];
    let summary = fixture.import(&[fixture.put("flights.zip", zipped(&members[1..]))]).unwrap();
    assert_eq!((summary.flown, summary.cancelled, summary.diverted, summary.skipped_total), (8, 1, 1, 2));
}

#[test]
fn rule_10_cyclic_links_and_deep_folders_are_not_followed() {
    let fixture = Fixture::new();
    let root = folder(&fixture, &[("a/flights.csv", &PLAIN.table(&ten_flights()))]);
    std::os::unix::fs::symlink(&root, root.join("a/again")).unwrap();
    std::os::unix::fs::symlink("nowhere", root.join("a/broken")).unwrap();
    let deep = root.join("1/2/3/4/5/6/7/8/9");
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("flights.csv"), PLAIN.table(&ten_flights())).unwrap();
    let summary = fixture.import(&[root]).unwrap();
    assert_eq!((summary.rows, summary.duplicates), (10, 0));
    let passed = skipped(&summary);
    assert_eq!(
        passed,
        [
            ("9".to_owned(), "lies deeper than 8 folders: give it by itself"),
            ("broken".to_owned(), "is a link to something that is not there")
        ]
    );
}

#[test]
fn rule_10_more_files_than_the_bound_are_refused() {
    let fixture = Fixture::new();
    let root = folder(&fixture, &[]);
    for number in 0..=bounds::ENTRIES_MAX {
        fs::File::create(root.join(number.to_string())).unwrap();
    }
    let error = fixture.import(&[root]).unwrap_err().to_string();
    assert!(error.contains("has more than 10000 files and folders in it"), "{error}");
}

#[test]
fn rule_11_names_are_escaped_in_messages() {
    let fixture = Fixture::new();
    let unsafe_name = "\u{1b}[2J\u{202e}vsc.csv";
    let root = folder(
        &fixture,
        &[(unsafe_name, "x,y\n"), ("flights.csv", &format!("{}2015-01-01\u{1b}\n", PLAIN.table(&ten_flights())))],
    );
    let summary = fixture.import(&[root]).unwrap();
    let messages = [summary.skipped[0].to_string(), summary.broken_rows[0].to_string()];
    assert!(messages.iter().all(|text| !text.contains(['\u{1b}', '\u{202e}'])), "{messages:?}");
    assert!(messages[0].contains("\\u{1b}[2J\\u{202e}vsc.csv"), "{messages:?}");
    // The summary has the name unescaped, for programs.
    assert!(summary.skipped[0].file.ends_with(unsafe_name));
    for error in [
        Fixture::new().import(&[fixture.put(unsafe_name, "x,y\n")]).unwrap_err(),
        Fixture::new().import(&[fixture.put(unsafe_name, zipped(&[("\u{9b}31m.csv", "x,y\n")]))]).unwrap_err(),
        Fixture::new().import(&[fixture.put(unsafe_name, "PAR1")]).unwrap_err(),
        Fixture::new().import(&[fixture.directory.path().join("\u{1b}missing")]).unwrap_err(),
    ] {
        let message = error.to_string();
        assert!(!message.contains(['\u{1b}', '\u{202e}', '\u{9b}']) && message.contains("\\u{1b}"), "{message:?}");
    }
}
