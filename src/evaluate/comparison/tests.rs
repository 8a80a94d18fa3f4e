use chrono::Days;

use super::*;
use crate::{
    evaluate::{DAYS_MIN, DateSelection, Split, Timeline},
    features::tests::flight,
    flight::{
        CLASSES,
        DelayClass::{Early, SlightlyLate, VeryLate},
    },
};

/// 20 flights a day; arrival delays correlate with departure delays.
fn flights(days: u64) -> Vec<TrainingFlight<'static>> {
    let flight = |at: u64| {
        // Pseudo-random, with a period of 97 flights.
        let dep_delay = (at * 37 % 97) as f32 - 30.0;
        let arr_delay = dep_delay + (at * 61 % 89) as f32 - 50.0;
        let mut flight = flight("AA", "JFK", dep_delay, arr_delay);
        flight.change(|query| query.date = query.date + Days::new(at / 20));
        flight
    };
    (0..20 * days).map(flight).collect()
}

const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 100, seed: 1 };

fn predictions(timeline: &Timeline<'_>) -> Predictions {
    let split = timeline.split(&DateSelection::default()).unwrap();
    let mut predictions = Predictions::from_baselines(&split).unwrap();
    let sharp = |flight: &TrainingFlight| -> Probabilities {
        let mut probabilities = [0.1; 4];
        probabilities[DelayClass::of_delay(flight.dep_delay - 5.0).index()] = 0.7;
        probabilities
    };
    predictions.insert(Predictor::Forest, split.held_out.iter().map(sharp).collect());
    predictions
}

#[test]
fn a_scorecard_agrees_with_the_metrics_of_training_and_lies_in_its_intervals() {
    let timeline = Timeline::new(flights(80));
    let predictions = predictions(&timeline);
    let comparison = Comparison::of(&predictions, BOOTSTRAP);
    assert_eq!((comparison.days, comparison.rows, comparison.trained_on), (20, 400, Some(1200)));
    for (predictor, scorecard) in comparison.scorecards.iter() {
        let predicted = predictions.of(predictor).unwrap().iter().copied();
        let metrics = Metrics::of(predicted, predictions.outcomes().classes());
        assert_eq!((scorecard.rows, scorecard.confusion), (metrics.rows, metrics.confusion), "{predictor:?}");
        assert_eq!(scorecard.scores[Measure::Accuracy], Some(metrics.accuracy));
        assert!((scorecard.scores[Measure::LogLoss].unwrap() - metrics.log_loss).abs() < 1e-9);
        let intervals = scorecard.intervals.unwrap();
        for measure in Measure::ALL {
            let (score, [low, high]) = (scorecard.scores[measure].unwrap(), intervals[measure].unwrap());
            let within = low <= score && score <= high;
            // Resampling can only increase a calibration error.
            assert!(
                low <= high && (within || measure == Measure::Ece),
                "{predictor:?} {measure:?} {low} {score} {high}"
            );
        }
    }
    assert_eq!(comparison.scorecard(Predictor::ClassPrior).unwrap().scores[Measure::Auc], Some(0.5), "all are tied");
    let absent = [Predictor::Legacy, Predictor::ForestBeforeDeparture];
    assert!(absent.iter().all(|&predictor| comparison.scorecard(predictor).is_none()));
}

#[test]
fn a_difference_is_resampled_in_pairs() {
    let timeline = Timeline::new(flights(80));
    let mut predictions = predictions(&timeline);
    // Equal predictions have no difference, on any days.
    predictions.insert(Predictor::Legacy, predictions.of(Predictor::Lookup).unwrap().to_vec());
    let comparison = Comparison::of(&predictions, BOOTSTRAP);
    let none = Difference { difference: 0.0, interval: Some([0.0, 0.0]) };
    let legacy = comparison.scorecard(Predictor::Legacy).unwrap().against_lookup.unwrap();
    assert!(Measure::ALL.iter().all(|&measure| legacy[measure] == Some(none)), "{legacy:?}");
    let [lookup, forest] =
        [Predictor::Lookup, Predictor::Forest].map(|predictor| comparison.scorecard(predictor).unwrap());
    assert_eq!(lookup.against_lookup, None);
    let found = forest.against_lookup.unwrap()[Measure::LogLoss].unwrap();
    let expected = forest.scores[Measure::LogLoss].unwrap() - lookup.scores[Measure::LogLoss].unwrap();
    assert!((found.difference - expected).abs() < 1e-12 && found.interval.is_some());
}

#[test]
fn few_days_or_no_resamples_have_no_intervals() {
    // A quarter of the days is held out.
    let cases = [(4 * (DAYS_MIN as u64 - 1), 100, false), (4 * DAYS_MIN as u64, 100, true), (80, 0, false)];
    for (days, resamples, expected) in cases {
        let comparison = Comparison::of(&predictions(&Timeline::new(flights(days))), Bootstrap { resamples, seed: 1 });
        let forest = comparison.scorecard(Predictor::Forest).unwrap();
        assert_eq!(forest.intervals.is_some(), expected, "{days} days, {resamples} resamples");
        assert_eq!(forest.against_lookup.unwrap()[Measure::Rps].unwrap().interval.is_some(), expected);
    }
}

#[test]
fn pooled_comparisons_count_every_flight_once() {
    let timeline = Timeline::new(flights(80));
    let days = |from: u64, to: u64| &timeline.flights()[20 * from as usize..20 * to as usize];
    let baselines =
        |from, to| Predictions::from_baselines(&Split { training: days(0, from), held_out: days(from, to) }).unwrap();
    let (first, second) = (baselines(20, 40), baselines(40, 80));
    let [of_first, of_second] = [&first, &second].map(|predictions| Comparison::of(predictions, BOOTSTRAP));
    let mut pooled = first;
    pooled.append(second);
    let pooled = Comparison::of(&pooled, BOOTSTRAP);
    assert_eq!((pooled.rows, pooled.days, pooled.trained_on), (1200, 60, None));
    assert_eq!((pooled.from, pooled.to), (of_first.from, of_second.to));
    let loss =
        |comparison: &Comparison| comparison.scorecard(Predictor::Lookup).unwrap().scores[Measure::LogLoss].unwrap();
    let mean = (loss(&of_first) * 400.0 + loss(&of_second) * 800.0) / 1200.0;
    assert!((loss(&pooled) - mean).abs() < 1e-9);
}

#[test]
fn json_has_scores_intervals_and_differences_by_name() {
    let comparison = Comparison::of(&predictions(&Timeline::new(flights(80))), BOOTSTRAP);
    let json = serde_json::to_value(&comparison).unwrap();
    let forest = &json["forest"];
    for measure in Measure::ALL {
        let name = measure.name();
        assert!(forest[name].is_number(), "{name}");
        assert_eq!(forest["intervals"][name].as_array().map(Vec::len), Some(2), "{name}");
        assert!(forest["against_lookup"][name]["difference"].is_number(), "{name}");
    }
    assert_eq!(forest["reliability"][3].as_array().map(Vec::len), Some(10));
    assert!(forest["reliability"][3][1]["predicted"].is_number(), "a tenth is in the second bin");
    assert_eq!(json["training"]["from"], "2013-03-08");
    assert!(json.get("seed").is_none());
    assert!(serde_json::to_value(comparison.brief()).unwrap()["forest"].get("reliability").is_none());
}

#[test]
fn metrics_agree_with_values_computed_by_hand() {
    let predictions = [[0.5, 0.25, 0.125, 0.125], [0.125, 0.5, 0.25, 0.125], [0.0, 0.0, 1.0, 0.0]];
    let metrics = Metrics::of(predictions, &[Early, SlightlyLate, VeryLate]);
    assert_eq!((metrics.rows, metrics.accuracy), (3, 1.0 / 3.0));
    // ln 2, ln 4, and an outcome of probability 0.
    let by_hand = (2f64.ln() + 4f64.ln() + 1e6f64.ln()) / 3.0;
    assert!((metrics.log_loss - by_hand).abs() < 1e-12, "{}", metrics.log_loss);
    let mut confusion = [[0; CLASSES]; CLASSES];
    (confusion[0][0], confusion[2][1], confusion[3][2]) = (1, 1, 1);
    assert_eq!(metrics.confusion, confusion);
}

#[test]
fn the_log_loss_of_uniform_probabilities_is_ln_4_and_that_of_none_is_0() {
    let metrics = Metrics::of([[0.25; CLASSES]; 7], &[VeryLate; 7]);
    assert!((metrics.log_loss - 4f64.ln()).abs() < 1e-12);
    assert_eq!(Metrics::of([], &[]).rows, 0);
}

#[test]
fn an_evaluation_in_json_has_a_name_for_each_predictor_and_lacks_none() {
    let metrics = |predictor| {
        let optional = matches!(predictor, Predictor::Legacy | Predictor::ForestWithoutWeather);
        (!optional).then(|| Metrics::of([[0.25; CLASSES]; 7], &[VeryLate; 7]))
    };
    let from = NaiveDate::from_ymd_opt(2013, 10, 2).unwrap();
    let evaluation = Evaluation { from, trained_on: 5, metrics: ByPredictor::from_fn(metrics) };
    let json = serde_json::to_string(&evaluation).unwrap();
    assert!(json.starts_with(r#"{"from":"2013-10-02","trained_on":5,"majority":{"rows":7,"accuracy":"#), "{json}");
    assert_eq!(serde_json::from_str::<Evaluation>(&json).unwrap(), evaluation);
    for name in ["majority", "lookup", "forest", "forest_without_schedule", "forest_before_departure"] {
        let error = serde_json::from_str::<Evaluation>(&json.replacen(&format!("\"{name}\""), "\"x\"", 1)).unwrap_err();
        assert!(error.to_string().starts_with(&format!("missing field `{name}`")), "{error}");
    }
}
