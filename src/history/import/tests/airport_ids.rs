//! Tests of rule 9: airports that are named by numbers.

use super::{table_format::flights_in, *};

const IDS: &str = "FlightDate,Carrier,Origin,Dest,ArrDelay\n2015-09-30,AA,SEA,JFK,1\n2015-10-01,AA,14747,12478,2\n2015-10-02,AA,1474703,12478.0,3\n";
/// A row of BTS with ids and codes.
const BOTH: &str =
    "FlightDate,Carrier,OriginAirportID,Origin,DestAirportID,Dest,ArrDelay\n2014-01-01,AA,14747,SEA,12478,JFK,4\n";

fn airports(flights: &[Flight]) -> Vec<String> {
    flights.iter().map(|flight| format!("{} {}", flight.origin, flight.dest)).collect()
}

#[test]
fn rule_9_a_number_without_a_code_is_refused() {
    let fixture = Fixture::new();
    let path = fixture.put("flights.csv", IDS);
    let error = fixture.import(&[path]).unwrap_err().to_string();
    assert!(error.contains("flights.csv line 3 and 4 airports of flights in all are named by a number"), "{error}");
    assert!(error.contains("(14747, 12478, 1474703)") && error.contains("L_AIRPORT_ID"), "{error}");
    assert!(!fixture.out().exists());
}

#[test]
fn rule_9_numbers_get_the_codes_beside_them_in_any_order_of_files() {
    let tables = [
        ("both.csv", BOTH.to_owned()),
        ("master.csv", "AIRPORT_SEQ_ID,AIRPORT_ID,AIRPORT\n1,14747,SEA\n2,12478,JFK\n".to_owned()),
        ("pairs.csv", "OriginAirportID,Origin\n14747,SEA\n12478,JFK\n".to_owned()),
    ];
    for (name, table) in tables {
        for first in [true, false] {
            let fixture = Fixture::new();
            let mut paths = [fixture.put("flights.csv", IDS), fixture.put(name, &table)];
            if first {
                paths.reverse();
            }
            let flights = flights_in(&paths, &Options::default()).unwrap();
            assert_eq!(airports(&flights[flights.len() - 3..]), ["SEA JFK"; 3], "{name}");
        }
    }
}

#[test]
fn rule_9_the_lookup_tables_of_bts_are_joined_by_their_descriptions() {
    let fixture = Fixture::new();
    let paths = [
        fixture.put(
            "L_AIRPORT.csv",
            "Code,Description\n\"SEA\",\"Seattle, WA: Seattle/Tacoma\"\n\"JFK\",\"New York, NY: Kennedy\"\n",
        ),
        fixture.put(
            "L_AIRPORT_ID.csv",
            "Code,Description\n\"14747\",\"Seattle, WA: Seattle/Tacoma\"\n\"12478\",\"New York, NY: Kennedy\"\n",
        ),
        fixture.put("flights.csv", IDS),
    ];
    assert_eq!(airports(&flights_in(&paths, &Options::default()).unwrap()), ["SEA JFK"; 3]);
    // A description of two codes gives no code.
    fixture.put("L_AIRPORT.csv", "Code,Description\nSEA,\"Seattle, WA: Seattle/Tacoma\"\nXXX,\"Seattle, WA: Seattle/Tacoma\"\nJFK,\"New York, NY: Kennedy\"\n");
    let error = flights_in(&paths, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("2 airports of flights in all") && error.contains("(14747, 1474703)"), "{error}");
}

#[test]
fn rule_9_a_number_with_two_codes_and_numbers_of_other_tables_are_refused() {
    let fixture = Fixture::new();
    let other = BOTH.replace("14747,SEA", "14747,BFI");
    let paths = [fixture.put("a.csv", BOTH), fixture.put("b.csv", other), fixture.put("flights.csv", IDS)];
    assert!(matches!(fixture.import(&paths), Err(ImportError::AirportIds { count: 2, .. })));

    // OpenFlights has other numbers of airports.
    let others = "Airport ID,Name,IATA\n14747,Somewhere,XXX\n12478,Elsewhere,YYY\n";
    let paths = [fixture.put("flights.csv", IDS), fixture.put("others.csv", others)];
    assert!(matches!(fixture.import(&paths), Err(ImportError::Columns { .. })));
}

#[test]
fn rule_9_a_table_without_codes_needs_another_with_codes() {
    let fixture = Fixture::new();
    let table = "FL_DATE,OP_UNIQUE_CARRIER,ORIGIN_AIRPORT_ID,DEST_AIRPORT_ID,ARR_DELAY\n2015-01-01,AA,14747,12478,5\n";
    let path = fixture.put("flights.csv", table);
    assert!(matches!(fixture.import(std::slice::from_ref(&path)), Err(ImportError::AirportIds { .. })));
    let both = fixture.put("both.csv", BOTH);
    assert_eq!(airports(&flights_in(&[path, both], &Options::default()).unwrap()), ["SEA JFK"; 2]);
    let routes = fixture.put("routes.csv", "Origin,Dest,Distance\n14747,12478,2422\n");
    let error = import_routes(std::slice::from_ref(&routes), &mut |_| {}).unwrap_err();
    assert!(matches!(error, ImportError::AirportIds { count: 2, .. }), "{error}");
}
