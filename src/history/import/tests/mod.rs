mod airport_ids;
mod dates;
mod dialects;
mod folders;
mod packed;
mod parquet_types;
mod round_trip;
mod table_format;

use std::{fs, io::Write, path::PathBuf};

use tempfile::TempDir;

use super::{collector::Collector, run::read_all, *};
use crate::{
    flight::{Observation, Weather},
    history::{self, Flight, FlightStatus, History, parquet::write_weather},
};

/// A directory with input files and an output directory.
struct Fixture {
    directory: TempDir,
}

impl Fixture {
    fn new() -> Self {
        Fixture { directory: tempfile::tempdir().unwrap() }
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn out(&self) -> PathBuf {
        self.directory.path().join("out")
    }

    fn import(&self, paths: &[PathBuf]) -> Result<Summary, ImportError> {
        import(paths, &self.out(), &mut |_| {})
    }

    fn read(&self) -> History {
        history::read(&[self.out()]).unwrap()
    }

    /// Returns the numbers of flown, cancelled and diverted flights, or the message of a failed import.
    fn counts(&self, paths: &[PathBuf]) -> Result<[usize; 3], String> {
        let summary = self.import(paths).map_err(|error| error.to_string())?;
        assert_eq!(summary.broken, 0, "{:?}", summary.broken_rows);
        Ok([summary.flown, summary.cancelled, summary.diverted])
    }
}

#[test]
fn weather_is_imported_with_flights() {
    let fixture = Fixture::new();
    let code = |text: &str| text.parse().unwrap();
    let date = "2013-01-01".parse().unwrap();
    let cold = Weather::UNOBSERVED.with(Observation::Temp, 11.0);
    let hours = [((code("EWR"), date, 0), cold), ((code("JFK"), date, 23), cold.with(Observation::Precip, 0.1))];
    let path = fixture.directory.path().join("hours.parquet");
    write_weather(&path, &hours).unwrap();
    let summary = fixture.import(&[path, fixture.put("flights.csv", BTS)]).unwrap();
    assert_eq!((summary.weather_hours, fixture.read().weather.hours()), (2, &hours[..]));
    // The directory of a history is an input, too.
    let again = fixture.directory.path().join("again");
    import(&[fixture.out()], &again, &mut |_| {}).unwrap();
    assert_eq!(history::read(&[again]).unwrap(), fixture.read());
}

#[test]
fn a_route_table_is_read_from_json_lines_and_from_a_history() {
    let fixture = Fixture::new();
    let lines = "{\"Origin\":\"EWR\",\"Dest\":\"JFK\",\"Distance\":21.0}\n{\"Origin\":\"ATL\",\"Dest\":\"SFO\",\"Distance\":2139.0}\n";
    let (routes, flights) = (fixture.put("routes.jsonl", lines), fixture.put("flights.csv", BTS));
    let read = |path: &PathBuf| import_routes(std::slice::from_ref(path), &mut |_| {});
    let found = read(&routes).unwrap();
    assert_eq!(found.iter().map(|route| route.miles).collect::<Vec<_>>(), [21.0, 2139.0]);
    fixture.import(&[routes, flights.clone()]).unwrap();
    assert_eq!(read(&fixture.out()).unwrap().len(), 2);
    assert!(matches!(read(&flights), Err(ImportError::NoRoutes)));
}

fn zipped(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn bzipped(content: &str) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(content.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn flight(date: &str, carrier: &str, number: u32, origin: &str, dest: &str) -> Flight {
    let code = |text: &str| text.parse().unwrap();
    let flight = Flight::unknown(date.parse().unwrap(), code(carrier), code(origin), code(dest));
    Flight { flight_num: Some(number), ..flight }
}

/// The current layout of BTS: quotes, decimals, a comma at the end of each line, columns that are not read.
const BTS: &str = "\u{feff}\"Year\",\"FlightDate\",\"Reporting_Airline\",\"Tail_Number\",\"Flight_Number_Reporting_Airline\",\
\"Origin\",\"OriginCityName\",\"Dest\",\"CRSDepTime\",\"DepDelay\",\"CRSArrTime\",\"ArrDelay\",\"Cancelled\",\"Diverted\",\
\"CRSElapsedTime\",\"AirTime\",\"Distance\",\r
2008,2008-01-01,\"9E\",\"80319E\",\"3773\",\"GRR\",\"Grand Rapids, MI\",\"DTW\",\"0500\",1.00,\"2400\",22.00,0.00,0.00,55.00,29.00,120.00,\r
2008,2008-01-02,\"9E\",\"\",\"3773\",\"GRR\",\"Grand Rapids, MI\",\"DTW\",\"0500\",,\"0555\",,1.00,0.00,55.00,,120.00,\r
2008,2008-01-03,\"9E\",\"\",\"3773\",\"GRR\",\"Grand Rapids, MI\",\"DTW\",\"0500\",4.00,\"0555\",,0.00,1.00,55.00,,120.00,\r
";

fn bts_flights() -> [Flight; 3] {
    let of = |date| Flight {
        crs_dep_min: Some(300),
        crs_arr_min: Some(355),
        crs_elapsed_min: Some(55.0),
        distance: Some(120.0),
        ..flight(date, "9E", 3773, "GRR", "DTW")
    };
    [
        Flight {
            tail_num: Some("80319E".parse().unwrap()),
            crs_arr_min: Some(0),
            dep_delay: Some(1.0),
            arr_delay: Some(22.0),
            air_time_min: Some(29.0),
            ..of("2008-01-01")
        },
        Flight { status: FlightStatus::Cancelled, ..of("2008-01-02") },
        Flight { status: FlightStatus::Diverted, dep_delay: Some(4.0), ..of("2008-01-03") },
    ]
}

#[test]
fn a_zip_of_bts_becomes_a_history_with_unflown_flights_apart() {
    let fixture = Fixture::new();
    let zip = fixture.put("On_Time.zip", zipped(&[("readme.html", "<html>"), ("On_Time.csv", BTS)]));
    let summary = fixture.import(&[zip]).unwrap();
    assert_eq!((summary.rows, summary.flown, summary.cancelled, summary.diverted), (3, 1, 1, 1));
    assert_eq!((summary.airports, summary.airlines, summary.broken), (2, 1, 0));
    assert_eq!((summary.from.to_string(), summary.to.to_string()), ("2008-01-01".into(), "2008-01-03".into()));
    let on_disk = |name| fs::metadata(fixture.out().join(name)).unwrap().len();
    assert_eq!(summary.bytes_written, on_disk("flights.parquet") + on_disk("unflown.parquet"));
    assert_eq!(fs::read_dir(fixture.out()).unwrap().count(), 2, "no temporary file and no route table");

    let [flown, cancelled, diverted] = bts_flights();
    assert_eq!(
        fixture.read(),
        History { flights: vec![flown], unflown: vec![cancelled, diverted], ..History::default() }
    );
}

#[test]
fn every_spelling_of_the_header_in_any_order_gives_the_same_flight() {
    let expected = Flight { arr_delay: Some(-3.0), ..flight("2008-02-29", "AA", 7, "ATL", "SFO") };
    for csv in [
        "ArrDelay,Dest,Origin,FlightNum,UniqueCarrier,FlightDate\n-3,SFO,ATL,7,AA,2008-02-29\n",
        "FL_DATE,OP_UNIQUE_CARRIER,OP_CARRIER_FL_NUM,ORIGIN,DEST,ARR_DELAY,\n2/29/2008 12:00:00 AM,AA,7.0,ATL,SFO,-3.00,\n",
        "fl_date,origin,dest,arr_delay,carrier,fl_num\n2008-02-29T00:00:00,ATL,SFO,-3.0,AA,7\n",
        "Year,Month,DayofMonth,FlightNum,Carrier,IATA_CODE_Reporting_Airline,Reporting_Airline,Origin,Dest,ArrDelay\n\
         2008,2,29,7,XX,YY,AA,ATL,SFO,-3\n",
        "year,month,day,dep_delay,arr_delay,carrier,flight,tailnum,origin,dest\n2008,2,29,NA,-3,AA,7,NA,ATL,SFO",
        "FlightDate,Carrier,FlightNum,Origin,Dest,ArrDelay,AirTime\n20080229,AA,7,ATL,SFO,-3,\n\n",
    ] {
        let fixture = Fixture::new();
        fixture.import(&[fixture.put("flights.csv", csv)]).unwrap();
        assert_eq!(fixture.read().flights, std::slice::from_ref(&expected), "{csv}");
    }
}

/// A training file of the system before this one: DayOf* beside a timestamp that is off by its zone.
const LEGACY: &str = r#"{"ArrDelay":21.0,"CRSArrTime":"2015-07-04T03:05:00.000-07:00","CRSDepTime":"2015-07-03T23:30:00.000-07:00","Carrier":"AS","DayOfMonth":4,"DayOfWeek":6,"DayOfYear":185,"DepDelay":30.0,"Dest":"DEN","Distance":1024.0,"FlightDate":"2015-07-03T17:00:00.000-07:00","FlightNum":"512","Origin":"SEA"}
{"ArrDelay":-2,"CRSArrTime":"1220","CRSDepTime":630,"Carrier":"AS","DayOfWeek":0,"DepDelay":null,"Dest":"DEN","Distance":1024,"FlightDate":"2015-07-04","FlightNum":null,"Origin":"SEA"}
"#;

fn legacy_flights() -> [Flight; 2] {
    let common = Flight {
        crs_dep_min: Some(6 * 60 + 30),
        distance: Some(1024.0),
        ..flight("2015-07-04", "AS", 512, "SEA", "DEN")
    };
    [
        Flight { flight_num: None, crs_arr_min: Some(12 * 60 + 20), arr_delay: Some(-2.0), ..common.clone() },
        Flight { crs_arr_min: Some(10 * 60 + 5), dep_delay: Some(30.0), arr_delay: Some(21.0), ..common },
    ]
}

#[test]
fn the_legacy_training_file_is_read_plain_and_compressed() {
    for (name, content) in [("features.jsonl", LEGACY.as_bytes().to_vec()), ("features.jsonl.bz2", bzipped(LEGACY))] {
        let fixture = Fixture::new();
        fixture.import(&[fixture.put(name, content)]).unwrap();
        assert_eq!(fixture.read().flights, legacy_flights(), "{name}");
    }
}

#[test]
fn a_route_table_is_recognized_by_its_content_and_a_history_can_be_imported_again() {
    let fixture = Fixture::new();
    let flights = fixture.put("flights.jsonl", LEGACY);
    let routes = fixture.put("whatever.txt", "{\"Origin\":\"EWR\",\"Dest\":\"JFK\",\"Distance\":21.0}\n");
    assert_eq!(fixture.import(&[routes, flights]).unwrap().routes, 1);
    let first = fixture.read();
    assert_eq!(first.routes[0].miles, 21.0);

    let again = fixture.directory.path().join("again");
    let csv = fixture.put("more.csv", BTS);
    let summary = import(&[fixture.out(), fixture.out(), csv], &again, &mut |_| {}).unwrap();
    assert_eq!((summary.duplicates, summary.flown), (2, 3));
    let merged = history::read(&[again]).unwrap();
    assert_eq!(merged.flights[1..], first.flights[..]);
    assert_eq!((merged.unflown.len(), merged.routes.len(), summary.routes), (2, 1, 1));
}

#[test]
fn a_directory_that_holds_a_history_is_refused_and_unchanged() {
    let fixture = Fixture::new();
    let legacy = fixture.put("features.jsonl", LEGACY);
    fixture.import(std::slice::from_ref(&legacy)).unwrap();
    let before = fs::read(fixture.out().join("flights.parquet")).unwrap();
    assert!(matches!(fixture.import(&[legacy]), Err(ImportError::Exists { .. })));
    assert_eq!(fs::read(fixture.out().join("flights.parquet")).unwrap(), before);
}

#[test]
fn the_same_input_gives_the_same_bytes_whatever_its_order() {
    let (one, other) = (Fixture::new(), Fixture::new());
    let reversed: Vec<_> = LEGACY.lines().rev().collect();
    one.import(&[one.put("a.jsonl", LEGACY)]).unwrap();
    other.import(&[other.put("b.jsonl", reversed.join("\n"))]).unwrap();
    let bytes = |fixture: &Fixture| fs::read(fixture.out().join("flights.parquet")).unwrap();
    assert_eq!(bytes(&one), bytes(&other));
}

const HEADER: &str = "FlightDate,Carrier,FlightNum,Origin,Dest,CRSDepTime,ArrDelay,Cancelled,Diverted,Distance\n";
const GOOD: &str = "2008-01-01,AA,1,ATL,SFO,500,7,0,0,2139\n";

#[test]
fn a_broken_row_is_named_with_its_line_and_skipped() {
    for (row, reason) in [
        ("2008-02-30,AA,1,ATL,SFO,500,7,0,0,2139", "Date is \"2008-02-30\""),
        ("1850-01-01,AA,1,ATL,SFO,500,7,0,0,2139", "1850-01-01 is not in"),
        (",AA,1,ATL,SFO,500,7,0,0,2139", "Year is missing"),
        ("2008-01-01,,1,ATL,SFO,500,7,0,0,2139", "Carrier is missing"),
        ("2008-01-01,AA,x,ATL,SFO,500,7,0,0,2139", "FlightNum is \"x\""),
        ("2008-01-01,AA,1,ATLANTA!,SFO,500,7,0,0,2139", "Origin is \"ATLANTA!\""),
        ("2008-01-01,AA,1,ATL,SFO,560,7,0,0,2139", "CrsDepTime is \"560\""),
        ("2008-01-01,AA,1,ATL,SFO,500,inf,0,0,2139", "ArrDelay is \"inf\""),
        ("2008-01-01,AA,1,ATL,SFO,500,99999,0,0,2139", "ArrDelay is 99999"),
        ("2008-01-01,AA,1,ATL,SFO,500,,0,0,2139", "ArrDelay is missing"),
        ("2008-01-01,AA,1,ATL,SFO,500,7,maybe,0,2139", "Cancelled is \"maybe\""),
        ("2008-01-01,AA,1,ATL,SFO,500,7,0,0,-1", "Distance is -1"),
        ("2008-01-01,AA,1,ATL", "the row has 4 columns, the header 10"),
        ("2008-01-01,AA,1,\"ATL,SFO,500,7,0,0,2139", "a quote is not closed"),
        ("2008-01-01,AA,1,ATL,SFO,500,7,0,0,2139\rx", "the line is broken by a carriage return"),
    ] {
        let fixture = Fixture::new();
        let csv = fixture.put("flights.csv", format!("{HEADER}{row}\n{GOOD}"));
        let mut reported = Vec::new();
        let summary = import(&[csv], &fixture.out(), &mut |event| {
            if let Event::Broken(row) = event {
                reported.push(row.clone());
            }
        })
        .unwrap();
        assert_eq!((summary.rows, summary.broken, summary.flown), (2, 1, 1), "{row}");
        assert!(reported[0].line == 2 && reported[0].reason.starts_with(reason), "{}", reported[0]);
        assert_eq!(reported, summary.broken_rows);
    }
}

#[test]
fn more_than_one_percent_of_broken_rows_fail_the_import_with_examples() {
    let csv = |good: usize, bad: usize| format!("{HEADER}{}{}", GOOD.repeat(good), "what\n".repeat(bad));
    let fixture = Fixture::new();
    assert_eq!(fixture.import(&[fixture.put("one.csv", csv(1980, 20))]).unwrap().broken_rows.len(), BROKEN_NAMED_MAX);

    let fixture = Fixture::new();
    let error = fixture.import(&[fixture.put("more.csv", csv(1979, 20))]).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("20 of the first 1999 rows of ") && message.contains("line 1981: "), "{message}");
    assert!(!fixture.out().exists(), "a failed import leaves nothing behind");

    // The bound does not hold for fewer than 100 rows.
    let fixture = Fixture::new();
    assert_eq!(fixture.import(&[fixture.put("few.csv", csv(1, 98))]).unwrap().broken, 98);
    assert!(matches!(
        Fixture::new().import(&[fixture.put("hundred.csv", csv(1, 99))]),
        Err(ImportError::TooManyBroken { .. })
    ));
}

#[test]
fn without_a_status_column_a_flight_without_arrival_was_diverted_if_it_departed() {
    let fixture = Fixture::new();
    let rows = "FlightDate,Carrier,Origin,Dest,DepDelay,ArrDelay\n2008-01-01,AA,ATL,SFO,,\n2008-01-01,AA,ATL,SFO,5,\n";
    let summary = fixture.import(&[fixture.put("flights.csv", rows)]);
    let summary = summary.unwrap();
    assert_eq!((summary.flown, summary.cancelled, summary.diverted), (0, 1, 1));
}

#[test]
fn damaged_files_fail_the_import_and_are_named() {
    let mut zip = zipped(&[("a.csv", &format!("{HEADER}{}", GOOD.repeat(500)))]);
    let middle = zip.len() / 3;
    let truncated_zip = zip[..zip.len() / 2].to_vec();
    zip[middle] ^= 0x55;
    let bz2 = bzipped(&LEGACY.repeat(500));
    let mut bad_bz2 = bz2.clone();
    bad_bz2[bz2.len() / 2] ^= 0x55;
    for (name, content) in [
        ("flipped.zip", zip),
        ("truncated.zip", truncated_zip),
        ("flipped.bz2", bad_bz2),
        ("truncated.bz2", bz2[..bz2.len() - 8].to_vec()),
    ] {
        let fixture = Fixture::new();
        let error = fixture.import(&[fixture.put(name, content)]).unwrap_err();
        assert!(matches!(error, ImportError::Damaged { .. }), "{name}: {error}");
        assert!(error.to_string().contains(name) && !fixture.out().exists(), "{error}");
    }
    let fixture = Fixture::new();
    let error = fixture.import(&[fixture.put("damaged.parquet", "PAR1 and then nothing")]).unwrap_err();
    assert!(error.to_string().contains("damaged.parquet is not Parquet or is damaged"), "{error}");
}

#[test]
fn a_file_without_flights_is_refused_with_the_known_formats() {
    let fixture = Fixture::new();
    for (name, content) in [
        ("prose.txt", "Dear Sir, hello\n"),
        ("html.csv", "<!DOCTYPE html>\n<html>\n"),
        ("binary", "\0\u{1}\u{2}"),
        ("array.json", "[1, 2]"),
        ("broken.json", "{\"Origin\":"),
    ] {
        let error = fixture.import(&[fixture.put(name, content)]).unwrap_err();
        assert!(matches!(error, ImportError::Unsupported { .. }), "{name}: {error}");
        assert!(error.to_string().contains("JSON lines (plain or .bz2)"), "{error}");
    }
    let no_csv = fixture.put("no.zip", zipped(&[("readme.html", "<html>")]));
    assert!(matches!(fixture.import(&[no_csv]), Err(ImportError::NothingInside { .. })));

    let error = fixture.import(&[fixture.put("lacking.csv", "FlightDate,Carrier,Dest\n")]).unwrap_err().to_string();
    assert!(error.ends_with("has no column for Origin, nor for ArrDelay"), "{error}");
    assert!(matches!(fixture.import(&[fixture.put("empty.csv", "")]), Err(ImportError::NothingToFit { .. })));
    let missing = fixture.import(&[fixture.directory.path().join("missing.csv")]).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read ") && missing.ends_with("missing.csv"), "{missing}");
}
