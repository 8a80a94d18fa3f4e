use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{NaiveDate, TimeDelta};
use delaycast::{
    airports::Airports,
    classifier::Classifier,
    evaluate::{
        Bootstrap, CancellationScores, DateSelection, Evaluation, Measure, Metrics, ModelPredictor, Predictor, Timeline,
    },
    features::{CancelledFlight, Examples, Preset, Query, TrainingFlight},
    flight::{CLASSES, Code, DelayClass, DelayReference, Observation, Schedule, Weather},
    forest::{Forest, ForestSettings, MaxFeatures, Trainer, TrainingSet, Tree, histogram, linfa},
    history::{Flight, FlightStatus, History, WeatherTable},
    live::{HORIZONS, Moment, Pasts},
    model::Model,
};
use engine::runtime::Mutex;

use super::*;

/// Rows of two digits whose class is their sum, modulo 4.
fn digits() -> Arc<TrainingSet> {
    let class = |row: usize| DelayClass::ALL[(row % 2 + row / 2 % 4) % CLASSES];
    let rows = (0..400).flat_map(|row| [(row % 2) as f32, (row / 2 % 4) as f32]).collect();
    Arc::new(TrainingSet::new(rows, (0..400).map(class).collect(), 2, vec![0, 1]).unwrap())
}

fn settings() -> ForestSettings {
    ForestSettings {
        trees: 7,
        max_features: MaxFeatures::Count(1),
        min_samples_leaf: 1,
        path_smooth: 5,
        max_samples: 100,
        ..ForestSettings::from_preset(Preset::Default, 5)
    }
}

/// The metrics of a predictor that an evaluation has.
fn metrics(evaluation: &Evaluation, predictor: Predictor) -> &Metrics {
    evaluation.metrics.get(predictor).unwrap()
}

fn workers(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn counter() -> (Arc<AtomicU64>, OnProgress) {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let on_progress = move |progress| {
        let grown = matches!(progress, Progress::Tree { grown: true, .. });
        counted.fetch_add(u64::from(grown), Ordering::Relaxed);
    };
    (count, Arc::new(on_progress))
}

#[test]
fn phases_without_trees_are_reported() {
    let weather = calm_and_storm();
    let reported = Arc::new(Mutex::new(Vec::new()));
    let on_progress: OnProgress = {
        let reported = Arc::clone(&reported);
        Arc::new(move |progress| {
            if let Progress::Phase(phase) = progress {
                reported.lock().push(phase);
            }
        })
    };
    train_model(&windy_flights(&weather), Airports::default(), &plan(Preset::Default), &on_progress).unwrap();
    let (fitting, encoding) = (Phase::Fitting, Phase::Encoding);
    assert_eq!(*reported.lock(), [fitting, encoding, Phase::Predicting, fitting, encoding]);
}

/// The oracle: a forest grown by a loop.
fn grow_in_loop(settings: ForestSettings) -> Forest {
    let data = digits();
    let (bins, shard) = histogram::quantise(&data);
    let grow = |tree| match settings.trainer {
        Trainer::Histogram => histogram::grow(&bins, &shard, data.columns(), DelayReference::Schedule, &settings, tree),
        Trainer::Linfa => linfa::grow(&data, DelayReference::Schedule, &settings, tree).unwrap(),
    };
    let trees: Vec<Tree> = (0..settings.trees).map(grow).collect();
    assert!(trees.windows(2).any(|pair| pair[0] != pair[1]), "the test would not notice the order of trees");
    Forest::new(&trees, 2).unwrap()
}

#[test]
fn any_number_of_workers_grows_the_forest_that_a_loop_grows() {
    for trainer in [Trainer::Histogram, Trainer::Linfa] {
        let settings = ForestSettings { trainer, ..settings() };
        let expected = grow_in_loop(settings);
        for number in [1, 2, 4, 8] {
            let (count, on_progress) = counter();
            let columns = [ForestColumns::of(&[0, 1])];
            let forests = train(settings, &*digits(), &columns, workers(number), &on_progress).unwrap();
            assert_eq!(forests, std::slice::from_ref(&expected), "{trainer} {number}");
            assert_eq!(count.load(Ordering::Relaxed), 7);
        }
    }
}

#[test]
fn more_workers_than_rows_grow_the_same_forest() {
    let settings = settings();
    let few = || TrainingSet::new(vec![1.0, 2.0, 3.0], DelayClass::ALL[..3].to_vec(), 1, vec![0]).unwrap();
    let with = |number| train(settings, &few(), &[ForestColumns::of(&[0])], workers(number), &counter().1).unwrap();
    assert_eq!(with(5), with(1));
}

#[test]
fn a_forest_without_trees_is_an_error() {
    let (_, on_progress) = counter();
    let settings = ForestSettings { trees: 0, ..settings() };
    let trained = train(settings, &*digits(), &[ForestColumns::of(&[0, 1])], workers(2), &on_progress);
    assert!(matches!(trained, Err(TrainError::Tree(_))));
}

/// Flights of 40 days that arrive ten minutes earlier than they left.
fn flights() -> Vec<TrainingFlight<'static>> {
    let code = |text: &str| text.parse().unwrap();
    let flight = |at: i32| {
        let dep_delay = (at % 80 - 20) as f32;
        let first = NaiveDate::from_ymd_opt(2013, 1, 1).unwrap();
        let date = first + TimeDelta::days(i64::from(at / 10));
        let query = Query {
            dep_delay: Some(dep_delay),
            distance: Some(2475.0),
            ..Query::new(date, code("B6"), code("JFK"), code("LAX"))
        };
        TrainingFlight::new(&query, dep_delay, dep_delay - 10.0)
    };
    (0..400).map(flight).collect()
}

#[test]
fn a_model_is_evaluated_on_later_flights_and_trained_on_all() {
    let flights = flights();
    let settings = ForestSettings { max_features: MaxFeatures::Count(8), ..settings() };
    let plan =
        TrainingPlan { preset: Preset::Default, settings: settings.into(), holdout_from: None, workers: workers(2) };
    let (count, on_tree) = counter();
    let model = train_model(&flights, Airports::default(), &plan, &on_tree).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), plan.trees_total(&flights));
    let origin = model.origin();
    assert_eq!(
        (origin.trained_on, origin.evaluation.trained_on, metrics(&origin.evaluation, Predictor::Forest).rows),
        (400, 300, 100)
    );
    assert_eq!((origin.window.from, origin.window.to), (flights[0].query().date, flights[399].query().date));
    assert!(origin.evaluation.from > origin.window.from && origin.evaluation.from <= origin.window.to);
    let metrics = |predictor| metrics(&origin.evaluation, predictor);
    assert!(metrics(Predictor::Forest).accuracy > metrics(Predictor::ClassPrior).accuracy);
    // The departure delay determines the class, and this forest must not be given it.
    let before_departure = metrics(Predictor::ForestBeforeDeparture);
    assert!(before_departure.log_loss > metrics(Predictor::Forest).log_loss + 0.5);
}

#[test]
fn the_same_seed_makes_the_same_file_on_any_number_of_workers() {
    let file = |workers_len, seed| {
        let settings = ForestSettings { seed, ..settings() };
        let plan = TrainingPlan {
            preset: Preset::Legacy,
            settings: settings.into(),
            holdout_from: None,
            workers: workers(workers_len),
        };
        train_model(&flights(), Airports::default(), &plan, &counter().1).unwrap().encode().unwrap()
    };
    let once = file(1, 3);
    assert_eq!(file(4, 3), once);
    assert_ne!(file(1, 4), once);
}

#[test]
fn no_flights_are_an_error() {
    let plan =
        TrainingPlan { preset: Preset::Default, settings: settings().into(), holdout_from: None, workers: workers(1) };
    let trained = train_model(&Vec::new(), Airports::default(), &plan, &counter().1);
    assert!(matches!(trained, Err(TrainError::Holdout(HoldoutError::NoFlights))));
}

fn evaluator<'a>(plan: TrainingPlan, airports: &'a Airports, on_trees: &'a dyn Fn(u64) -> OnProgress) -> Evaluator<'a> {
    let bootstrap = Bootstrap { resamples: 20, seed: 1 };
    Evaluator {
        airports,
        plan,
        selection: DateSelection::default(),
        rolling: false,
        bootstrap,
        on_trees,
        on_split: &|_| (),
    }
}

fn plan(preset: Preset) -> TrainingPlan {
    let settings = ForestSettings { max_features: MaxFeatures::Count(8), depth: 4, ..settings() };
    TrainingPlan { preset, settings: settings.into(), holdout_from: None, workers: workers(2) }
}

#[test]
fn an_evaluation_agrees_with_that_of_a_training() {
    let (flights, airports, plan) = (flights(), Airports::default(), plan(Preset::Default));
    let evaluation = train_model(&flights, airports.clone(), &plan, &counter().1).unwrap().origin().evaluation.clone();
    let ((count, on_tree), promised) = (counter(), AtomicU64::new(0));
    let on_trees = |trees| {
        promised.store(trees, Ordering::Relaxed);
        Arc::clone(&on_tree)
    };
    let report = evaluator(plan, &airports, &on_trees).evaluate_training(&Timeline::new(flights)).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), promised.load(Ordering::Relaxed));
    assert_eq!(promised.load(Ordering::Relaxed), 2 * 7 + 2 * 20, "two forests of the plan, two of the legacy preset");
    let predictors = [Predictor::ClassPrior, Predictor::Lookup, Predictor::Forest, Predictor::ForestBeforeDeparture];
    for predictor in predictors {
        let metrics = metrics(&evaluation, predictor);
        let scorecard = report.holdout.scorecard(predictor).unwrap();
        assert_eq!(scorecard.confusion, metrics.confusion, "{predictor:?}");
        assert!((scorecard.scores[Measure::LogLoss].unwrap() - metrics.log_loss).abs() < 1e-9, "{predictor:?}");
    }
    assert!(report.holdout.scorecard(Predictor::Legacy).is_some());
    for absent in [Predictor::ForestWithoutWeather, Predictor::ForestWithoutSchedule] {
        assert!(report.holdout.scorecard(absent).is_none(), "{absent:?}");
    }
    assert_eq!(evaluation.metrics.get(Predictor::ForestWithoutWeather), None);
    assert_eq!(report.importance.forest[0].fact, "departure delay");
    assert_eq!((report.model.trained_on, report.holdout.from), (evaluation.trained_on, evaluation.from));
}

/// The same flights with a schedule; on windy days they arrive an hour later. Only the weather distinguishes the days:
/// delays repeat every eighth day.
fn windy_flights(weather: &[Weather; 2]) -> Vec<TrainingFlight<'_>> {
    let mut flights = flights();
    for (at, flight) in flights.iter_mut().enumerate() {
        // 0 or 1 without a period: days times the golden ratio.
        let windy = ((at / 10) as u32).wrapping_mul(0x9e37_79b9) as usize >> 31;
        flight.change(|query| {
            query.schedule = Some(Schedule { dep_min: 600, arr_min: 780 });
            query.weather = Some(&weather[windy]);
        });
        flight.arr_delay += 60.0 * windy as f32;
    }
    flights
}

fn calm_and_storm() -> [Weather; 2] {
    [3.0, 40.0].map(|mph| Weather::UNOBSERVED.with(Observation::WindSpeed, mph))
}

#[test]
fn the_effect_of_the_weather_is_learned_and_the_forest_without_it_is_worse() {
    let weather = calm_and_storm();
    let (flights, airports, mut plan) = (windy_flights(&weather), Airports::default(), plan(Preset::Default));
    // Every node may split on the wind, for any draw.
    plan.settings = ForestSettings { max_features: MaxFeatures::Count(64), depth: 4, ..settings() }.into();
    let (count, on_tree) = counter();
    let model = train_model(&flights, airports.clone(), &plan, &on_tree).unwrap();
    assert_eq!((model.classifiers().iter().count(), plan.trees_of_fit(&flights)), (6, 6 * 7));
    assert_eq!(count.load(Ordering::Relaxed), plan.trees_total(&flights));
    let evaluation = &model.origin().evaluation;
    let [with, without] =
        [Predictor::Forest, Predictor::ForestWithoutWeather].map(|predictor| metrics(evaluation, predictor));
    assert!(without.log_loss > with.log_loss + 0.1, "{} {}", without.log_loss, with.log_loss);

    let on_trees = |_| counter().1;
    let report = evaluator(plan, &airports, &on_trees).evaluate_training(&Timeline::new(flights)).unwrap();
    let scorecard = report.holdout.scorecard(Predictor::ForestWithoutWeather).unwrap();
    assert!((scorecard.scores[Measure::LogLoss].unwrap() - without.log_loss).abs() < 1e-9);
    let importance = report.importance.forest.iter().find(|importance| importance.fact == "weather").unwrap();
    assert!(importance.log_loss_increase > 0.1, "{importance:?}");
    assert!(importance.columns.contains(&"WindSpeed".to_owned()), "{importance:?}");
}

#[test]
fn flights_with_weather_make_the_same_file_on_any_number_of_workers() {
    let weather = calm_and_storm();
    let file = |workers_len| {
        let plan = TrainingPlan { workers: workers(workers_len), ..plan(Preset::Default) };
        train_model(&windy_flights(&weather), Airports::default(), &plan, &counter().1).unwrap().encode().unwrap()
    };
    let once = file(1);
    assert_eq!(file(4), once);
    assert_eq!(Model::decode(&once).unwrap().classifiers().iter().count(), 6);
}

#[test]
fn flights_without_weather_have_four_forests() {
    let weather = calm_and_storm();
    let grown = |flights: &[TrainingFlight<'_>]| {
        fit(flights, &Airports::default(), &plan(Preset::Default), &counter().1).unwrap()
    };
    let with = windy_flights(&weather);
    let mut without = with.clone();
    without.iter_mut().for_each(|flight| flight.change(|query| query.weather = None));
    let (with, without) = (grown(&with), grown(&without));
    let labels: Vec<&str> = without.classifiers.iter().map(|(given, _)| given.label()).collect();
    let expected = [
        "before departure",
        "before departure, with schedule",
        "with departure delay",
        "with departure delay and schedule",
    ];
    assert_eq!(labels, expected);
    // The columns and trees equal those beside forests with weather, which change no other forest.
    let columns = without.features.columns();
    assert_eq!(columns, &with.features.columns()[..columns.len()]);
    let trees = |classifier: &Classifier| classifier.forest().map(Forest::trees);
    for (given, classifier) in without.classifiers.iter() {
        assert_eq!(classifier.width(), columns.len());
        let beside = with.classifiers.best_for(given);
        assert!(trees(classifier).is_some());
        assert_eq!((beside.0, trees(beside.1)), (given, trees(classifier)));
    }
}

#[test]
fn no_fit_depends_on_held_out_flights() {
    let mut flights = flights();
    let (airports, on_trees) = (Airports::default(), |_| counter().1);
    let evaluator = evaluator(plan(Preset::Default), &airports, &on_trees);
    let predict = |flights: &[TrainingFlight]| {
        let timeline = Timeline::new(flights.to_vec());
        evaluator.predict_split(&timeline.split(&DateSelection::default()).unwrap(), &counter().1).unwrap()
    };
    let (predictions, fitted) = predict(&flights);
    // The held-out flights arrive hours later: every fit stays the same, to the last bit.
    flights[300..].iter_mut().for_each(|flight| flight.arr_delay += 500.0);
    let (changed, fitted_again) = predict(&flights);
    assert_eq!(fitted, fitted_again);
    // The flights have neither weather nor events, and a comparison leaves out the forest without the schedule.
    let absent = [Predictor::ForestWithoutWeather, Predictor::ForestWithoutSchedule];
    let is_there = |it: &Predictor| !absent.contains(it) && it.moment().is_none();
    for predictor in Predictor::ALL.into_iter().filter(is_there) {
        assert!(
            predictions.of(predictor).is_some() && predictions.of(predictor) == changed.of(predictor),
            "{predictor:?}"
        );
    }
    assert_ne!(predictions.outcomes().classes(), changed.outcomes().classes());
}

#[test]
fn the_legacy_forest_is_not_trained_twice() {
    let (airports, on_trees) = (Airports::default(), |_| counter().1);
    let evaluator = evaluator(plan(Preset::Legacy), &airports, &on_trees);
    let timeline = Timeline::new(flights());
    let (count, on_tree) = counter();
    let split = timeline.split(&DateSelection::default()).unwrap();
    let (predictions, _) = evaluator.predict_split(&split, &on_tree).unwrap();
    assert_eq!((count.load(Ordering::Relaxed), evaluator.trees_of_split(&split)), (14, 14));
    assert_eq!(predictions.of(Predictor::Legacy), predictions.of(Predictor::Forest));
}

/// Target means of training flights are those of other days, and differ from day to day; a question has that of all.
/// Cancelled flights with the mean of all would be in the leaf of the question, and the flown ones elsewhere.
#[test]
fn the_chance_of_a_cancellation_is_the_share_of_a_routes_cancelled_flights() {
    let routes = ["BOS", "DCA", "LGA", "ATL", "DFW", "SEA"];
    let first = NaiveDate::from_ymd_opt(2008, 1, 1).unwrap();
    let mut flights = Vec::new();
    for day in 0..90u32 {
        for number in 0..60u32 {
            let route = (number % 6) as usize;
            // Every fifth flight of one route, and every fiftieth of the others.
            let draw = (day * 60 + number).wrapping_mul(2_654_435_761) >> 8;
            let draw = draw % 100;
            let is_cancelled = draw < if route == 2 { 20 } else { 2 };
            // Each route has its delays, which change with the days.
            let delay = (day * 17 + number * 29) % 40 + number % 6 * 9 + day / 9;
            let (known, status) = match is_cancelled {
                true => (None, FlightStatus::Cancelled),
                false => (Some(delay as f32 - 20.0), FlightStatus::Flown),
            };
            flights.push(Flight {
                flight_num: Some(number),
                dep_delay: known,
                arr_delay: known,
                status,
                ..Flight::unknown(
                    first + TimeDelta::days(day.into()),
                    "AA".parse().unwrap(),
                    "ORD".parse().unwrap(),
                    routes[route].parse().unwrap(),
                )
            });
        }
    }
    let History { flights, unflown, .. } = History::new(flights, Vec::new());
    let cancelled = CancelledFlight::all_of(&unflown, WeatherTable::NONE, Pasts::NONE);
    let flown = TrainingFlight::all_of(flights, WeatherTable::NONE, Pasts::NONE);
    let settings = ForestSettings { min_samples_leaf: 20, ..ForestSettings::from_preset(Preset::Default, 1) };
    let plan = TrainingPlan { settings: settings.into(), ..plan(Preset::Default) };
    let examples = Examples { flown: &flown, cancelled: &cancelled };
    let fitted = fit(examples, &Airports::default(), &plan, &counter().1).unwrap();
    let share = |dest: &str| {
        let of_route = |route: Code| route == dest.parse::<Code>().unwrap();
        let flown = flown.iter().filter(|flight| of_route(flight.query().dest)).count();
        let cancelled = unflown.iter().filter(|flight| of_route(flight.dest)).count();
        cancelled as f32 / (flown + cancelled) as f32
    };
    let airports = Airports::default();
    let predictors = ModelPredictor::of_model(&fitted.features, &airports, &fitted.classifiers);
    let forest = predictors.get(Predictor::ForestBeforeDeparture).unwrap();
    for dest in routes {
        let date = first + TimeDelta::days(91);
        let query = Query::new(date, "AA".parse().unwrap(), "ORD".parse().unwrap(), dest.parse().unwrap());
        let (_, found) = forest.forecasts([query].into_iter())[0];
        let expected = share(dest);
        println!("{dest}: {found:?}, in fact {expected}");
        assert!(found.is_some_and(|found| (found - expected).abs() < 0.08), "{dest}: {found:?}, in fact {expected}");
    }
}

/// Four months of forty aeroplanes that fly four legs a day between six airports. What a leg loses, the next begins
/// with, less half an hour.
fn rotations() -> History {
    let first = NaiveDate::from_ymd_opt(2008, 1, 1).unwrap();
    let airports = ["ORD", "LGA", "DFW", "ATL", "BOS", "DCA"].map(|code| code.parse().unwrap());
    let mut flights = Vec::new();
    for day in 0..120u32 {
        for plane in 0..40u32 {
            let mut delay = if (day * 7919 + plane * 104_729) % 5 == 0 { 90.0 } else { -5.0 };
            for leg in 0..4u32 {
                let [origin, dest] = [leg, leg + 1].map(|at| airports[((plane + at) % 6) as usize]);
                let date = first + TimeDelta::days(day.into());
                let dep = 360 + leg as u16 * 210 + plane as u16 % 10 * 6;
                // The third leg is cancelled where the aeroplane comes late.
                let is_cancelled = leg == 2 && delay > 0.0 || (day * 31 + plane * 7 + leg) % 97 == 0;
                let (known, status) = match is_cancelled {
                    true => (None, FlightStatus::Cancelled),
                    false => (Some(delay), FlightStatus::Flown),
                };
                flights.push(Flight {
                    status,
                    flight_num: Some(100 + plane * 4 + leg),
                    tail_num: Some(format!("N{plane}").parse().unwrap()),
                    crs_dep_min: Some(dep),
                    crs_arr_min: Some(dep + 150),
                    crs_elapsed_min: Some(150.0),
                    dep_delay: known,
                    arr_delay: known,
                    ..Flight::unknown(date, "AA".parse().unwrap(), origin, dest)
                });
                delay = (delay - 30.0).max(-5.0);
            }
        }
    }
    History::new(flights, Vec::new())
}

#[test]
fn answers_with_events_are_better_the_closer_the_departure() {
    let history = rotations();
    let from = NaiveDate::from_ymd_opt(2008, 4, 10).unwrap();
    let last = NaiveDate::from_ymd_opt(2008, 4, 29).unwrap();
    let (drawn, by_horizon) = Pasts::by_horizon(&history.flights, &history.unflown, 2, from..=last);
    let mut held_out = Vec::new();
    for (minutes, pasts) in HORIZONS.into_iter().zip(&by_horizon) {
        let at = |(at, past)| TrainingFlight::of(&history.flights[at], WeatherTable::NONE, Some(past));
        let cancelled = CancelledFlight::all_of(&history.unflown, WeatherTable::NONE, pasts).into_iter();
        let cancelled = cancelled.filter(|flight| flight.is_known_at(Some(Moment::of(minutes)))).collect();
        held_out.push(AtHorizon { minutes, flights: pasts.iter().filter_map(at).collect(), cancelled });
    }
    let mut training = TrainingFlight::all_of(history.flights.clone(), WeatherTable::NONE, &drawn);
    training.retain(|flight| flight.query().date < from);
    let mut cancelled = CancelledFlight::all_of(&history.unflown, WeatherTable::NONE, &drawn);
    cancelled.retain(|flight| flight.date() < from);
    let examples = Examples { flown: &training, cancelled: &cancelled };
    let settings = ForestSettings { min_samples_leaf: 20, trees: 5, ..ForestSettings::from_preset(Preset::Default, 1) };
    let plan = TrainingPlan { settings: settings.into(), ..plan(Preset::Default) };
    let (_, on_progress) = counter();
    let (scores, fitted) = evaluate_horizons(examples, &held_out, &Airports::default(), &plan, &on_progress).unwrap();
    let log_loss = |scores: &HorizonScores| {
        [&scores.schedule_alone, &scores.with_events].map(|values| values[Measure::LogLoss].unwrap())
    };
    let gains: Vec<f64> = scores.iter().map(log_loss).map(|[alone, with]| alone - with).collect();
    println!("gains {gains:?}");
    let [day_before, .., two_hours, _, half_an_hour, _, _] = gains[..] else { panic!("{gains:?}") };
    assert!(day_before.abs() < 0.05 && two_hours > 0.1 && half_an_hour >= two_hours, "{gains:?}");
    // Whether the aeroplane comes late tells whether the third leg is cancelled.
    let auc = |scores: &Option<CancellationScores>| scores.as_ref().and_then(|scores| scores.auc);
    let half_an_hour = &scores[5];
    let [alone, with] = [&half_an_hour.cancellation_schedule_alone, &half_an_hour.cancellation_with_events].map(auc);
    println!("areas under the curve of cancellations {alone:?} {with:?}");
    assert!(with > Some(0.8) && with > alone, "{alone:?} {with:?}");
    let calibration = half_an_hour.cancellation_with_events.unwrap();
    assert!((calibration.share - calibration.mean_probability).abs() < 0.01, "{calibration:?}");
    assert!(scores[6..].iter().all(|scores| scores.cancellation_with_events.is_none()));
    let moments = fitted.classifiers.iter().filter(|(given, _)| given.moment.is_some()).count();
    assert_eq!(moments, Moment::ALL.len());
}
