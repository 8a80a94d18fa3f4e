//! Tests of rule 7: the day of a date.

use super::{table_format::flights_in, *};

/// Imports dates as CSV, and returns the days, or the error.
fn days(dates: &[&str], options: &Options) -> Result<Vec<String>, String> {
    let fixture = Fixture::new();
    let rows: String = dates.iter().enumerate().map(|(row, date)| format!("{date},AA,ATL,SFO,{row}\n")).collect();
    let path = fixture.put("flights.csv", format!("FlightDate,Carrier,Origin,Dest,ArrDelay\n{rows}"));
    let mut flights = flights_in(&[path], options).map_err(|error| error.to_string())?;
    flights.sort_by(|a, b| a.arr_delay.partial_cmp(&b.arr_delay).unwrap());
    Ok(flights.iter().map(|flight| flight.date.format("%m-%d").to_string()).collect())
}

fn day_first() -> Options {
    Options { day_first: true, ..Options::default() }
}

#[test]
fn rule_7_the_month_comes_first_without_the_option() {
    assert_eq!(days(&["1/5/15", "12/25/2015"], &Options::default()).unwrap(), ["01-05", "12-25"]);
    assert_eq!(days(&["1/5/15", "25/12/2015", "13.02.2015"], &day_first()).unwrap(), ["05-01", "12-25", "02-13"]);
    // Dates in a certain order need no option.
    assert_eq!(days(&["2015-01-05", "5-Jan-15", "1/25/15"], &Options::default()).unwrap(), ["01-05", "01-05", "01-25"]);
}

#[test]
fn rule_7_a_text_in_the_other_order_is_refused_with_a_date_of_it() {
    let error = days(&["01/02/2015", "21/01/2015"], &Options::default()).unwrap_err();
    assert!(
        error.contains("flights.csv line 3: the date \"21/01/2015\" has the day first")
            && error.contains("--day-first"),
        "{error}"
    );
    let error = days(&["01/02/2015", "01/21/2015"], &day_first()).unwrap_err();
    assert!(error.contains("line 3: the date \"01/21/2015\" has the month first"), "{error}");
    // The same error is reported if broken rows end the import before the end of the text.
    let many: Vec<_> = (0..200).map(|_| "21/01/2015").collect();
    let error = days(&many, &Options::default()).unwrap_err();
    assert!(error.contains("line 2: the date \"21/01/2015\""), "{error}");
}

#[test]
fn rule_7_a_date_in_the_other_order_than_the_rest_is_a_broken_row() {
    let fixture = Fixture::new();
    let table = "FlightDate,Carrier,Origin,Dest,ArrDelay\n1/25/15,AA,ATL,SFO,1\n25/1/15,AA,ATL,SFO,1\n";
    let summary = fixture.import(&[fixture.put("flights.csv", table)]).unwrap();
    assert_eq!((summary.flown, summary.broken), (1, 1));
    assert_eq!(summary.broken_rows[0].reason, "Date is \"25/1/15\" and should have the month first");
}

#[test]
fn rule_7_a_midnight_in_a_zone_is_the_day_in_that_zone() {
    for (dates, expected) in [
        (vec!["2015-07-04T00:00:00.000+02:00", "2015-07-03T17:00:00.000-07:00"], "07-04 07-04"),
        (vec!["2015-07-04T00:00:00-04:00", "2015-12-04T00:00:00-05:00"], "07-04 12-04"),
        (vec!["2015-07-04T00:00:00.000Z", "2015-07-05 00:00:00+00:00"], "07-04 07-05"),
        // Midnights of New York, of Honolulu, of Madrid, of London and of Tokyo, in UTC.
        (vec!["2015-07-04T04:00:00.000Z", "2015-12-04T05:00:00.000Z"], "07-04 12-04"),
        (vec!["2015-07-04 10:00:00 UTC"], "07-04"),
        (vec!["2015-07-03T22:00:00Z", "2015-12-03T23:00:00Z"], "07-04 12-04"),
        (vec!["2015-07-03T23:00:00Z", "2015-12-04T00:00:00Z"], "07-04 12-04"),
        (vec!["2015-07-03T15:00:00Z"], "07-04"),
        // Without a zone, the written day is the day.
        (vec!["2015-07-04T23:59:00", "2015-07-04 04:00:00"], "07-04 07-04"),
        // A time of day with a zone, in a text without midnights of UTC.
        (vec!["2015-07-04T23:15:00-04:00", "2015-07-04T00:00:00-04:00"], "07-04 07-04"),
    ] {
        assert_eq!(days(&dates, &Options::default()).unwrap().join(" "), expected, "{dates:?}");
    }
}

#[test]
fn rule_7_timestamps_that_are_no_midnights_are_refused() {
    for dates in [
        vec!["2015-07-04T04:00:00Z", "2015-07-04T17:23:00Z"],
        vec!["2015-07-04T04:00:00Z", "2015-07-04T07:00:00Z"],
        vec!["2015-07-04T04:00:00Z", "2015-07-04T05:00:00Z", "2015-07-04T06:00:00Z"],
        vec!["2015-07-04T23:15:00-04:00", "2015-07-04T20:00:00-04:00"],
    ] {
        let error = days(&dates, &Options::default()).unwrap_err();
        assert!(error.contains("is a moment in a zone") && error.contains("\"2015-07-04T"), "{error}");
    }
}

#[test]
fn rule_7_a_day_of_the_month_in_another_column_decides() {
    for (date, day, expected) in [
        ("2015-07-03T17:00:00.000-07:00", "4", Some("2015-07-04")),
        ("2015-07-04T17:23:00-07:00", "4", Some("2015-07-04")),
        ("2015-07-04T20:00:00-04:00", "5", Some("2015-07-05")),
        ("2015-07-04T02:00:00Z", "3", Some("2015-07-03")),
        ("2015-07-04T18:30:00Z", "5", Some("2015-07-05")),
        ("2015-07-04T18:30:00Z", "8", None),
    ] {
        let fixture = Fixture::new();
        let table = format!("FlightDate,DayofMonth,Carrier,Origin,Dest,ArrDelay\n{date},{day},AA,ATL,SFO,1\n");
        let summary = fixture.import(&[fixture.put("flights.csv", table)]);
        match expected {
            Some(expected) => assert_eq!(summary.unwrap().from.to_string(), expected, "{date} {day}"),
            None => assert!(matches!(summary, Err(ImportError::NothingToFit { .. })), "{date} {day}"),
        }
    }
}

#[test]
fn rule_7_times_of_day_are_on_the_clock_of_the_day() {
    for (date, departure, min) in [
        ("2015-07-04T00:00:00-04:00", "2015-07-04T12:15:00-04:00", 735),
        ("2015-07-04T04:00:00Z", "2015-07-04T16:15:00Z", 735),
        ("2015-07-03T22:00:00Z", "2015-07-04T10:15:00Z", 735),
        ("2015-07-04T00:00:00Z", "2015-07-04T12:15:00Z", 735),
        ("2015-07-03T17:00:00-07:00", "2015-07-04T05:15:00-07:00", 735),
        ("2015-07-04", "2015-07-04T12:15:00-04:00", 735),
        ("2015-07-04", "2015-07-04 12:15:00", 735),
        ("2015-07-04T04:00:00Z", "1215", 735),
    ] {
        let fixture = Fixture::new();
        let table = format!("FlightDate,Carrier,Origin,Dest,ArrDelay,CRSDepTime\n{date},AA,ATL,SFO,1,{departure}\n");
        let flights = flights_in(&[fixture.put("flights.csv", table)], &Options::default()).unwrap();
        assert_eq!(
            (flights[0].date.to_string().as_str(), flights[0].crs_dep_min),
            ("2015-07-04", Some(min)),
            "{date} {departure}"
        );
    }
}
