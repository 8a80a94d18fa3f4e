//! Property tests of rule 8: a flight that is written in a table format and read again is the same flight.

use chrono::{Datelike, NaiveDate};
use proptest::{option, prelude::*};

use super::{table_format::*, *};
use crate::flight::FLIGHT_NUM_MAX;

fn carriers() -> impl Strategy<Value = String> {
    "[A-Z][A-Z0-9]".prop_filter("a word for no value", |code| code != "NA")
}

prop_compose! {
    fn flights()(
        (day, carrier, number, tail) in (0..25_000u64, carriers(), option::of(0..=FLIGHT_NUM_MAX), option::of("N[0-9]{3}[A-Z]{2}")),
        (origin, dest) in ("[A-Z]{3}", "[A-Z]{3}"),
        (dep, arr, elapsed) in (option::of(0..1440u16), option::of(0..1440u16), option::of(1..900u16)),
        (dep_delay, arr_delay, air, miles) in (option::of(-60..900i16), -60..900i16, option::of(1..900u16), option::of(1..9000u16)),
        status in prop_oneof![Just(FlightStatus::Flown), Just(FlightStatus::Cancelled), Just(FlightStatus::Diverted)],
    ) -> Flight {
        let date = NaiveDate::from_ymd_opt(1987, 1, 1).unwrap() + chrono::Days::new(day);
        Flight {
            flight_num: number, tail_num: tail.map(|tail| tail.parse().unwrap()),
            crs_dep_min: dep, crs_arr_min: arr, crs_elapsed_min: elapsed.map(f32::from),
            dep_delay: dep_delay.map(f32::from), arr_delay: (status == FlightStatus::Flown).then(|| f32::from(arr_delay)),
            air_time_min: air.map(f32::from), distance: miles.map(f32::from), status,
            ..flight(&date.to_string(), &carrier, 0, &origin, &dest)
        }
    }
}

/// Any combination of the conventions of tables.
fn table_formats() -> impl Strategy<Value = TableFormat> {
    let dates = prop::sample::select(vec![
        (|f: &Flight| f.date.to_string()) as fn(&Flight) -> String,
        |f| f.date.format("%Y%m%d").to_string(),
        |f| f.date.format("%-m/%-d/%Y").to_string(),
        |f| f.date.format("%d-%b-%Y").to_string(),
        |f| format!("{}T00:00:00.000Z", f.date),
        |f| format!("{} 00:00:00-04:00", f.date),
        |f| format!("{}T17:00:00.000-07:00", f.date.pred_opt().unwrap()),
        |f| format!("{}T{:02}:00:00Z", f.date, 4 + u32::from(f.date.month() < 6)),
        |f| format!("{}T22:00:00Z", f.date.pred_opt().unwrap()),
    ]);
    let times = prop::sample::select(vec![
        hhmm as fn(u16) -> String,
        |min| hhmm(min).parse::<u16>().unwrap().to_string(),
        |min| format!("{}:{:02}", min / 60, min % 60),
        |min| format!("{}:{:02} {}", (min / 60 + 11) % 12 + 1, min % 60, if min < 720 { "AM" } else { "PM" }),
    ]);
    let numbers = prop::sample::select(vec![
        (|number: f32| number.to_string()) as fn(f32) -> String,
        |number| format!("{number:.2}"),
        |number| format!("{number:e}"),
    ]);
    let texts = prop::sample::select(vec![str::to_owned as fn(&str) -> String, |text| format!("\"{text}\""), |text| {
        format!("{text}\0\0")
    }]);
    let flags = prop::sample::select(vec![["0", "1"], ["f", "t"], ["False", "True"], ["0.00", "1.00"]]);
    let missing = prop::sample::select(vec!["", "NA", "nan", "NaN", "\\N", "None", "NULL", "-", "N/A", "<NA>"]);
    let separator = prop::sample::select(vec![",", ";", "\t", "|"]);
    let header = prop::sample::select(vec![BTS_NAMES, UPPER_NAMES, KAGGLE_2019]);
    (dates, times, numbers, texts, flags, missing, separator, header).prop_map(
        |(date, time, number, text, flags, missing, separator, header)| TableFormat {
            header,
            separator,
            date,
            time,
            number,
            text,
            flags,
            missing,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rule_8_a_flight_round_trips_in_every_format(flights in prop::collection::vec(flights(), 1..12), format in table_formats()) {
        let fixture = Fixture::new();
        let table = format.table(&flights);
        // Ambiguous dates have the month first, as the import expects.
        let path = fixture.put("table", &table);
        let read = flights_in(&[path], &Options::default());
        prop_assert_eq!(read.map_err(|error| format!("{error}\n{table}")), Ok(sorted(flights)));
    }

    #[test]
    fn no_table_makes_the_import_panic(text in "(FlightDate|FL_DATE)[,;\t|](Carrier|AIRLINE)[,;\t|](Origin|ORIGIN)[,;\t|]Dest[,;\t|]ArrDelay\n(\\PC{0,12}[,;\t|]){0,5}\\PC{0,12}\n[0-9TZ:/. é+-]{0,30},AA,ATL,SFO,[0-9,.e-]{0,9}\n") {
        let fixture = Fixture::new();
        let path = fixture.put("table", &text);
        let mut observe = |_: Event<'_>| {};
        let mut collector = Collector::new(&Options::default(), &mut observe);
        // Success and errors are both accepted.
        let _ = read_all(&[path], &mut collector);
    }
}
