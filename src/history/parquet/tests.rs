use std::path::Path;

use bytes::Bytes;
use chrono::NaiveDate;
use proptest::{option, prelude::*};

use super::*;
use crate::{
    airports::Route,
    flight::{Code, FLIGHT_NUM_MAX, Observation, Weather, time::MINUTES_PER_DAY},
    history::{Flight, FlightStatus, HistoryError},
};

fn codes() -> impl Strategy<Value = Code> {
    "[!-~]{1,7}".prop_map(|text| text.parse().unwrap())
}

fn numbers() -> impl Strategy<Value = Option<f32>> {
    option::of(prop_oneof![-1e4..1e4f32, (-99..999i16).prop_map(f32::from)])
}

prop_compose! {
    fn flights()(
        (days, carrier, flight_num, tail_num) in (0..80_000i32, codes(), option::of(0..=FLIGHT_NUM_MAX), option::of(codes())),
        (origin, dest) in (codes(), codes()),
        (crs_dep_min, crs_arr_min) in (option::of(0..MINUTES_PER_DAY), option::of(0..MINUTES_PER_DAY)),
        (crs_elapsed_min, dep_delay, arr_delay) in (numbers(), numbers(), numbers()),
        (air_time_min, distance) in (numbers(), numbers()),
        status in prop_oneof![
            Just(FlightStatus::Flown), Just(FlightStatus::Cancelled), Just(FlightStatus::Diverted)
        ],
    ) -> Flight {
        let date = NaiveDate::from_epoch_days(days).unwrap();
        let arr_delay = if status == FlightStatus::Flown { arr_delay.or(Some(0.0)) } else { arr_delay };
        Flight {
            date, carrier, flight_num, tail_num, origin, dest, crs_dep_min, crs_arr_min, crs_elapsed_min, dep_delay,
            arr_delay, air_time_min, distance, status,
        }
    }
}

fn write_to_bytes(flights: &[Flight]) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes = write_flights(file.path(), flights).unwrap();
    let written = std::fs::read(file.path()).unwrap();
    assert_eq!(written.len() as u64, bytes);
    written
}

fn read_bytes(bytes: Vec<u8>) -> Result<Vec<Flight>, HistoryError> {
    read_flights_from("test.parquet", Bytes::from(bytes))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn flights_round_trip(flights in prop::collection::vec(flights(), 0..40)) {
        prop_assert_eq!(read_bytes(write_to_bytes(&flights)).unwrap(), flights);
    }

    #[test]
    fn a_damaged_byte_anywhere_is_an_error_or_leaves_the_flights_unchanged(
        flights in prop::collection::vec(flights(), 0..20), offset in any::<prop::sample::Index>(), mask in 1..=255u8,
    ) {
        let mut bytes = write_to_bytes(&flights);
        let offset = offset.index(bytes.len());
        bytes[offset] ^= mask;
        // Only damage of the text before the checksum goes undetected.
        if let Ok(read) = read_bytes(bytes) {
            prop_assert_eq!(read, flights);
        }
    }

    #[test]
    fn the_order_is_total_and_compares_every_field(a in flights(), b in flights()) {
        prop_assert_eq!(a.cmp_all(&b).is_eq(), a == b);
        prop_assert_eq!(a.cmp_all(&b), b.cmp_all(&a).reverse());
    }
}

#[test]
fn more_rows_than_a_batch_round_trip_with_nulls_in_place() {
    let blank = Flight::unknown(NaiveDate::default(), code("AA"), code("ATL"), code("SFO"));
    let flights: Vec<_> = (0..20_000u32)
        .map(|row| Flight { flight_num: (row % 3 != 0).then_some(row), arr_delay: Some(row as f32), ..blank.clone() })
        .collect();
    assert_eq!(read_bytes(write_to_bytes(&flights)).unwrap(), flights);
}

#[test]
fn a_truncated_file_is_damaged_and_named() {
    let flights = [Flight {
        arr_delay: Some(1.0),
        ..Flight::unknown(NaiveDate::default(), code("AA"), code("ATL"), code("SFO"))
    }];
    let whole = write_to_bytes(&flights);
    for len in [0, 4, whole.len() / 2, whole.len() - 1] {
        let error = read_bytes(whole[..len].to_vec()).unwrap_err();
        assert!(matches!(error, HistoryError::Damaged { .. }), "{error}");
        assert!(error.to_string().starts_with("test.parquet is not Parquet or is damaged"), "{error}");
    }
}

/// Writes a file of a schema, with one row written by `fill`.
fn write_row(path: &Path, schema: &str, fill: impl FnOnce(&mut Group<'_>)) {
    write::to_file(path, schema, |writer| {
        let mut group = writer.next_row_group()?;
        fill(&mut group);
        group.close().map(drop)
    })
    .unwrap();
}

type Group<'a> = ::parquet::file::writer::SerializedRowGroupWriter<'a, std::fs::File>;

fn put_code(group: &mut Group<'_>, text: &str) {
    write::required::<::parquet::data_type::ByteArrayType, _>(group, &[text], |text| text.as_bytes().to_vec().into())
        .unwrap();
}

fn put_int(group: &mut Group<'_>, number: i32) {
    write::required::<::parquet::data_type::Int32Type, _>(group, &[number], |number| *number).unwrap();
}

fn put_float(group: &mut Group<'_>, number: f32) {
    write::required::<::parquet::data_type::FloatType, _>(group, &[number], |number| *number).unwrap();
}

const REQUIRED_COLUMNS: &str = "message few { required float ArrDelay; required binary Dest; required binary Origin; \
    required binary Carrier; required int32 FlightDate; required int32 CRSDepTime; required int32 Other; }";

fn read_row(delay: f32, carrier: &str, hhmm: i32) -> Result<Vec<Flight>, HistoryError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    write_row(file.path(), REQUIRED_COLUMNS, |group| {
        put_float(group, delay);
        put_code(group, "SFO");
        put_code(group, "ATL");
        put_code(group, carrier);
        put_int(group, 365);
        put_int(group, hhmm);
        put_int(group, 7);
    });
    read_flights(file.path())
}

#[test]
fn required_columns_in_any_order_are_enough() {
    let date = "1971-01-01".parse().unwrap();
    let flight = Flight::unknown(date, code("AA"), code("ATL"), code("SFO"));
    let expected = Flight { arr_delay: Some(-3.0), crs_dep_min: Some(0), ..flight };
    assert_eq!(read_row(-3.0, "AA", 2400).unwrap(), [expected]);
}

#[test]
fn an_invalid_value_is_named_with_column_and_row() {
    for (result, expected) in [
        (read_row(f32::NAN, "AA", 0), "column ArrDelay"),
        (read_row(0.0, "", 0), "column Carrier"),
        (read_row(0.0, "AA", 1299), "column CRSDepTime"),
    ] {
        let message = result.unwrap_err().to_string();
        assert!(message.starts_with(expected) && message.contains("row 1: "), "{message}");
    }
}

#[test]
fn missing_columns_and_other_types_are_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    write_row(file.path(), "message m { required binary Origin; required binary Dest; }", |group| {
        put_code(group, "ATL");
        put_code(group, "SFO");
    });
    let message = read_flights(file.path()).unwrap_err().to_string();
    assert!(message.ends_with("lacks FlightDate, Carrier, ArrDelay; it has Origin, Dest"), "{message}");

    write_row(
        file.path(),
        "message m { required binary Origin; required binary Dest; required int32 Distance; }",
        |group| {
            put_code(group, "ATL");
            put_code(group, "SFO");
            put_int(group, 1);
        },
    );
    let message = read_routes(file.path()).unwrap_err().to_string();
    assert!(
        message.contains("column Distance") && message.ends_with("is INT32, and must be FLOAT without nesting"),
        "{message}"
    );
}

#[test]
fn routes_round_trip() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let routes = [("EWR", "JFK", 21.0), ("ATL", "SFO", 2139.0)];
    let routes = routes.map(|(origin, dest, miles)| Route { origin: code(origin), dest: code(dest), miles });
    write_routes(file.path(), &routes).unwrap();
    assert_eq!(read_routes(file.path()).unwrap(), routes);
}

#[test]
fn weather_round_trips() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let date = |text: &str| text.parse().unwrap();
    let windy = Weather::UNOBSERVED.with(Observation::WindSpeed, 17.26).with(Observation::Pressure, 983.8);
    let hours =
        [((code("EWR"), date("2012-02-29"), 0), windy), ((code("JFK"), date("2013-12-31"), 23), Weather::UNOBSERVED)];
    write_weather(file.path(), &hours).unwrap();
    assert_eq!(read_weather(file.path()).unwrap(), hours);
}

#[test]
fn an_invalid_hour_is_named_and_an_invalid_observation_is_missing() {
    const SCHEMA: &str = "message few { required binary origin; required int32 year; required int32 month; \
        required int32 day; required int32 hour; required float temp; required float humid; }";
    let read_hour = |month, day, hour| {
        let file = tempfile::NamedTempFile::new().unwrap();
        write_row(file.path(), SCHEMA, |group| {
            put_code(group, "EWR");
            [2013, month, day, hour].into_iter().for_each(|number| put_int(group, number));
            put_float(group, 451.0);
            put_float(group, 87.5);
        });
        read_weather(file.path())
    };
    let humid = Weather::UNOBSERVED.with(Observation::Humidity, 87.5);
    assert_eq!(read_hour(1, 31, 23).unwrap(), [((code("EWR"), "2013-01-31".parse().unwrap(), 23), humid)]);
    for (result, expected) in [
        (read_hour(1, 31, 24), ["column hour", "row 1: 24 is no hour"]),
        (read_hour(1, 31, -1), ["column hour", "row 1: -1 is no hour"]),
        (read_hour(2, 29, 0), ["column day", "row 1: 2013-2-29 is no day of the calendar"]),
        (read_hour(-2, 1, 0), ["column day", "row 1: 2013--2-1 is no day of the calendar"]),
    ] {
        let message = result.unwrap_err().to_string();
        assert!(message.starts_with(expected[0]) && message.contains(expected[1]), "{message}");
    }
    // A column of another type is an error.
    let file = tempfile::NamedTempFile::new().unwrap();
    write_row(file.path(), &SCHEMA.replace("float temp", "int32 temp"), |group| {
        put_code(group, "EWR");
        [2013, 1, 1, 0, 30].into_iter().for_each(|number| put_int(group, number));
        put_float(group, 87.5);
    });
    let message = read_weather(file.path()).unwrap_err().to_string();
    assert!(message.starts_with("column temp of ") && message.contains("is INT32, and must be FLOAT"), "{message}");
}

fn code(text: &str) -> Code {
    text.parse().unwrap()
}
