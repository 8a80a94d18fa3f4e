use chrono::NaiveDate;

use super::{
    seen::Seen,
    target_mean::{OutOfFold, TargetMeans},
    *,
};
use crate::{
    history::{Flight, WeatherTable},
    request,
    weather::{Observation, Weather},
};

/// A flight to LAX of Friday, 8 March 2013.
pub(crate) fn flight(carrier: &str, origin: &str, dep_delay: f32, arr_delay: f32) -> TrainingFlight<'static> {
    let code = |text: &str| text.parse().unwrap();
    let query = Query {
        date: NaiveDate::from_ymd_opt(2013, 3, 8).unwrap(),
        carrier: code(carrier),
        origin: code(origin),
        dest: code("LAX"),
        dep_delay: Some(dep_delay),
        distance: Some(2475.0),
        flight_num: None,
        schedule: None,
        weather: None,
    };
    TrainingFlight::new(&query, dep_delay, arr_delay)
}

fn row(features: &FeatureSet, query: &Query) -> (Vec<f32>, Encoded) {
    let mut row = Vec::new();
    let encoded = features.encode(query, &Atlas::default(), &mut row);
    (row, encoded)
}

/// Three of B6, one of AA, one of DL, all JFK-LAX.
fn seed() -> FeatureSet {
    let flights = ["B6", "DL", "B6", "AA", "B6"].map(|carrier| flight(carrier, "JFK", 5.0, 5.0));
    Fitted::new(Preset::Seed, &flights).unwrap().features
}

#[test]
fn the_seed_has_its_nine_features_with_monday_1_and_the_most_frequent_0() {
    let features = seed();
    let names = ["DepDelay", "Distance", "DayOfMonth", "DayOfWeek", "DayOfYear"];
    let indexed = ["CarrierIndex", "OriginIndex", "DestIndex", "RouteIndex"];
    assert_eq!(features.names(), [&names[..], &indexed].concat());
    let of = |carrier| row(&features, &flight(carrier, "JFK", 5.0, 0.0).query()).0;
    assert_eq!(of("B6"), [5.0, 2475.0, 8.0, 5.0, 67.0, 0.0, 0.0, 0.0, 0.0]);
    // Of equally frequent airlines the first in the alphabet comes first.
    assert_eq!((of("AA")[5], of("DL")[5]), (1.0, 2.0));
}

#[test]
fn what_did_not_occur_in_training_gets_the_stand_in_and_a_remark() {
    let features = seed();
    let unseen = Query {
        carrier: "XX".parse().unwrap(),
        origin: "ATL".parse().unwrap(),
        ..flight("B6", "JFK", 5.0, 0.0).query()
    };
    let (numbers, encoded) = row(&features, &unseen);
    assert_eq!(numbers[5..], [3.0, 1.0, 0.0, 1.0]);
    assert_eq!(encoded.remarks, [Remark::UnseenCarrier, Remark::UnseenOrigin]);
    let unseen = Query { dest: "BOS".parse().unwrap(), ..flight("B6", "JFK", 5.0, 0.0).query() };
    assert_eq!(row(&features, &unseen).1.remarks, [Remark::UnseenDest]);
}

#[test]
fn target_means_are_drawn_towards_the_mean_of_all() {
    // 50 flights of B6 are 10 minutes late, 50 of AA on time: the mean of all is 5.
    let flights: Vec<_> = (0..100)
        .map(|at| if at % 2 == 0 { flight("B6", "JFK", 20.0, 10.0) } else { flight("AA", "JFK", 0.0, 0.0) })
        .collect();
    let seen = Seen::of(&flights);
    let mean = TargetMeans::new(&seen, &flights).of(&[Group::Carrier], Outcome::ArrDelay).0;
    let of = |mean: &TargetMean, carrier| {
        let flight = flight(carrier, "JFK", 0.0, 0.0);
        mean.of(&Known::of(&flight, &seen))
    };
    assert_eq!((of(&mean, "B6"), of(&mean, "AA"), of(&mean, "XX")), (7.5, 2.5, 5.0));
    let made_up = TargetMeans::new(&seen, &flights).of(&[Group::Carrier], Outcome::MadeUp).0;
    assert_eq!((of(&made_up, "B6"), of(&made_up, "AA")), (7.5, 2.5));
}

#[test]
fn a_distance_is_the_askers_else_the_atlass_else_the_mean() {
    let features = seed();
    let route = crate::atlas::Route { origin: "JFK".parse().unwrap(), dest: "LAX".parse().unwrap(), miles: 2470.0 };
    let atlas = Atlas::new(Default::default(), Default::default(), [route], []);
    let unknown = Query { distance: None, ..flight("B6", "JFK", 5.0, 0.0).query() };
    let asked = Query { distance: Some(9.0), ..unknown };
    let given = Given { dep_delay: true, ..Given::NOTHING };
    let distance = |query: &Query, atlas: &Atlas| features.encode(query, atlas, &mut Vec::new());
    assert_eq!(distance(&asked, &atlas), Encoded { distance: 9.0, given, remarks: vec![] });
    assert_eq!(distance(&unknown, &atlas), Encoded { distance: 2470.0, given, remarks: vec![] });
    let nobody_knows = Encoded { distance: 2475.0, given, remarks: vec![Remark::UnknownDistance] };
    assert_eq!(distance(&unknown, &Atlas::default()), nobody_knows);
}

#[test]
fn without_a_departure_delay_the_columns_that_need_it_are_missing_and_the_others_are_as_ever() {
    let flights = ["B6", "AA"].map(|carrier| flight(carrier, "JFK", 30.0, 5.0));
    for preset in Preset::ALL {
        let features = Fitted::new(preset, &flights).unwrap().features;
        let query = flights[0].query();
        let (with, _) = row(&features, &query);
        let (without, encoded) = row(&features, &Query { dep_delay: None, ..query });
        assert_eq!(encoded.remarks, [Remark::NoDepDelay]);
        let before = features.columns_given(Given::NOTHING);
        for column in 0..features.width() {
            let name = &features.names()[column];
            assert!(
                if before.contains(&column) { without[column] == with[column] } else { without[column].is_nan() },
                "{preset} {name}"
            );
        }
        assert!(before.len() < features.width());
    }
}

#[test]
fn a_request_and_a_flight_of_the_past_are_encoded_alike() {
    let message = br#"{"UUID": "1", "Carrier": "B6", "Origin": "JFK", "Dest": "LAX", "FlightDate": "2013-03-08",
        "DepDelay": 30.0, "Distance": 2475.0, "DayOfWeek": 4}"#;
    let request = request::decode(message).unwrap();
    assert_eq!(Query::from(&request), flight("B6", "JFK", 30.0, 0.0).query());
}

#[test]
fn json_and_tables_round_trip_to_the_last_bit_and_cut_or_disordered_tables_are_refused() {
    let mut flights = scheduled();
    flights.extend(["B6", "AA", "DL"].map(|carrier| flight(carrier, "JFK", 1.0, 1.0 / 3.0)));
    for preset in Preset::ALL {
        let features = Fitted::new(preset, &flights).unwrap().features;
        let (json, tables) = (serde_json::to_vec(&features).unwrap(), features.tables());
        let read = |tables: &[u8]| serde_json::from_slice::<FeatureSet>(&json).unwrap().with_tables(tables);
        assert_eq!(read(&tables).as_ref(), Ok(&features));
        assert_eq!(features.check(), Ok(()));
        for len in 0..tables.len() {
            assert!(read(&tables[..len]).is_err(), "{preset} {len}");
        }
        let at = tables.windows(8).position(|bytes| bytes == b"AA\0\0\0\0\0\0").unwrap();
        let disordered = [&tables[..at], b"ZZ", &tables[at + 2..]].concat();
        assert!(read(&disordered).unwrap().check().is_err());
    }
}

#[test]
fn columns_whose_chains_share_a_wider_group_s_means_share_its_table() {
    let features = Fitted::new(Preset::Default, &scheduled()).unwrap().features;
    let json = serde_json::to_vec(&features).unwrap();
    let read = serde_json::from_slice::<FeatureSet>(&json).unwrap().with_tables(&features.tables()).unwrap();
    let tables = || read.columns().iter().flat_map(|column| column.tables());
    let different: std::collections::HashSet<*const f32> = tables().map(|(_, table)| table.0.as_ptr()).collect();
    assert!(different.len() < tables().count());
}

#[test]
fn a_flight_is_placed_by_its_values_and_nowhere_by_one_that_did_not_occur() {
    let mut flights = scheduled();
    flights.extend(["B6", "DL"].map(|carrier| flight(carrier, "EWR", 1.0, 1.0)));
    let seen = Seen::of(&flights);
    for group in Group::ALL {
        let mut reached: Vec<usize> =
            flights.iter().filter_map(|flight| Known::of(flight, &seen).places.of(group)).collect();
        for flight in &flights {
            let place = seen.place(group, &flight.query(), flight.query().schedule);
            assert_eq!(place, Known::of(flight, &seen).places.of(group), "{group:?}");
        }
        reached.sort_unstable();
        reached.dedup();
        assert_eq!(reached, (0..seen.len(group)).collect::<Vec<_>>(), "{group:?}");
    }
    let known = flights[0].query();
    let unseen = Query { carrier: "XX".parse().unwrap(), ..known };
    assert_eq!(seen.place(Group::CarrierRoute, &unseen, None), None);
    assert!(seen.place(Group::Route, &unseen, None).is_some());
    assert_eq!(seen.place(Group::FlightRoute, &Query { flight_num: Some(7), ..known }, None), None);
    assert_eq!(seen.place(Group::OriginHour, &known, None), None);
}

#[test]
fn there_may_be_more_values_than_a_year_has_routes() {
    let flights: Vec<_> = (0..70_000).map(|at| flight(&format!("{at:05}"), "JFK", 0.0, 0.0)).collect();
    let seen = Seen::of(&flights);
    let index = FrequencyIndex::fit(Group::Carrier, &seen, &flights);
    assert_eq!(index.of(&Known::of(&flights[69_999], &seen)), 69_999.0);
}

#[test]
fn nothing_to_fit_to_is_an_error() {
    assert_eq!(Fitted::new(Preset::Default, &[]).err(), Some(NoFlights));
}

/// Ten days of two flights each; the second goes by a number that leaves an hour later from the sixth day on.
fn scheduled() -> Vec<TrainingFlight<'static>> {
    let on = |at: u64| {
        let mut flight = flight("AA", "JFK", 10.0, if at.is_multiple_of(2) { 10.0 } else { -10.0 });
        let dep_min = if at < 10 { 600 } else { 660 };
        flight.change(|query| {
            query.date = query.date + chrono::Days::new(at / 2);
            query.flight_num = Some(at as u32 % 2);
            query.schedule = Some(Schedule { dep_min, arr_min: (dep_min + 180) % 1440 });
        });
        flight
    };
    (0..20).map(on).collect()
}

#[test]
fn a_flight_number_brings_its_latest_schedule_and_a_query_s_own_goes_before_it() {
    let flights = scheduled();
    let seen = Seen::of(&flights);
    let schedules = Schedules::fit(&seen, &flights);
    let of = |query: &Query| schedules.of(query, &seen.places(query));
    assert_eq!(schedules.len(), 2);
    let asked = Query { schedule: None, ..flights[1].query() };
    assert_eq!(of(&asked), Some(Schedule { dep_min: 660, arr_min: 840 }));
    let own = Schedule { dep_min: 5, arr_min: 6 };
    assert_eq!(of(&Query { schedule: Some(own), ..asked }), Some(own));
    for unknown in [
        Query { flight_num: Some(7), ..asked },
        Query { flight_num: None, ..asked },
        Query { dest: "BOS".parse().unwrap(), ..asked },
    ] {
        assert_eq!(of(&unknown), None);
    }
    // Twice is no schedule yet.
    assert!(Schedules::fit(&seen, &flights[..4]).is_empty());
    assert_eq!(Schedule { dep_min: 1430, arr_min: 10 }.between_clocks_min(), 20.0);
}

#[test]
fn a_number_may_come_with_its_airline() {
    let number = |text: &str| {
        let message = format!(
            r#"{{"UUID":"1","Carrier":"B6","Origin":"JFK","Dest":"LAX","FlightDate":"2013-03-08","FlightNum":"{text}"}}"#
        );
        Query::from(&request::decode(message.as_bytes()).unwrap()).flight_num
    };
    assert_eq!(["123", "B6123", "B6 123", " 0017"].map(number), [Some(123), Some(123), Some(123), Some(17)]);
    // The airline of the request is B6; an airline's code may hold digits.
    assert_eq!(["", "123456", "none", "AA12"].map(number), [None; 4]);
}

#[test]
fn a_training_flight_is_encoded_without_its_own_time_s_outcomes() {
    let flights = scheduled();
    let seen = Seen::of(&flights);
    let fit = |flights: &[TrainingFlight]| {
        TargetMeans::new(&seen, flights).of(&[Group::Carrier, Group::FlightRoute], Outcome::MadeUp)
    };
    let of_training = |out_of_fold: &OutOfFold, flight| out_of_fold.of(&Known::of(flight, &seen), flight);
    let (mean, out_of_fold) = fit(&flights);
    // Number 1 made up 20 minutes each time, number 0 none.
    let before = of_training(&out_of_fold, &flights[1]);
    let mean = mean.of(&Known::of(&flights[1], &seen));
    assert!(mean > 12.0, "{mean}");
    // Were its first flight's outcome another, it would be encoded the same, and all others otherwise.
    let mut changed = flights.clone();
    changed[1].arr_delay = 100.0;
    let (_, after) = fit(&changed);
    assert_eq!(of_training(&after, &changed[1]), before);
    assert_ne!(of_training(&after, &changed[19]), of_training(&out_of_fold, &flights[19]));
}

#[test]
fn a_number_that_never_flew_gets_the_mean_of_the_wider_group() {
    let flights = scheduled();
    let seen = Seen::of(&flights);
    let (mean, _) = TargetMeans::new(&seen, &flights).of(&[Group::Carrier, Group::FlightRoute], Outcome::MadeUp);
    let mut unknown = flights[1];
    unknown.change(|query| query.flight_num = Some(99));
    assert_eq!(mean.of(&Known::of(&unknown, &seen)), 10.0);
}

/// The flights of [`scheduled`], on calm days and on windy ones.
fn weathered(weather: &[Weather; 2]) -> Vec<TrainingFlight<'_>> {
    let blown = |(at, mut flight): (usize, TrainingFlight<'static>)| {
        flight.change(|query| query.weather = Some(&weather[at / 2 % 2]));
        flight
    };
    scheduled().into_iter().enumerate().map(blown).collect()
}

#[test]
fn forests_are_grown_for_what_flights_have() {
    let weather = [0.0, 40.0].map(|mph| Weather::UNOBSERVED.with(Observation::WindSpeed, mph));
    let plain = [flight("AA", "JFK", 5.0, 5.0)];
    let givens = |preset: Preset, flights: &[TrainingFlight<'_>]| preset.givens(flights).collect::<Vec<_>>();
    let without =
        |lacking: fn(Given) -> bool| Given::ALL.into_iter().filter(|&given| !lacking(given)).collect::<Vec<_>>();
    assert_eq!(givens(Preset::Default, &weathered(&weather)), Given::ALL);
    assert_eq!(givens(Preset::Default, &scheduled()), without(|given| given.weather));
    assert_eq!(givens(Preset::Default, &plain), without(|given| given.schedule));
    assert_eq!(givens(Preset::Seed, &weathered(&weather)), without(|given| given.schedule));
    // Nobody knows which hour the weather is of.
    let mut unscheduled = weathered(&weather);
    unscheduled.iter_mut().for_each(|flight| flight.change(|query| query.schedule = None));
    assert_eq!(givens(Preset::Default, &unscheduled), without(|given| given.schedule));
}

#[test]
fn flights_without_weather_have_the_columns_that_they_had() {
    let weather = [0.0, 40.0].map(|mph| Weather::UNOBSERVED.with(Observation::WindSpeed, mph));
    let (with, without) = (weathered(&weather), scheduled());
    let fit = |flights: &[TrainingFlight<'_>]| Fitted::new(Preset::Default, flights).unwrap();
    let (with, without) = (fit(&with), fit(&without));
    let (columns, known) = (without.features.columns(), with.features.columns());
    assert_eq!((columns.len(), &known[..columns.len()]), (23, columns));
    assert!(known[columns.len()..].iter().all(|column| column.needs_weather() && column.needs_schedule()));
    assert!(!columns.iter().any(Column::needs_weather));
    let width = |given| with.features.columns_given(given).len();
    assert_eq!(width(Given::EVERYTHING), with.features.width());
    assert_eq!(width(Given { weather: false, ..Given::EVERYTHING }), columns.len());
    // The weather of an hour that is not known is no weather.
    assert_eq!(
        with.features.columns_given(Given { schedule: false, ..Given::EVERYTHING }),
        with.features.columns_given(Given { dep_delay: true, ..Given::NOTHING })
    );
}

#[test]
fn a_request_may_bring_its_schedule_and_as_much_of_the_weather_as_it_knows() {
    let weather = [0.0, 40.0].map(|mph| Weather::UNOBSERVED.with(Observation::WindSpeed, mph));
    let features = Fitted::new(Preset::Default, &weathered(&weather)).unwrap().features;
    let encode = |fields: &str| {
        let message = format!(
            r#"{{"UUID":"1","Carrier":"AA","Origin":"JFK","Dest":"LAX","FlightDate":"2013-03-08","DepDelay":10{fields}}}"#
        );
        let request = request::decode(message.as_bytes()).unwrap();
        row(&features, &Query::from(&request))
    };
    let number = |(row, _): &(Vec<f32>, Encoded), name: &str| {
        row[features.names().iter().position(|column| column == name).unwrap()]
    };
    let own = encode(r#","CRSDepTime":1005,"CRSArrTime":"1310","FlightNum":"1","Weather":{"WindSpeed":20}"#);
    assert_eq!(own.1.given, Given::EVERYTHING);
    // Its own schedule goes before the one that its number had.
    assert_eq!((number(&own, "ScheduledDep"), number(&own, "ScheduledDuration")), (605.0, 185.0));
    // What it does not say of the weather is taken to be as ever.
    assert_eq!((number(&own, "WindSpeed"), number(&own, "Precip")), (20.0, 0.0));
    assert!(own.0.iter().all(|number| number.is_finite()));
    let looked_up = encode(r#","FlightNum":"1""#);
    assert_eq!(looked_up.1.given, Given { weather: false, ..Given::EVERYTHING });
    assert_eq!(number(&looked_up, "ScheduledDep"), 660.0);
    let unscheduled = encode(r#","Weather":{"WindSpeed":20}"#);
    assert_eq!(unscheduled.1.given, Given { schedule: false, ..Given::EVERYTHING });
    assert!(!encode(r#","FlightNum":"1","Weather":{"Sunshine":20}"#).1.given.weather);
}

#[test]
fn a_training_flight_is_as_small_as_it_says() {
    assert_eq!(size_of::<TrainingFlight<'_>>(), 56);
}

#[test]
fn all_flights_that_can_be_trained_on_are_taken_in_their_order() {
    let code = |text: &str| text.parse().unwrap();
    let first = NaiveDate::from_ymd_opt(2013, 1, 1).unwrap();
    let flight = |at: usize| Flight {
        dep_delay: Some(at as f32),
        // Of three, one has not arrived.
        arr_delay: (!at.is_multiple_of(3)).then_some(1.0),
        ..Flight::unknown(first, code("AA"), code("JFK"), code("LAX"))
    };
    // More than are taken at once.
    let flights: Vec<Flight> = (0..600_000).map(flight).collect();
    let expected: Vec<f32> = (0..600_000).filter(|at: &usize| !at.is_multiple_of(3)).map(|at| at as f32).collect();
    let taken = TrainingFlight::all_of(flights, WeatherTable::NONE);
    assert!(taken.iter().map(|flight| flight.dep_delay).eq(expected));
}
