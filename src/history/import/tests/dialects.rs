//! Tests of rules 1, 2 and 8: the same ten flights in the formats of known tables.

use chrono::Datelike;

use super::{table_format::*, *};

/// Formats year, month and day as three columns.
fn date_columns(flight: &Flight) -> String {
    let date = flight.date;
    format!("{}\u{1}{}\u{1}{}", date.year(), date.month(), date.day())
}

fn month_first(flight: &Flight) -> String {
    format!("{}/{}/{:02}", flight.date.month(), flight.date.day(), flight.date.year() % 100)
}

fn clock_time(min: u16) -> String {
    format!("{:02}:{:02}:00", min / 60, min % 60)
}

fn tables() -> Vec<(&'static str, String)> {
    let ten = ten_flights();
    let plain = || PLAIN.clone();
    let of = |name, spelling: TableFormat| (name, spelling.table(&ten));
    vec![
        of("as BTS has it", plain()),
        of(
            "downloads of BTS",
            TableFormat {
                header: UPPER_NAMES,
                date: |f| format!("{} 12:00:00 AM", f.date.format("%-m/%-d/%Y")),
                ..plain()
            },
        ),
        of("Kaggle 2015", TableFormat { header: KAGGLE_2015, date: date_columns, ..plain() }),
        of(
            "Kaggle 2019 to 2023",
            TableFormat {
                header: KAGGLE_2019,
                number: |number| format!("{number:.1}"),
                flags: ["0.0", "1.0"],
                ..plain()
            },
        ),
        of(
            "ClickHouse, tabs",
            TableFormat { separator: "\t", text: |text| format!("{text}\\0\\0"), missing: "\\N", ..plain() },
        ),
        of("bars", TableFormat { separator: "|", missing: "NULL", ..plain() }),
        of(
            "German Excel",
            TableFormat {
                separator: ";",
                number: |number| format!("{number:.1}").replace('.', ","),
                flags: ["0,0", "1,0"],
                ..plain()
            },
        ),
        of("two-digit years", TableFormat { date: month_first, ..plain() }),
        of("clock times", TableFormat { time: clock_time, date: |f| f.date.format("%d-%b-%y").to_string(), ..plain() }),
        of(
            "times as floats",
            TableFormat { time: |min| format!("{}.0", hhmm(min).parse::<u16>().unwrap()), missing: "nan", ..plain() },
        ),
        of("PostgreSQL", TableFormat { flags: ["f", "t"], ..plain() }),
        of(
            "pandas",
            TableFormat {
                flags: ["False", "True"],
                missing: "<NA>",
                date: |f| format!("{} 00:00:00", f.date),
                ..plain()
            },
        ),
        of(
            "Python's csv",
            TableFormat {
                missing: "None",
                flags: ["no", "yes"],
                date: |f| f.date.format("%Y%m%d").to_string(),
                ..plain()
            },
        ),
        of("fixed width", TableFormat { text: |text| format!("{text}\0\0\0  "), missing: "N/A", ..plain() }),
        (
            "quoted, with a mark",
            format!(
                "\u{feff}{}",
                TableFormat { text: |text| format!("\"{text}\""), missing: "-", ..plain() }.table(&ten)
            ),
        ),
        (
            "Excel's word for its separator",
            format!("sep=;\r\n{}", TableFormat { separator: ";", ..plain() }.table(&ten).replace('\n', "\r\n")),
        ),
        ("filled up with NUL", format!("{}{}", plain().table(&ten), "\0".repeat(700))),
        ("columns that come twice", with_more_columns(&plain().table(&ten), "Origin,Dest,ArrDelay", "XXX,YYY,999")),
        (
            "an airline's name beside its code",
            with_more_columns(
                &TableFormat { header: KAGGLE_2019, ..plain() }.table(&ten),
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
fn the_ten_flights_are_read_from_each_table() {
    for (name, table) in tables() {
        let fixture = Fixture::new();
        // The name has no extension: the format is recognized by the content.
        let path = fixture.put("part-00000", &table);
        assert_eq!(
            flights_in(&[path], &Options::default()).unwrap_or_else(|error| panic!("{name}: {error}")),
            ten_flights(),
            "{name}"
        );
    }
}

fn millis(flight: &Flight) -> i64 {
    flight.date.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp_millis()
}

#[test]
fn the_ten_flights_are_read_from_each_form_of_json() {
    let (ten, plain) = (ten_flights(), || TableFormat { header: UPPER_NAMES, ..PLAIN.clone() });
    let relaxed = plain().lines(&ten);
    let objects = |separator: &str| relaxed.lines().collect::<Vec<_>>().join(separator);
    let pretty: String = relaxed.replace(",\"", ",\n  \"").replace('{', "{\n  ").replace("}\n", "\n}\n");
    for (name, text) in [
        ("fields without a value left out", relaxed.clone()),
        ("words", TableFormat { flags: ["false", "true"], missing: "null", ..plain() }.lines(&ten)),
        ("NaN", TableFormat { missing: "NaN", ..plain() }.lines(&ten)),
        ("the unflown first", relaxed.lines().rev().map(|line| format!("{line}\n")).collect()),
        ("an array", format!("[{}]", objects(","))),
        ("an array over lines", format!("\u{feff}[\n{}\n]\n", objects(",\n"))),
        ("printed over several lines", pretty),
        ("milliseconds", TableFormat { date: |f| millis(f).to_string(), ..plain() }.lines(&ten)),
        ("mongoexport", {
            let date = |f: &Flight| format!("{{\"$date\":\"{}T00:00:00Z\"}}", f.date);
            let lines = TableFormat { date, missing: "NaN", ..plain() }.lines(&ten);
            lines.lines().map(|line| format!("{{\"_id\":{{\"$oid\":\"5f\"}},{}\n", &line[1..])).collect()
        }),
        ("mongoexport, canonical", {
            let date = |f: &Flight| format!("{{\"$date\":{{\"$numberLong\":\"{}\"}}}}", millis(f));
            let number = |number: f32| format!("{{\"$numberDouble\":\"{number:.1}\"}}");
            let flags = ["{\"$numberInt\":\"0\"}", "{\"$numberInt\":\"1\"}"];
            TableFormat { date, number, flags, missing: "{\"$numberDouble\":\"NaN\"}", ..plain() }.lines(&ten)
        }),
    ] {
        let fixture = Fixture::new();
        let path = fixture.put("part-00000", &text);
        assert_eq!(
            flights_in(&[path], &Options::default()).unwrap_or_else(|error| panic!("{name}: {error}\n{text}")),
            ten,
            "{name}"
        );
    }
}

#[test]
fn unflown_flights_are_read_from_json_without_delays() {
    let unflown: Vec<_> = ten_flights().into_iter().filter(|flight| flight.status != FlightStatus::Flown).collect();
    let fixture = Fixture::new();
    let path = fixture.put("unflown.jsonl", TableFormat { header: UPPER_NAMES, ..PLAIN.clone() }.lines(&unflown));
    assert_eq!(flights_in(&[path], &Options::default()).unwrap(), unflown);
}

#[test]
fn errors_quote_the_text_with_its_line_and_separator() {
    let fixture = Fixture::new();
    let lacking = fixture.put("lacking.csv", "FL_DATE;CARRIER;ORIGIN;\u{1b}[31m\n");
    let error = fixture.import(&[lacking]).unwrap_err().to_string();
    assert!(
        error.contains("(separated by semicolons) are \"FL_DATE\", \"CARRIER\", \"ORIGIN\", \"\\u{1b}[31m\""),
        "{error}"
    );
    assert!(error.ends_with("has no column for Dest, nor for ArrDelay"), "{error}");

    let prose = fixture.put("prose.txt", format!("\n{}\u{202e}\n", "Dear Sir, hello ".repeat(20)));
    let error = fixture.import(&[prose]).unwrap_err().to_string();
    assert!(error.contains("line 2, \"Dear Sir, hello Dear Sir, hello Dear Sir…\", names no columns"), "{error}");

    for (row, reason) in [
        ("2008-01-01;AA;ATL;SFO;2,278", "ArrDelay is \"2,278\" and should be a number"),
        ("1.1.;AA;ATL;SFO;1", "Date is \"1.1.\" and should be a date as in 2016-12-25"),
        ("2008-01-01;AA;\u{1b}ATL;SFO;1", "Origin is \"\\u{1b}ATL\": a code has"),
        ("2008-01-01;19805;ATL;SFO;1", "Carrier is 19805, the number of an airline"),
    ] {
        let fixture = Fixture::new();
        let table = format!("FlightDate;Carrier;Origin;Dest;ArrDelay\n2008-01-01;AA;ATL;SFO;1,5\n{row}\n");
        let summary = fixture.import(&[fixture.put("a.csv", table)]).unwrap();
        let message = summary.broken_rows[0].to_string();
        assert!(message.contains(&format!("a.csv line 3: {reason}")), "{message}");
    }
}
