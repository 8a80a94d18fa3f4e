//! Rule 9: airports that are named by number.

use super::{spelling::flights_in, *};

const IDS: &str = "FlightDate,Carrier,Origin,Dest,ArrDelay\n2015-09-30,AA,SEA,JFK,1\n2015-10-01,AA,14747,12478,2\n2015-10-02,AA,1474703,12478.0,3\n";
/// A row of BTS that has both.
const BOTH: &str =
    "FlightDate,Carrier,OriginAirportID,Origin,DestAirportID,Dest,ArrDelay\n2014-01-01,AA,14747,SEA,12478,JFK,4\n";

fn ends(flights: &[Flight]) -> Vec<String> {
    flights.iter().map(|flight| format!("{} {}", flight.origin, flight.dest)).collect()
}

#[test]
fn a_number_without_an_explanation_is_refused_and_never_taken_for_a_code() {
    let bench = Bench::new();
    let path = bench.put("flights.csv", IDS);
    let error = bench.import(&[path]).unwrap_err().to_string();
    assert!(error.contains("flights.csv line 3 and 4 airports of flights in all are named by a number"), "{error}");
    assert!(error.contains("(14747, 12478, 1474703)") && error.contains("L_AIRPORT_ID"), "{error}");
    assert!(!bench.out().exists());
}

#[test]
fn numbers_get_the_codes_that_stand_beside_them_in_any_order_of_files() {
    let tables = [
        ("both.csv", BOTH.to_owned()),
        ("master.csv", "AIRPORT_SEQ_ID,AIRPORT_ID,AIRPORT\n1,14747,SEA\n2,12478,JFK\n".to_owned()),
        ("pairs.csv", "OriginAirportID,Origin\n14747,SEA\n12478,JFK\n".to_owned()),
    ];
    for (name, table) in tables {
        for first in [true, false] {
            let bench = Bench::new();
            let mut paths = [bench.put("flights.csv", IDS), bench.put(name, &table)];
            if first {
                paths.reverse();
            }
            let flights = flights_in(&paths, &Options::default()).unwrap();
            assert_eq!(ends(&flights[flights.len() - 3..]), ["SEA JFK"; 3], "{name}");
        }
    }
}

#[test]
fn the_lookup_tables_of_bts_are_joined_by_what_they_describe() {
    let bench = Bench::new();
    let paths = [
        bench.put(
            "L_AIRPORT.csv",
            "Code,Description\n\"SEA\",\"Seattle, WA: Seattle/Tacoma\"\n\"JFK\",\"New York, NY: Kennedy\"\n",
        ),
        bench.put(
            "L_AIRPORT_ID.csv",
            "Code,Description\n\"14747\",\"Seattle, WA: Seattle/Tacoma\"\n\"12478\",\"New York, NY: Kennedy\"\n",
        ),
        bench.put("flights.csv", IDS),
    ];
    assert_eq!(ends(&flights_in(&paths, &Options::default()).unwrap()), ["SEA JFK"; 3]);
    // A description of two codes explains nothing.
    bench.put("L_AIRPORT.csv", "Code,Description\nSEA,\"Seattle, WA: Seattle/Tacoma\"\nXXX,\"Seattle, WA: Seattle/Tacoma\"\nJFK,\"New York, NY: Kennedy\"\n");
    let error = flights_in(&paths, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("2 airports of flights in all") && error.contains("(14747, 1474703)"), "{error}");
}

#[test]
fn a_number_with_two_codes_is_refused_and_a_table_of_others_explains_nothing() {
    let bench = Bench::new();
    let other = BOTH.replace("14747,SEA", "14747,BFI");
    let paths = [bench.put("a.csv", BOTH), bench.put("b.csv", other), bench.put("flights.csv", IDS)];
    assert!(matches!(bench.import(&paths), Err(ImportError::AirportIds { count: 2, .. })));

    // OpenFlights numbers airports in its own way.
    let others = "Airport ID,Name,IATA\n14747,Somewhere,XXX\n12478,Elsewhere,YYY\n";
    let paths = [bench.put("flights.csv", IDS), bench.put("others.csv", others)];
    assert!(matches!(bench.import(&paths), Err(ImportError::Columns { .. })));
}

#[test]
fn a_table_that_has_numbers_alone_needs_an_explanation_too() {
    let bench = Bench::new();
    let table = "FL_DATE,OP_UNIQUE_CARRIER,ORIGIN_AIRPORT_ID,DEST_AIRPORT_ID,ARR_DELAY\n2015-01-01,AA,14747,12478,5\n";
    let path = bench.put("flights.csv", table);
    assert!(matches!(bench.import(std::slice::from_ref(&path)), Err(ImportError::AirportIds { .. })));
    let both = bench.put("both.csv", BOTH);
    assert_eq!(ends(&flights_in(&[path, both], &Options::default()).unwrap()), ["SEA JFK"; 2]);
    let routes = bench.put("routes.csv", "Origin,Dest,Distance\n14747,12478,2422\n");
    let error = import_routes(std::slice::from_ref(&routes), &mut |_| {}).unwrap_err();
    assert!(matches!(error, ImportError::AirportIds { count: 2, .. }), "{error}");
}
