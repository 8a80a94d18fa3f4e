//! Rules 1, 2 and 8: the same ten flights in the spellings of tables in circulation.

use chrono::Datelike;

use super::{spelling::*, *};

/// Year, month and day in columns of their own.
fn parts(flight: &Flight) -> String {
    let date = flight.date;
    format!("{}\u{1}{}\u{1}{}", date.year(), date.month(), date.day())
}

fn month_first(flight: &Flight) -> String {
    format!("{}/{}/{:02}", flight.date.month(), flight.date.day(), flight.date.year() % 100)
}

fn clock(min: u16) -> String {
    format!("{:02}:{:02}:00", min / 60, min % 60)
}

fn tables() -> Vec<(&'static str, String)> {
    let ten = ten();
    let plain = || PLAIN.clone();
    let of = |name, spelling: Spelling| (name, spelling.table(&ten));
    vec![
        of("as BTS has it", plain()),
        of(
            "downloads of BTS",
            Spelling {
                header: UPPER_NAMES,
                date: |f| format!("{} 12:00:00 AM", f.date.format("%-m/%-d/%Y")),
                ..plain()
            },
        ),
        of("Kaggle 2015", Spelling { header: KAGGLE_2015, date: parts, ..plain() }),
        of(
            "Kaggle 2019 to 2023",
            Spelling { header: KAGGLE_2019, number: |number| format!("{number:.1}"), flags: ["0.0", "1.0"], ..plain() },
        ),
        of(
            "ClickHouse, tabs",
            Spelling { separator: "\t", text: |text| format!("{text}\\0\\0"), missing: "\\N", ..plain() },
        ),
        of("bars", Spelling { separator: "|", missing: "NULL", ..plain() }),
        of(
            "German Excel",
            Spelling {
                separator: ";",
                number: |number| format!("{number:.1}").replace('.', ","),
                flags: ["0,0", "1,0"],
                ..plain()
            },
        ),
        of("two-digit years", Spelling { date: month_first, ..plain() }),
        of("clock times", Spelling { time: clock, date: |f| f.date.format("%d-%b-%y").to_string(), ..plain() }),
        of(
            "times as floats",
            Spelling { time: |min| format!("{}.0", hhmm(min).parse::<u16>().unwrap()), missing: "nan", ..plain() },
        ),
        of("PostgreSQL", Spelling { flags: ["f", "t"], ..plain() }),
        of(
            "pandas",
            Spelling { flags: ["False", "True"], missing: "<NA>", date: |f| format!("{} 00:00:00", f.date), ..plain() },
        ),
        of(
            "Python's csv",
            Spelling {
                missing: "None",
                flags: ["no", "yes"],
                date: |f| f.date.format("%Y%m%d").to_string(),
                ..plain()
            },
        ),
        of("fixed width", Spelling { text: |text| format!("{text}\0\0\0  "), missing: "N/A", ..plain() }),
        (
            "quoted, with a mark",
            format!("\u{feff}{}", Spelling { text: |text| format!("\"{text}\""), missing: "-", ..plain() }.table(&ten)),
        ),
        (
            "Excel's word for its separator",
            format!("sep=;\r\n{}", Spelling { separator: ";", ..plain() }.table(&ten).replace('\n', "\r\n")),
        ),
        ("filled up with NUL", format!("{}{}", plain().table(&ten), "\0".repeat(700))),
        ("columns that come twice", with_more_columns(&plain().table(&ten), "Origin,Dest,ArrDelay", "XXX,YYY,999")),
        (
            "an airline's name beside its code",
            with_more_columns(
                &Spelling { header: KAGGLE_2019, ..plain() }.table(&ten),
                "AIRLINE,AIRLINE_DOT,DOT_CODE",
                "\"Some Air Lines, Inc.\",\"x: AA\",19805",
            ),
        ),
    ]
}

fn with_more_columns(table: &str, names: &str, cells: &str) -> String {
    table.lines().enumerate().map(|(row, line)| format!("{line},{}\n", if row == 0 { names } else { cells })).collect()
}

#[test]
fn ten_flights_are_the_same_ten_in_each_table() {
    for (name, table) in tables() {
        let bench = Bench::new();
        // A name without an ending: the content tells.
        let path = bench.put("part-00000", &table);
        assert_eq!(
            flights_in(&[path], &Options::default()).unwrap_or_else(|error| panic!("{name}: {error}")),
            ten(),
            "{name}"
        );
    }
}

fn millis(flight: &Flight) -> i64 {
    flight.date.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp_millis()
}

#[test]
fn ten_flights_are_the_same_ten_in_json() {
    let (ten, plain) = (ten(), || Spelling { header: UPPER_NAMES, ..PLAIN.clone() });
    let relaxed = plain().lines(&ten);
    let objects = |separator: &str| relaxed.lines().collect::<Vec<_>>().join(separator);
    let pretty: String = relaxed.replace(",\"", ",\n  \"").replace('{', "{\n  ").replace("}\n", "\n}\n");
    for (name, text) in [
        ("fields without a value left out", relaxed.clone()),
        ("words", Spelling { flags: ["false", "true"], missing: "null", ..plain() }.lines(&ten)),
        ("NaN", Spelling { missing: "NaN", ..plain() }.lines(&ten)),
        ("the unflown first", relaxed.lines().rev().map(|line| format!("{line}\n")).collect()),
        ("an array", format!("[{}]", objects(","))),
        ("an array over lines", format!("\u{feff}[\n{}\n]\n", objects(",\n"))),
        ("printed over several lines", pretty),
        ("milliseconds", Spelling { date: |f| millis(f).to_string(), ..plain() }.lines(&ten)),
        ("mongoexport", {
            let date = |f: &Flight| format!("{{\"$date\":\"{}T00:00:00Z\"}}", f.date);
            let lines = Spelling { date, missing: "NaN", ..plain() }.lines(&ten);
            lines.lines().map(|line| format!("{{\"_id\":{{\"$oid\":\"5f\"}},{}\n", &line[1..])).collect()
        }),
        ("mongoexport, canonical", {
            let date = |f: &Flight| format!("{{\"$date\":{{\"$numberLong\":\"{}\"}}}}", millis(f));
            let number = |number: f32| format!("{{\"$numberDouble\":\"{number:.1}\"}}");
            let flags = ["{\"$numberInt\":\"0\"}", "{\"$numberInt\":\"1\"}"];
            Spelling { date, number, flags, missing: "{\"$numberDouble\":\"NaN\"}", ..plain() }.lines(&ten)
        }),
    ] {
        let bench = Bench::new();
        let path = bench.put("part-00000", &text);
        assert_eq!(
            flights_in(&[path], &Options::default()).unwrap_or_else(|error| panic!("{name}: {error}\n{text}")),
            ten,
            "{name}"
        );
    }
}

#[test]
fn unflown_flights_alone_are_read_from_json_that_leaves_delays_out() {
    let unflown: Vec<_> = ten().into_iter().filter(|flight| flight.fate != Fate::Flown).collect();
    let bench = Bench::new();
    let path = bench.put("unflown.jsonl", Spelling { header: UPPER_NAMES, ..PLAIN.clone() }.lines(&unflown));
    assert_eq!(flights_in(&[path], &Options::default()).unwrap(), unflown);
}

#[test]
fn what_cannot_be_read_is_shown_as_it_stands_with_its_line_and_its_separator() {
    let bench = Bench::new();
    let lacking = bench.put("lacking.csv", "FL_DATE;CARRIER;ORIGIN;\u{1b}[31m\n");
    let error = bench.import(&[lacking]).unwrap_err().to_string();
    assert!(
        error.contains("(separated by semicolons) are \"FL_DATE\", \"CARRIER\", \"ORIGIN\", \"\\u{1b}[31m\""),
        "{error}"
    );
    assert!(error.ends_with("has no column for Dest, nor for ArrDelay"), "{error}");

    let prose = bench.put("prose.txt", format!("\n{}\u{202e}\n", "Dear Sir, hello ".repeat(20)));
    let error = bench.import(&[prose]).unwrap_err().to_string();
    assert!(error.contains("line 2, \"Dear Sir, hello Dear Sir, hello Dear Sir…\", names no columns"), "{error}");

    for (row, reason) in [
        ("2008-01-01;AA;ATL;SFO;2,278", "ArrDelay is \"2,278\" and should be a number"),
        ("1.1.;AA;ATL;SFO;1", "Date is \"1.1.\" and should be a date as in 2016-12-25"),
        ("2008-01-01;AA;\u{1b}ATL;SFO;1", "Origin is \"\\u{1b}ATL\": a code has"),
        ("2008-01-01;19805;ATL;SFO;1", "Carrier is 19805, the number of an airline"),
    ] {
        let bench = Bench::new();
        let table = format!("FlightDate;Carrier;Origin;Dest;ArrDelay\n2008-01-01;AA;ATL;SFO;1,5\n{row}\n");
        let summary = bench.import(&[bench.put("a.csv", table)]).unwrap();
        let told = summary.broken_rows[0].to_string();
        assert!(told.contains(&format!("a.csv line 3: {reason}")), "{told}");
    }
}
