//! The queries beside a scan of all flights.

use std::{collections::BTreeSet, time::Duration};

use chrono::Datelike;
use proptest::{option, prelude::*};

use super::{Indexed, code, date, flight, flights, in_order, indexed};
use crate::{
    explore::{AircraftFilter, ExploreError, FigureSubject, Figures, FlightFilter, OFFSET_MAX},
    flight::DelayClass,
    history::{Flight, FlightStatus},
};

fn sum<'a>(flights: impl IntoIterator<Item = &'a Flight>) -> Figures {
    let mut figures = Figures::default();
    flights.into_iter().for_each(|flight| figures.add(flight));
    figures
}

fn matches(filter: &FlightFilter, flight: &Flight) -> bool {
    filter.carrier.is_none_or(|carrier| carrier == flight.carrier)
        && filter.date.is_none_or(|date| date == flight.date)
        && filter.number.is_none_or(|number| Some(number) == flight.flight_num)
        && filter.origin.is_none_or(|origin| origin == flight.origin)
        && filter.dest.is_none_or(|dest| dest == flight.dest)
        && filter.tail.is_none_or(|tail| Some(tail) == flight.tail_num)
}

fn filters() -> impl Strategy<Value = FlightFilter> {
    let one_of = |names: &'static [&'static str]| option::of(prop::sample::select(names).prop_map(code));
    let airport = || one_of(&["ATL", "JFK", "SFO", "XXX"]);
    let days = option::of((0u64..42).prop_map(|days| date("2013-01-01") + chrono::Days::new(days)));
    let numbers = (option::of(0u32..7), one_of(&["N1", "N2", "N9"]));
    (one_of(&["AA", "B6", "ZZ"]), days, numbers, airport(), airport()).prop_map(
        |(carrier, date, (number, tail), origin, dest)| FlightFilter { carrier, date, number, origin, dest, tail },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_search_finds_what_a_scan_finds(
        flights in flights(),
        filters in prop::collection::vec((filters(), 0u32..10, 1u32..20), 12),
    ) {
        let Indexed { index, folder: _folder } = indexed(&flights);
        let flights = in_order(flights);
        for (filter, offset, limit) in filters {
            let found: Vec<&Flight> = flights.iter().filter(|flight| matches(&filter, flight)).collect();
            let page = index.search_flights(&filter, offset, limit).unwrap();
            prop_assert_eq!(page.total, found.len() as u64, "{:?}", filter);
            let expected: Vec<&Flight> = found.into_iter().skip(offset as usize).take(limit as usize).collect();
            prop_assert_eq!(page.flights.iter().collect::<Vec<_>>(), expected, "{:?}", filter);
        }
    }

    #[test]
    fn rule_5_sums_equal_those_of_a_scan(flights in flights()) {
        let Indexed { index, folder: _folder } = indexed(&flights);
        let flights = in_order(flights);
        prop_assert_eq!(index.facts().figures, sum(&flights));
        let months = index.months().unwrap();
        for month in &months {
            let of_month = |flight: &&Flight| (flight.date.year(), flight.date.month()) == (month.year, month.month);
            prop_assert_eq!(month.figures, sum(flights.iter().filter(of_month)));
        }
        prop_assert_eq!(months.iter().map(|month| month.figures.flights).sum::<u64>(), flights.len() as u64);
        for hour in index.hours().unwrap() {
            let of_hour = |flight: &&Flight| flight.crs_dep_min.is_some_and(|min| u32::from(min) / 60 == hour.hour);
            prop_assert_eq!(hour.figures, sum(flights.iter().filter(of_hour)));
        }
        for airline in index.airlines().unwrap() {
            let of_airline: Vec<&Flight> = flights.iter().filter(|flight| flight.carrier == airline.carrier).collect();
            let tails: BTreeSet<_> = of_airline.iter().filter_map(|flight| flight.tail_num).collect();
            prop_assert_eq!(airline.figures, sum(of_airline.iter().copied()));
            prop_assert_eq!(airline.aircraft, tails.len() as u64);
            let detail = index.airline(airline.carrier).unwrap().unwrap();
            prop_assert_eq!(detail.figures, airline.figures);
            prop_assert_eq!(detail.first_day, of_airline[0].date);
            prop_assert_eq!(detail.last_day, of_airline[of_airline.len() - 1].date);
            prop_assert_eq!(detail.fleet.iter().map(|aircraft| aircraft.tail).collect::<BTreeSet<_>>(), tails);
            let by_month = detail.months.iter().map(|month| month.figures.flights).sum::<u64>();
            prop_assert_eq!(by_month, airline.figures.flights);
        }
        for tail in ["N1", "N2", "N3"].map(code) {
            let of_tail: Vec<&Flight> = flights.iter().filter(|flight| flight.tail_num == Some(tail)).collect();
            let page = index.aircraft_flights(tail, 0, 200).unwrap();
            prop_assert_eq!(page.flights.iter().collect::<Vec<_>>(), of_tail.iter().copied().rev().collect::<Vec<_>>());
            let found = index.aircraft(tail).unwrap();
            prop_assert_eq!(found.is_some(), !of_tail.is_empty());
            if let Some((aircraft, airlines)) = found {
                prop_assert_eq!(aircraft.figures, sum(of_tail));
                prop_assert_eq!(airlines.iter().map(|(_, flights)| flights).sum::<u64>(), aircraft.figures.flights);
            }
        }
    }

    #[test]
    fn figures_equal_those_of_a_scan(flights in flights(), number in 1u32..6, hour in 0u16..24) {
        let Indexed { index, folder: _folder } = indexed(&flights);
        let flights = in_order(flights);
        let ([carrier, origin, dest], of) = (["AA", "ATL", "JFK"].map(code), |subject| index.figures(subject).unwrap());
        let scan = |chosen: &dyn Fn(&Flight) -> bool| sum(flights.iter().filter(|flight| chosen(flight)));
        let on_route = |flight: &Flight| flight.origin == origin && flight.dest == dest;
        prop_assert_eq!(
            of(FigureSubject::Flight { carrier, number, origin, dest }),
            scan(&|flight| flight.carrier == carrier && flight.flight_num == Some(number) && on_route(flight))
        );
        prop_assert_eq!(of(FigureSubject::Route { origin, dest, carrier: None }), scan(&on_route));
        prop_assert_eq!(
            of(FigureSubject::Route { origin, dest, carrier: Some(carrier) }),
            scan(&|flight| flight.carrier == carrier && on_route(flight))
        );
        prop_assert_eq!(of(FigureSubject::Airline(carrier)), scan(&|flight| flight.carrier == carrier));
        for (origin, carrier) in [(None, None), (Some(origin), None), (Some(origin), Some(carrier))] {
            prop_assert_eq!(
                of(FigureSubject::Hour { origin, carrier, hour }),
                scan(&|flight| flight.crs_dep_min.is_some_and(|min| min / 60 == hour)
                    && origin.is_none_or(|origin| origin == flight.origin)
                    && carrier.is_none_or(|carrier| carrier == flight.carrier))
            );
        }
    }
}

#[test]
fn figures_name_shares_and_means_of_the_flights_that_arrived() {
    let delays = [-20.0, -15.0, 0.0, 30.0];
    let mut flights: Vec<Flight> =
        (0u16..).zip(delays).map(|(n, delay)| flight(0, "AA", 1, ["ATL", "SFO"], n, delay)).collect();
    flights.push(Flight { status: FlightStatus::Cancelled, arr_delay: None, ..flights[0].clone() });
    let figures = sum(&flights);
    assert_eq!((figures.flights, figures.cancelled, figures.classes), (5, 1, [1; 4]));
    assert_eq!(figures.share(DelayClass::VeryLate), Some(0.25));
    assert_eq!((figures.share_not_very_late(), figures.share_cancelled()), (Some(0.75), Some(0.2)));
    assert_eq!(figures.mean_arr_delay(), Some(-1.25));
    let mut twice = figures;
    twice.merge(&figures);
    assert_eq!((twice.flights, twice.mean_arr_delay()), (10, Some(-1.25)));
    assert_eq!(Figures::default().mean_arr_delay(), None);
}

#[test]
fn rule_4_a_searched_text_is_neither_sql_nor_a_pattern() {
    let Indexed { index, folder: _folder } = indexed(&[flight(0, "AA", 1, ["ATL", "SFO"], 600, 0.0)]);
    for text in ["%", "_", "N_", "' OR 1=1 --", "\"", "n1\0"] {
        let filter = AircraftFilter { tail: Some(text.to_owned()), ..AircraftFilter::default() };
        assert_eq!(index.search_aircraft(&filter, 0, 10).unwrap().total, 0, "{text}");
    }
    let filter = AircraftFilter { tail: Some("n".to_owned()), ..AircraftFilter::default() };
    assert_eq!(index.search_aircraft(&filter, 0, 10).unwrap().total, 1);
    let filter = FlightFilter { carrier: Some(code("' OR 1")), ..FlightFilter::default() };
    assert_eq!(index.search_flights(&filter, 0, 10).unwrap().total, 0);
}

#[test]
fn rule_3_a_page_is_bounded_and_a_query_ends_at_its_deadline() {
    let many: Vec<Flight> = (0..11_000u16)
        .map(|n| flight(u64::from(n / 1000), "AA", u32::from(n), ["ATL", "SFO"], n % 1000, 0.0))
        .collect();
    let Indexed { index, folder: _folder } = indexed(&many);
    let all = FlightFilter::default();
    assert_eq!(index.search_flights(&all, 0, u32::MAX).unwrap().flights.len(), 500);
    let last = index.search_flights(&all, u32::MAX, 1).unwrap();
    assert_eq!(last.flights, index.search_flights(&all, OFFSET_MAX, 1).unwrap().flights);
    let index = index.with_deadline(Duration::ZERO);
    let slow = FlightFilter { tail: Some(code("N1")), carrier: Some(code("AA")), ..all };
    assert!(matches!(index.search_flights(&slow, 0, 1), Err(ExploreError::TimedOut)));
}

#[test]
fn a_bundled_aircraft_has_the_facts_of_the_registry() {
    let boeing = Flight { tail_num: Some(code("N14228")), ..flight(0, "UA", 1, ["EWR", "IAH"], 600, 0.0) };
    let Indexed { index, folder: _folder } = indexed(&[boeing.clone(), flight(0, "UA", 2, ["EWR", "IAH"], 600, 0.0)]);
    let (aircraft, airlines) = index.aircraft(code("N14228")).unwrap().unwrap();
    // N14228,1999,Fixed wing multi engine,BOEING,737-824,2,149,NA,Turbo-fan
    assert_eq!((aircraft.facts.year, aircraft.facts.seats), (Some(1999), Some(149)));
    assert_eq!((aircraft.facts.model.as_deref(), airlines.as_slice()), (Some("737-824"), &[(code("UA"), 1)][..]));
    let filter = AircraftFilter {
        manufacturer: Some("boe".to_owned()),
        model: Some("737".to_owned()),
        year: Some(1999),
        engine: Some("turbo".to_owned()),
        carrier: Some(code("UA")),
        ..AircraftFilter::default()
    };
    assert_eq!(index.search_aircraft(&filter, 0, 10).unwrap().aircraft, [aircraft]);
    let names: Vec<_> = index.manufacturers().unwrap().into_iter().map(|total| total.manufacturer).collect();
    assert_eq!(names, [None, Some("BOEING".to_owned())]);
    assert_eq!(index.flight_records(code("UA"), 1, boeing.date).unwrap(), [boeing]);
}
