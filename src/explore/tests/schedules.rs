//! Usual schedules, and the flights of a route.

use super::{Indexed, code, date, flight, indexed};
use crate::{
    explore::{RouteFlights, UsualSchedule},
    flight::Schedule,
    history::Flight,
};

const OUT: [&str; 2] = ["ATL", "SFO"];
const ON: [&str; 2] = ["SFO", "SEA"];

/// Tuesdays of January and February 2013: AA 1 at 10:00, at 10:05 from the fifth on, but on the seventh at 22:00; from
/// there on to Seattle.
fn tuesdays() -> Vec<Flight> {
    let time = |week: u64| match week {
        7 => 1320,
        week if week >= 5 => 605,
        _ => 600,
    };
    (0..9)
        .flat_map(|week| {
            [flight(7 * week, "AA", 1, OUT, time(week), 0.0), flight(7 * week, "AA", 1, ON, time(week) + 100, 0.0)]
        })
        .collect()
}

fn departures(usual: &UsualSchedule) -> Vec<(&str, u16)> {
    usual.legs.iter().map(|leg| (leg.origin.as_str(), leg.schedule.unwrap().dep_min)).collect()
}

#[test]
fn a_usual_schedule_is_that_of_the_day_or_the_most_frequent_of_its_weekday() {
    let mut flights = tuesdays();
    // A Saturday at another time, another airline, another number.
    flights.push(flight(4, "AA", 1, OUT, 300, 0.0));
    flights.push(flight(14, "B6", 1, OUT, 360, 0.0));
    let Indexed { index, folder: _folder } = indexed(&flights);
    let usual = |day: &str| index.usual_schedule(code("AA"), 1, date(day)).unwrap();

    let of_the_day = usual("2013-02-19").unwrap();
    assert!(of_the_day.is_of_the_day);
    assert_eq!(departures(&of_the_day), [("ATL", 1320), ("SFO", 1420)]);
    assert_eq!(of_the_day.legs[0].schedule, Some(Schedule { dep_min: 1320, arr_min: 1410 }));

    let later = usual("2014-06-03").unwrap();
    assert_eq!((later.is_of_the_day, later.seen_on), (false, date("2013-01-29")));
    assert_eq!(departures(&later), [("ATL", 600), ("SFO", 700)], "five of nine Tuesdays");
    assert_eq!(
        usual("2012-12-25").unwrap().seen_on,
        date("2013-01-01"),
        "a day before the history takes the first ones"
    );
    assert_eq!(departures(&usual("2014-06-07").unwrap()), [("ATL", 300)], "a Saturday");
    assert_eq!(usual("2014-06-04"), None, "it never flew on a Wednesday");
    assert_eq!(index.usual_schedule(code("ZZ"), 1, date("2013-01-01")).unwrap(), None);
}

#[test]
fn a_route_lists_the_flights_of_a_weekday_with_their_punctuality_on_all_days() {
    let mut flights = tuesdays();
    flights.push(flight(7, "B6", 9, OUT, 480, 45.0));
    flights.push(flight(8, "B6", 9, OUT, 485, 0.0));
    flights.push(flight(8, "B6", 10, OUT, 480, 0.0));
    let Indexed { index, folder: _folder } = indexed(&flights);
    let RouteFlights { until, flights: listed } = index.route_flights(code("ATL"), code("SFO"), 1).unwrap().unwrap();
    let shown: Vec<_> = listed
        .iter()
        .map(|flight| {
            (flight.carrier.as_str(), flight.number, flight.schedule.unwrap().dep_min, flight.figures.flights)
        })
        .collect();
    assert_eq!(shown, [("B6", 9, 480, 2), ("AA", 1, 605, 9)], "the latest schedule of each on a Tuesday");
    assert_eq!((listed[0].figures.classes, listed[0].last_day), ([0, 0, 1, 1], date("2013-01-08")));
    assert_eq!((listed[1].last_day, until), (date("2013-02-26"), date("2013-02-26")));
    assert!(index.route_flights(code("SFO"), code("ATL"), 1).unwrap().is_none());
}

#[test]
fn flights_of_long_ago_are_not_listed_for_a_route() {
    let flights = [flight(0, "AA", 1, OUT, 600, 0.0), flight(364, "AA", 2, OUT, 600, 0.0)];
    let Indexed { index, folder: _folder } = indexed(&flights);
    let listed = index.route_flights(code("ATL"), code("SFO"), 1).unwrap().unwrap().flights;
    assert_eq!(listed.iter().map(|flight| flight.number).collect::<Vec<_>>(), [2]);
}
