//! Rule 6: directories and zips, their content, and files that are passed over.

use super::{spelling::*, *};

fn folder(bench: &Bench, files: &[(&str, &str)]) -> PathBuf {
    let root = bench.directory.path().join("folder");
    fs::create_dir_all(&root).unwrap();
    for (name, content) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

fn passed_over(summary: &Summary) -> Vec<(String, &str)> {
    let last = |file: &str| file.rsplit('/').next().unwrap().to_owned();
    summary.passed_over.iter().map(|one| (last(&one.file), one.reason.as_str())).collect()
}

#[test]
fn a_folder_of_spark_is_read_without_what_spark_puts_beside() {
    let table = PLAIN.table(&ten());
    let (first, rest) = table.split_at(table.match_indices('\n').nth(4).unwrap().0 + 1);
    let header = table.lines().next().unwrap();
    let files = |second: &str| {
        let bench = Bench::new();
        let root = folder(
            &bench,
            &[
                ("_SUCCESS", ""),
                (".part-00000.crc", "crc"),
                ("part-00000", first),
                ("part-00001", ""),
                ("part-00002", second),
                ("_temporary/0/part-00000", first),
            ],
        );
        let summary = bench.import(&[root]).unwrap();
        assert_eq!((summary.flown, summary.cancelled, summary.diverted, summary.files), (8, 1, 1, 2));
        let names: Vec<_> = passed_over(&summary).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [".part-00000.crc", "_SUCCESS", "_temporary", "part-00001"]);
        assert_eq!(summary.passed_over_total, 4);
    };
    // Each part has the header, or the first alone.
    files(&format!("{header}\n{rest}"));
    files(rest);
}

#[test]
fn a_part_without_a_header_and_another_width_is_not_read_by_the_header_of_the_one_before() {
    let bench = Bench::new();
    let root =
        folder(&bench, &[("part-00000", &PLAIN.table(&ten())), ("part-00001", "a,b,c\n"), ("x/part-00001", "a\n")]);
    let summary = bench.import(&[root]).unwrap();
    assert_eq!((summary.flown, summary.broken, summary.passed_over_total), (8, 0, 2));
}

#[test]
fn what_holds_no_flights_is_passed_over_and_named() {
    let bench = Bench::new();
    let root = folder(
        &bench,
        &[
            ("airlines.csv", "carrier,name\nAA,Some Air Lines\n"),
            ("airports.csv", "1,\"Some Airport\",\"Some Town\"\n"),
            ("notes.pdf", "%PDF-1.4"),
            ("tails.jsonl", "{\"TailNum\":\"N1\"}\n"),
            ("years/2015/flights.csv", &PLAIN.table(&ten())),
            ("distances.jsonl", "{\"Origin\":\"ATL\",\"Dest\":\"SFO\",\"Distance\":2139.0}\n"),
            ("__MACOSX/._flights.csv", "\0\u{5}\u{16}\u{7}"),
            ("book.xlsx", std::str::from_utf8(&zipped(&[("xl/workbook.xml", "<x/>")])).unwrap_or("")),
        ],
    );
    fs::write(root.join("book.xlsx"), zipped(&[("xl/workbook.xml", "<x/>")])).unwrap();
    let summary = bench.import(&[root]).unwrap();
    assert_eq!((summary.flown, summary.cancelled, summary.diverted, summary.routes, summary.files), (8, 1, 1, 1, 2));
    let passed = passed_over(&summary);
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
fn a_folder_or_a_zip_that_holds_nothing_names_all_that_is_in_it() {
    let bench = Bench::new();
    let root = folder(&bench, &[("a.csv", "x,y\n1,2\n"), ("_SUCCESS", "")]);
    let flights = bench.put("flights.csv", PLAIN.table(&ten()));
    let error = bench.import(&[flights.clone(), root.clone()]).unwrap_err().to_string();
    assert!(
        error.contains("folder holds nothing that can be imported:\n  ") && error.contains("a.csv is in no format"),
        "{error}"
    );
    assert!(error.contains("_SUCCESS is bookkeeping"), "{error}");
    assert!(!bench.out().exists());

    let zip = bench.put("others.zip", zipped(&[("a.csv", "x,y\n1,2\n"), ("b/c.html", "<html>")]));
    let error = bench.import(&[zip]).unwrap_err().to_string();
    assert!(error.contains("others.zip: a.csv is in") && error.contains("others.zip: b/c.html is in"), "{error}");

    // The same zip beside flights is passed over like a file.
    fs::write(root.join("b.zip"), zipped(&[("a.csv", "x,y\n1,2\n")])).unwrap();
    fs::copy(flights, root.join("flights.csv")).unwrap();
    let summary = bench.import(&[root]).unwrap();
    assert_eq!((summary.flown, summary.passed_over_total), (8, 4));

    let error = bench.import(&[bench.put("x.pdf", "%PDF")]).unwrap_err();
    assert!(matches!(error, ImportError::Exists { .. }));
    let empty = Bench::new();
    let error = empty.import(&[folder(&empty, &[])]).unwrap_err().to_string();
    assert!(error.ends_with("holds nothing that can be imported: it is empty"), "{error}");
}

#[test]
fn a_zip_of_macos_is_read_without_what_macos_puts_beside() {
    let bench = Bench::new();
    let table = PLAIN.table(&ten());
    let members = [
        ("flights/", ""),
        ("flights/a.csv", table.as_str()),
        ("__MACOSX/flights/._a.csv", "\0\u{5}"),
        ("flights/.DS_Store", "x"),
    ];
    let summary = bench.import(&[bench.put("flights.zip", zipped(&members[1..]))]).unwrap();
    assert_eq!((summary.flown, summary.cancelled, summary.diverted, summary.passed_over_total), (8, 1, 1, 2));
}

#[test]
fn links_that_go_in_circles_and_folders_that_are_too_deep_end_the_walk() {
    let bench = Bench::new();
    let root = folder(&bench, &[("a/flights.csv", &PLAIN.table(&ten()))]);
    std::os::unix::fs::symlink(&root, root.join("a/again")).unwrap();
    std::os::unix::fs::symlink("nowhere", root.join("a/broken")).unwrap();
    let deep = root.join("1/2/3/4/5/6/7/8/9");
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("flights.csv"), PLAIN.table(&ten())).unwrap();
    let summary = bench.import(&[root]).unwrap();
    assert_eq!((summary.rows, summary.duplicates), (10, 0));
    let passed = passed_over(&summary);
    assert_eq!(
        passed,
        [
            ("9".to_owned(), "lies deeper than 8 folders: give it by itself"),
            ("broken".to_owned(), "is a link to something that is not there")
        ]
    );
}

#[test]
fn more_files_than_the_bound_are_refused() {
    let bench = Bench::new();
    let root = folder(&bench, &[]);
    for number in 0..=bounds::ENTRIES_MAX {
        fs::File::create(root.join(number.to_string())).unwrap();
    }
    let error = bench.import(&[root]).unwrap_err().to_string();
    assert!(error.contains("has more than 10000 files and folders in it"), "{error}");
}

#[test]
fn names_are_escaped_before_they_reach_a_terminal() {
    let bench = Bench::new();
    let evil = "\u{1b}[2J\u{202e}vsc.csv";
    let root =
        folder(&bench, &[(evil, "x,y\n"), ("flights.csv", &format!("{}2015-01-01\u{1b}\n", PLAIN.table(&ten())))]);
    let summary = bench.import(&[root]).unwrap();
    let told = [summary.passed_over[0].to_string(), summary.broken_rows[0].to_string()];
    assert!(told.iter().all(|text| !text.contains(['\u{1b}', '\u{202e}'])), "{told:?}");
    assert!(told[0].contains("\\u{1b}[2J\\u{202e}vsc.csv"), "{told:?}");
    // The name itself stays what it is, for programs that read the summary.
    assert!(summary.passed_over[0].file.ends_with(evil));
    for error in [
        Bench::new().import(&[bench.put(evil, "x,y\n")]).unwrap_err(),
        Bench::new().import(&[bench.put(evil, zipped(&[("\u{9b}31m.csv", "x,y\n")]))]).unwrap_err(),
        Bench::new().import(&[bench.put(evil, "PAR1")]).unwrap_err(),
        Bench::new().import(&[bench.directory.path().join("\u{1b}missing")]).unwrap_err(),
    ] {
        let told = error.to_string();
        assert!(!told.contains(['\u{1b}', '\u{202e}', '\u{9b}']) && told.contains("\\u{1b}"), "{told:?}");
    }
}
