use crate::live::Pasts;
use chrono::NaiveDate;

use super::{
    target_mean::{OutOfFold, TargetMeans},
    vocabulary::{ResolvedQuery, Vocabulary},
    *,
};
use crate::{
    airports::Airports,
    flight::{Observation, Schedule, Weather},
    history::{Flight, WeatherTable},
    request,
};

/// A flight to LAX of Friday, 8 March 2013.
pub(crate) fn flight(carrier: &str, origin: &str, dep_delay: f32, arr_delay: f32) -> TrainingFlight<'static> {
    let code = |text: &str| text.parse().unwrap();
    let date = NaiveDate::from_ymd_opt(2013, 3, 8).unwrap();
    let query = Query {
        dep_delay: Some(dep_delay),
        distance: Some(2475.0),
        ..Query::new(date, code(carrier), code(origin), code("LAX"))
    };
    TrainingFlight::new(&query, dep_delay, arr_delay)
}

fn row(features: &FeatureSet, query: &Query) -> (Vec<f32>, EncodedRow) {
    let mut row = Vec::new();
    let encoded = features.encode(query, &Airports::default(), &mut row);
    (row, encoded)
}

/// Three of B6, one of AA, one of DL, all JFK-LAX.
fn legacy() -> FeatureSet {
    let flights = ["B6", "DL", "B6", "AA", "B6"].map(|carrier| flight(carrier, "JFK", 5.0, 5.0));
    FittedFeatures::new(Preset::Legacy, &flights).unwrap().features
}

#[test]
fn the_legacy_preset_has_nine_features_with_monday_1_and_the_most_frequent_0() {
    let features = legacy();
    let names = ["DepDelay", "Distance", "DayOfMonth", "DayOfWeek", "DayOfYear"];
    let indexed = ["CarrierIndex", "OriginIndex", "DestIndex", "RouteIndex"];
    assert_eq!(features.names(), [&names[..], &indexed].concat());
    let of = |carrier| row(&features, &flight(carrier, "JFK", 5.0, 0.0).query()).0;
    assert_eq!(of("B6"), [5.0, 2475.0, 8.0, 5.0, 67.0, 0.0, 0.0, 0.0, 0.0]);
    // Ties are in alphabetical order.
    assert_eq!((of("AA")[5], of("DL")[5]), (1.0, 2.0));
}

#[test]
fn an_unseen_category_gets_the_default_and_a_remark() {
    let features = legacy();
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
fn target_means_are_shrunk_towards_the_mean_of_all_flights() {
    // 50 flights of B6 are 10 minutes late, 50 of AA on time: the mean of all is 5.
    let flights: Vec<_> = (0..100)
        .map(|at| if at % 2 == 0 { flight("B6", "JFK", 20.0, 10.0) } else { flight("AA", "JFK", 0.0, 0.0) })
        .collect();
    let vocabulary = Vocabulary::of(&flights);
    let mean = TargetMeans::new(&vocabulary, &flights).of(&[Group::Carrier], Outcome::ArrDelay).0;
    let of = |mean: &TargetMean, carrier| {
        let flight = flight(carrier, "JFK", 0.0, 0.0);
        mean.of(&ResolvedQuery::of(&flight, &vocabulary))
    };
    assert_eq!((of(&mean, "B6"), of(&mean, "AA"), of(&mean, "XX")), (7.5, 2.5, 5.0));
    let time_recovered = TargetMeans::new(&vocabulary, &flights).of(&[Group::Carrier], Outcome::TimeRecovered).0;
    assert_eq!((of(&time_recovered, "B6"), of(&time_recovered, "AA")), (7.5, 2.5));
}

#[test]
fn the_distance_is_that_of_the_request_else_of_the_route_else_the_mean() {
    let features = legacy();
    let route = crate::airports::Route { origin: "JFK".parse().unwrap(), dest: "LAX".parse().unwrap(), miles: 2470.0 };
    let airports = Airports::new(Default::default(), Default::default(), [route], []);
    let unknown = Query { distance: None, ..flight("B6", "JFK", 5.0, 0.0).query() };
    let asked = Query { distance: Some(9.0), ..unknown };
    let inputs = KnownInputs { dep_delay: true, ..KnownInputs::NONE };
    let distance = |query: &Query, airports: &Airports| features.encode(query, airports, &mut Vec::new());
    assert_eq!(distance(&asked, &airports), EncodedRow { distance: 9.0, inputs, remarks: vec![], rotation: None });
    assert_eq!(distance(&unknown, &airports), EncodedRow { distance: 2470.0, inputs, remarks: vec![], rotation: None });
    let mean = EncodedRow { distance: 2475.0, inputs, remarks: vec![Remark::UnknownDistance], rotation: None };
    assert_eq!(distance(&unknown, &Airports::default()), mean);
}

#[test]
fn without_a_departure_delay_the_columns_that_need_it_are_nan_and_the_others_are_unchanged() {
    let flights = ["B6", "AA"].map(|carrier| flight(carrier, "JFK", 30.0, 5.0));
    for preset in Preset::ALL {
        let features = FittedFeatures::new(preset, &flights).unwrap().features;
        let query = flights[0].query();
        let (with, _) = row(&features, &query);
        let (without, encoded) = row(&features, &Query { dep_delay: None, ..query });
        assert_eq!(encoded.remarks, [Remark::NoDepDelay]);
        let before = features.columns_known(KnownInputs::NONE);
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
fn a_request_and_a_past_flight_are_encoded_alike() {
    let message = br#"{"UUID": "1", "Carrier": "B6", "Origin": "JFK", "Dest": "LAX", "FlightDate": "2013-03-08",
        "DepDelay": 30.0, "Distance": 2475.0, "DayOfWeek": 4}"#;
    let request = request::decode(message).unwrap();
    assert_eq!(Query::from(&request), flight("B6", "JFK", 30.0, 0.0).query());
}

#[test]
fn json_and_tables_round_trip_and_truncated_or_unsorted_tables_are_refused() {
    let mut flights = scheduled();
    flights.extend(["B6", "AA", "DL"].map(|carrier| flight(carrier, "JFK", 1.0, 1.0 / 3.0)));
    for preset in Preset::ALL {
        let features = FittedFeatures::new(preset, &flights).unwrap().features;
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
fn columns_with_a_common_prior_share_its_table() {
    let features = FittedFeatures::new(Preset::Default, &scheduled()).unwrap().features;
    let json = serde_json::to_vec(&features).unwrap();
    let read = serde_json::from_slice::<FeatureSet>(&json).unwrap().with_tables(&features.tables()).unwrap();
    let tables = || read.columns().iter().flat_map(|column| column.tables());
    let different: std::collections::HashSet<*const f32> = tables().map(|(_, table)| table.0.as_ptr()).collect();
    assert!(different.len() < tables().count());
}

#[test]
fn a_flight_has_an_id_in_each_group_and_none_for_an_unseen_category() {
    let mut flights = scheduled();
    flights.extend(["B6", "DL"].map(|carrier| flight(carrier, "EWR", 1.0, 1.0)));
    let vocabulary = Vocabulary::of(&flights);
    for group in Group::ALL {
        let mut reached: Vec<usize> =
            flights.iter().filter_map(|flight| ResolvedQuery::of(flight, &vocabulary).ids.of(group)).collect();
        for flight in &flights {
            let id = vocabulary.id(group, &flight.query(), flight.query().schedule);
            assert_eq!(id, ResolvedQuery::of(flight, &vocabulary).ids.of(group), "{group:?}");
        }
        reached.sort_unstable();
        reached.dedup();
        assert_eq!(reached, (0..vocabulary.len(group)).collect::<Vec<_>>(), "{group:?}");
    }
    let known = flights[0].query();
    let unseen = Query { carrier: "XX".parse().unwrap(), ..known };
    assert_eq!(vocabulary.id(Group::CarrierRoute, &unseen, None), None);
    assert!(vocabulary.id(Group::Route, &unseen, None).is_some());
    assert_eq!(vocabulary.id(Group::FlightRoute, &Query { flight_num: Some(7), ..known }, None), None);
    assert_eq!(vocabulary.id(Group::OriginHour, &known, None), None);
}

#[test]
fn a_group_can_have_more_than_65536_categories() {
    let flights: Vec<_> = (0..70_000).map(|at| flight(&format!("{at:05}"), "JFK", 0.0, 0.0)).collect();
    let vocabulary = Vocabulary::of(&flights);
    let index = FrequencyIndex::fit(Group::Carrier, &vocabulary, &flights);
    assert_eq!(index.of(&ResolvedQuery::of(&flights[69_999], &vocabulary)), 69_999.0);
}

#[test]
fn fitting_to_no_flights_is_an_error() {
    assert_eq!(FittedFeatures::new(Preset::Default, &[]).err(), Some(NothingToFit));
}

/// Ten days of two flights each; number 1 departs an hour later from the sixth day on.
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
fn a_query_s_own_schedule_precedes_the_latest_one_of_its_flight_number() {
    let flights = scheduled();
    let vocabulary = Vocabulary::of(&flights);
    let schedules = Schedules::fit(&vocabulary, &flights);
    let of = |query: &Query| schedules.of(query, &vocabulary.ids(query));
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
    // Two flights are too few for a schedule.
    assert!(Schedules::fit(&vocabulary, &flights[..4]).is_empty());
    assert_eq!(Schedule { dep_min: 1430, arr_min: 10 }.clock_difference_min(), 20.0);
}

#[test]
fn a_flight_number_can_have_its_airline_in_front() {
    let number = |text: &str| {
        let message = format!(
            r#"{{"UUID":"1","Carrier":"B6","Origin":"JFK","Dest":"LAX","FlightDate":"2013-03-08","FlightNum":"{text}"}}"#
        );
        Query::from(&request::decode(message.as_bytes()).unwrap()).flight_num
    };
    assert_eq!(["123", "B6123", "B6 123", " 0017"].map(number), [Some(123), Some(123), Some(123), Some(17)]);
    // The airline of the request is B6; an airline's code can contain digits.
    assert_eq!(["", "123456", "none", "AA12"].map(number), [None; 4]);
}

#[test]
fn a_training_flight_is_encoded_without_the_outcomes_of_its_fold() {
    let flights = scheduled();
    let vocabulary = Vocabulary::of(&flights);
    let fit = |flights: &[TrainingFlight]| {
        TargetMeans::new(&vocabulary, flights).of(&[Group::Carrier, Group::FlightRoute], Outcome::TimeRecovered)
    };
    let of_training = |out_of_fold: &OutOfFold, flight| out_of_fold.of(&ResolvedQuery::of(flight, &vocabulary), flight);
    let (mean, out_of_fold) = fit(&flights);
    // Number 1 recovered 20 minutes each time, number 0 none.
    let before = of_training(&out_of_fold, &flights[1]);
    let mean = mean.of(&ResolvedQuery::of(&flights[1], &vocabulary));
    assert!(mean > 12.0, "{mean}");
    // Another outcome of its first flight changes the encoding of all others, and not its own.
    let mut changed = flights.clone();
    changed[1].arr_delay = 100.0;
    let (_, after) = fit(&changed);
    assert_eq!(of_training(&after, &changed[1]), before);
    assert_ne!(of_training(&after, &changed[19]), of_training(&out_of_fold, &flights[19]));
}

#[test]
fn an_unseen_flight_number_gets_the_prior() {
    let flights = scheduled();
    let vocabulary = Vocabulary::of(&flights);
    let (mean, _) =
        TargetMeans::new(&vocabulary, &flights).of(&[Group::Carrier, Group::FlightRoute], Outcome::TimeRecovered);
    let mut unknown = flights[1];
    unknown.change(|query| query.flight_num = Some(99));
    assert_eq!(mean.of(&ResolvedQuery::of(&unknown, &vocabulary)), 10.0);
}

/// The flights of [`scheduled`], on calm and windy days.
fn with_weather(weather: &[Weather; 2]) -> Vec<TrainingFlight<'_>> {
    let weather_of = |(at, mut flight): (usize, TrainingFlight<'static>)| {
        flight.change(|query| query.weather = Some(&weather[at / 2 % 2]));
        flight
    };
    scheduled().into_iter().enumerate().map(weather_of).collect()
}

#[test]
fn forests_are_grown_for_the_inputs_that_occur() {
    let weather = [0.0, 40.0].map(|mph| Weather::UNOBSERVED.with(Observation::WindSpeed, mph));
    let plain = [flight("AA", "JFK", 5.0, 5.0)];
    let combinations =
        |preset: Preset, flights: &[TrainingFlight<'_>]| preset.input_combinations(flights).collect::<Vec<_>>();
    let without = |excluded: fn(KnownInputs) -> bool| {
        let asked = KnownInputs::COMBINATIONS.into_iter().filter(|inputs| inputs.moment.is_none());
        asked.filter(|&inputs| !excluded(inputs)).collect::<Vec<_>>()
    };
    assert_eq!(combinations(Preset::Default, &with_weather(&weather)), without(|_| false));
    assert_eq!(combinations(Preset::Default, &scheduled()), without(|inputs| inputs.weather));
    assert_eq!(combinations(Preset::Default, &plain), without(|inputs| inputs.schedule));
    assert_eq!(combinations(Preset::Legacy, &with_weather(&weather)), without(|inputs| inputs.schedule));
    // Without a schedule the hour of the weather is unknown.
    let mut unscheduled = with_weather(&weather);
    unscheduled.iter_mut().for_each(|flight| flight.change(|query| query.schedule = None));
    assert_eq!(combinations(Preset::Default, &unscheduled), without(|inputs| inputs.schedule));
}

#[test]
fn weather_adds_columns_behind_the_others() {
    let weather = [0.0, 40.0].map(|mph| Weather::UNOBSERVED.with(Observation::WindSpeed, mph));
    let (with, without) = (with_weather(&weather), scheduled());
    let fit = |flights: &[TrainingFlight<'_>]| FittedFeatures::new(Preset::Default, flights).unwrap();
    let (with, without) = (fit(&with), fit(&without));
    let (columns, known) = (without.features.columns(), with.features.columns());
    assert_eq!((columns.len(), &known[..columns.len()]), (23, columns));
    assert!(known[columns.len()..].iter().all(|column| column.needs_weather() && column.needs_schedule()));
    assert!(!columns.iter().any(Column::needs_weather));
    let width = |inputs| with.features.columns_known(inputs).len();
    assert_eq!(width(KnownInputs::ASKED), with.features.width());
    assert_eq!(width(KnownInputs { weather: false, ..KnownInputs::ASKED }), columns.len());
    // The weather without its hour is not used.
    assert_eq!(
        with.features.columns_known(KnownInputs { schedule: false, ..KnownInputs::ASKED }),
        with.features.columns_known(KnownInputs { dep_delay: true, ..KnownInputs::NONE })
    );
}

#[test]
fn a_request_can_have_its_own_schedule_and_a_part_of_the_weather() {
    let weather = [0.0, 40.0].map(|mph| Weather::UNOBSERVED.with(Observation::WindSpeed, mph));
    let features = FittedFeatures::new(Preset::Default, &with_weather(&weather)).unwrap().features;
    let encode = |fields: &str| {
        let message = format!(
            r#"{{"UUID":"1","Carrier":"AA","Origin":"JFK","Dest":"LAX","FlightDate":"2013-03-08","DepDelay":10{fields}}}"#
        );
        let request = request::decode(message.as_bytes()).unwrap();
        row(&features, &Query::from(&request))
    };
    let number = |(row, _): &(Vec<f32>, EncodedRow), name: &str| {
        row[features.names().iter().position(|column| column == name).unwrap()]
    };
    let own = encode(r#","CRSDepTime":1005,"CRSArrTime":"1310","FlightNum":"1","Weather":{"WindSpeed":20}"#);
    assert_eq!(own.1.inputs, KnownInputs::ASKED);
    // Its own schedule precedes that of its flight number.
    assert_eq!((number(&own, "ScheduledDep"), number(&own, "ScheduledDuration")), (605.0, 185.0));
    // The median is imputed for missing observations.
    assert_eq!((number(&own, "WindSpeed"), number(&own, "Precip")), (20.0, 0.0));
    assert!(own.0.iter().all(|number| number.is_finite()));
    let looked_up = encode(r#","FlightNum":"1""#);
    assert_eq!(looked_up.1.inputs, KnownInputs { weather: false, ..KnownInputs::ASKED });
    assert_eq!(number(&looked_up, "ScheduledDep"), 660.0);
    let unscheduled = encode(r#","Weather":{"WindSpeed":20}"#);
    assert_eq!(unscheduled.1.inputs, KnownInputs { schedule: false, ..KnownInputs::ASKED });
    assert!(!encode(r#","FlightNum":"1","Weather":{"Sunshine":20}"#).1.inputs.weather);
}

#[test]
fn a_training_flight_has_64_bytes() {
    assert_eq!(size_of::<TrainingFlight<'_>>(), 64);
}

#[test]
fn all_flights_with_both_delays_become_examples_in_their_order() {
    let code = |text: &str| text.parse().unwrap();
    let first = NaiveDate::from_ymd_opt(2013, 1, 1).unwrap();
    let flight = |at: usize| Flight {
        dep_delay: Some(at as f32),
        // Of three, one has not arrived.
        arr_delay: (!at.is_multiple_of(3)).then_some(1.0),
        ..Flight::unknown(first, code("AA"), code("JFK"), code("LAX"))
    };
    // More than one chunk.
    let flights: Vec<Flight> = (0..600_000).map(flight).collect();
    let expected: Vec<f32> = (0..600_000).filter(|at: &usize| !at.is_multiple_of(3)).map(|at| at as f32).collect();
    let examples = TrainingFlight::all_of(flights, WeatherTable::NONE, Pasts::NONE);
    assert!(examples.iter().map(|flight| flight.dep_delay).eq(expected));
}
