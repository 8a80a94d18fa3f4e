use chrono::Days;

use super::*;
use crate::{
    evaluate::{
        Metrics, Split, Timeline, Wanted,
        score::{DAYS_MIN, Measure},
    },
    features::{TrainingFlight, tests::flight},
    flight::Probabilities,
};

/// 20 flights on each of so many days; how late they are comes with how late they left, more or less.
fn flights(days: u64) -> Vec<TrainingFlight<'static>> {
    let flight = |at: u64| {
        // Some disorder that repeats itself after 97 flights.
        let dep_delay = (at * 37 % 97) as f32 - 30.0;
        let arr_delay = dep_delay + (at * 61 % 89) as f32 - 50.0;
        let mut flight = flight("AA", "JFK", dep_delay, arr_delay);
        flight.change(|query| query.date = query.date + Days::new(at / 20));
        flight
    };
    (0..20 * days).map(flight).collect()
}

const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 100, seed: 1 };

fn answers(timeline: &Timeline<'_>) -> Answers {
    let split = timeline.split(&Wanted::default()).unwrap();
    let mut answers = Answers::of_baselines(&split).unwrap();
    let sharp = |flight: &TrainingFlight| -> Probabilities {
        let mut probabilities = [0.1; 4];
        probabilities[crate::flight::DelayClass::of_delay(flight.dep_delay - 5.0).index()] = 0.7;
        probabilities
    };
    answers.enter(Predictor::Forest, split.held_out.iter().map(sharp).collect());
    answers
}

#[test]
fn a_card_agrees_with_the_metrics_of_training_and_lies_in_its_intervals() {
    let timeline = Timeline::new(flights(80));
    let answers = answers(&timeline);
    let contest = Contest::of(&answers, BOOTSTRAP);
    assert_eq!((contest.days, contest.rows, contest.trained_on), (20, 400, Some(1200)));
    for (predictor, card) in contest.cards() {
        let said = answers.of(predictor).unwrap().iter().copied();
        let metrics = Metrics::of(said, answers.classes());
        assert_eq!((card.rows, card.confusion), (metrics.rows, metrics.confusion), "{predictor:?}");
        assert_eq!(card.scores[Measure::Accuracy], Some(metrics.accuracy));
        assert!((card.scores[Measure::LogLoss].unwrap() - metrics.log_loss).abs() < 1e-9);
        let intervals = card.intervals.unwrap();
        for measure in Measure::ALL {
            let (score, [low, high]) = (card.scores[measure].unwrap(), intervals[measure].unwrap());
            let within = low <= score && score <= high;
            // An error of calibration can only grow by resampling.
            assert!(
                low <= high && (within || measure == Measure::Ece),
                "{predictor:?} {measure:?} {low} {score} {high}"
            );
        }
    }
    assert_eq!(contest.majority.unwrap().scores[Measure::Auc], Some(0.5), "all are tied");
    assert_eq!((contest.seed, contest.forest_before_departure), (None, None));
}

#[test]
fn a_difference_is_resampled_in_pairs() {
    let timeline = Timeline::new(flights(80));
    let mut answers = answers(&timeline);
    // The same answers twice differ by nothing, on any days.
    answers.enter(Predictor::Seed, answers.of(Predictor::Lookup).unwrap().to_vec());
    let contest = Contest::of(&answers, BOOTSTRAP);
    let none = Difference { difference: 0.0, interval: Some([0.0, 0.0]) };
    let seed = contest.seed.unwrap().against_lookup.unwrap();
    assert!(Measure::ALL.iter().all(|&measure| seed[measure] == Some(none)), "{seed:?}");
    let (lookup, forest) = (contest.lookup.unwrap(), contest.forest.unwrap());
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
        let contest = Contest::of(&answers(&Timeline::new(flights(days))), Bootstrap { resamples, seed: 1 });
        let forest = contest.forest.unwrap();
        assert_eq!(forest.intervals.is_some(), expected, "{days} days, {resamples} resamples");
        assert_eq!(forest.against_lookup.unwrap()[Measure::Rps].unwrap().interval.is_some(), expected);
    }
}

#[test]
fn pooled_contests_count_every_flight_once() {
    let timeline = Timeline::new(flights(80));
    let days = |from: u64, to: u64| &timeline.flights()[20 * from as usize..20 * to as usize];
    let contest =
        |from, to| Answers::of_baselines(&Split { training: days(0, from), held_out: days(from, to) }).unwrap();
    let (first, second) = (contest(20, 40), contest(40, 80));
    let [of_first, of_second] = [&first, &second].map(|answers| Contest::of(answers, BOOTSTRAP));
    let mut pooled = first;
    pooled.append(second);
    let pooled = Contest::of(&pooled, BOOTSTRAP);
    assert_eq!((pooled.rows, pooled.days, pooled.trained_on), (1200, 60, None));
    assert_eq!((pooled.from, pooled.to), (of_first.from, of_second.to));
    let loss = |contest: &Contest| contest.lookup.as_ref().unwrap().scores[Measure::LogLoss].unwrap();
    let mean = (loss(&of_first) * 400.0 + loss(&of_second) * 800.0) / 1200.0;
    assert!((loss(&pooled) - mean).abs() < 1e-9);
}

#[test]
fn json_has_scores_intervals_and_differences_by_name() {
    let contest = Contest::of(&answers(&Timeline::new(flights(80))), BOOTSTRAP);
    let json = serde_json::to_value(&contest).unwrap();
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
    assert!(serde_json::to_value(contest.brief()).unwrap()["forest"].get("reliability").is_none());
}
