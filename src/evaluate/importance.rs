//! Permutation importance: the rise of a forest's log-loss when one fact is shuffled among the flights (Breiman 2001,
//! here on held-out flights).
//!
//! Facts are shuffled, not columns: several columns depend on one fact, and a forest without one of them reads the fact
//! off another. A shuffle separates correlated facts, such as an airline and its routes, so that impossible flights
//! result; and the importance of an input is its contribution beside the others, not its value alone.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::{
    bootstrap::{Bootstrap, Interval, Resamples, interval},
    predictions::Outcomes,
    predictor::ModelPredictor,
    score_sums::PROBABILITY_MIN,
};
use crate::{
    features::{Query, TrainingFlight},
    flight::{DelayClass, Probabilities},
};

/// A fact of a flight: its name, and a function that copies its inputs from another flight.
type InputGroup = (&'static str, for<'a> fn(&mut Query<'a>, &Query<'a>));

/// All facts of a flight. Inputs that belong together are one fact.
const INPUT_GROUPS: [InputGroup; 6] = [
    ("departure delay", |query, other| query.dep_delay = other.dep_delay),
    ("airline", |query, other| query.carrier = other.carrier),
    ("route and distance", |query, other| {
        (query.origin, query.dest, query.distance) = (other.origin, other.dest, other.distance);
    }),
    ("day", |query, other| query.date = other.date),
    ("schedule and flight number", |query, other| {
        (query.schedule, query.flight_num) = (other.schedule, other.flight_num);
    }),
    ("weather", |query, other| query.weather = other.weather),
];

/// The importance of a fact to a forest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importance {
    /// The fact that was shuffled.
    pub fact: &'static str,
    /// The columns that depend on it.
    pub columns: Vec<String>,
    /// The rise of the log-loss, in nats.
    pub log_loss_increase: f64,
    /// The interval of 95 % of the resamples; absent without resamples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

impl ModelPredictor<'_> {
    /// The importance of each fact that the forest is given, in descending order, on flights in the order of their
    /// days.
    pub fn importances(&self, flights: &[TrainingFlight], bootstrap: Bootstrap) -> Vec<Importance> {
        let outcomes = Outcomes::of(flights);
        let resamples = Resamples::draw(bootstrap, outcomes.days_len());
        let losses = |predictions: Vec<Probabilities>| -> Vec<f64> {
            let loss =
                |(p, class): (&Probabilities, &DelayClass)| -f64::from(p[class.index()]).max(PROBABILITY_MIN).ln();
            predictions.iter().zip(outcomes.classes()).map(loss).collect()
        };
        let before = losses(self.predictions(flights.iter().map(|flight| flight.query())));
        let facts = INPUT_GROUPS.iter().zip(0..).filter_map(|(&(fact, take), number)| {
            let columns = self.columns_of(take, flights);
            if columns.is_empty() {
                return None;
            }
            let order = shuffled(flights.len(), bootstrap.seed.wrapping_add(number));
            let after = losses(self.predictions(flights.iter().zip(&order).map(|(flight, &other)| {
                let mut query = flight.query();
                take(&mut query, &flights[other].query());
                query
            })));
            let mut days = vec![(0.0, 0u64); outcomes.days_len()];
            for ((before, after), &day) in before.iter().zip(after).zip(outcomes.day_numbers()) {
                let (increase, rows) = &mut days[day as usize];
                (*increase, *rows) = (*increase + after - before, *rows + 1);
            }
            let mean = |weights: &[u32]| {
                let weighted = || days.iter().zip(weights);
                let sum: f64 = weighted().map(|((increase, _), &times)| increase * f64::from(times)).sum();
                sum / weighted().map(|((_, rows), &times)| rows * u64::from(times)).sum::<u64>() as f64
            };
            Some(Importance {
                fact,
                columns,
                log_loss_increase: mean(&vec![1; days.len()]),
                interval: interval(resamples.map(mean)),
            })
        });
        let mut importances: Vec<Importance> = facts.collect();
        importances.sort_by(|a, b| b.log_loss_increase.total_cmp(&a.log_loss_increase));
        importances
    }

    /// The columns that change with a fact, found on some flights.
    fn columns_of(&self, take: for<'a> fn(&mut Query<'a>, &Query<'a>), flights: &[TrainingFlight]) -> Vec<String> {
        const SAMPLE: usize = 1000;
        let width = self.features.width();
        let step = (flights.len() / SAMPLE).max(1);
        let seen: Vec<Query> = flights.iter().step_by(step).map(|flight| flight.query()).collect();
        let mut changed = vec![false; width];
        for (query, other) in seen.iter().zip(seen.iter().rev()) {
            let mut mixed = *query;
            take(&mut mixed, other);
            let mut rows = Vec::with_capacity(2 * width);
            [*query, mixed].into_iter().for_each(|query| self.encode(query, &mut rows));
            let (own, mixed) = rows.split_at(width);
            changed
                .iter_mut()
                .zip(own.iter().zip(mixed))
                .for_each(|(changed, (a, b))| *changed |= a.total_cmp(b).is_ne());
        }
        self.features.names().into_iter().zip(changed).filter_map(|(name, changed)| changed.then_some(name)).collect()
    }
}

/// A permutation of the numbers below `len`, determined by the seed.
fn shuffled(len: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..len).collect();
    for at in (1..len).rev() {
        order.swap(at, rng.random_range(0..=at));
    }
    order
}

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::*;
    use crate::{
        airports::Airports,
        classifier::Classifier,
        features::{FittedFeatures, KnownInputs, Preset, tests::flight},
        flight::{Observation, Schedule, Weather},
        forest::{Distribution, Forest, Split, Tree, TreeNode},
    };

    /// 400 flights of 40 days, half of them an hour late from the start.
    fn flights() -> Vec<TrainingFlight<'static>> {
        let flight = |at: u64| {
            let minutes = if at.is_multiple_of(2) { 60.0 } else { 0.0 };
            let mut flight =
                flight(["AA", "B6", "DL"][at as usize % 3], ["JFK", "EWR"][at as usize % 2], minutes, minutes);
            flight.change(|query| {
                query.date = query.date + Days::new(at / 10);
                query.distance = Some(100.0 + at as f32);
            });
            flight
        };
        (0..400).map(flight).collect()
    }

    /// One split on the departure delay, the first column, and certain leaves.
    fn classifier(width: usize) -> Classifier {
        let leaf = |distribution| TreeNode { split: None, distribution: Distribution::from_weights(distribution) };
        let root = TreeNode {
            split: Some(Split { column: 0, threshold: 30.0, left: 1 }),
            distribution: Distribution::UNIFORM,
        };
        let nodes = vec![root, leaf([0.05, 0.05, 0.85, 0.05]), leaf([0.05, 0.05, 0.05, 0.85])];
        Forest::new(&[Tree::without_outcomes(nodes)], width).unwrap().into()
    }

    #[test]
    fn the_facts_cover_all_inputs_of_a_flight() {
        let (mut query, other) = (flight("AA", "JFK", 0.0, 0.0).query(), flight("B6", "EWR", 9.0, 0.0).query());
        let weather = Weather::UNOBSERVED.with(Observation::Temp, 32.0);
        let other = Query {
            date: other.date + Days::new(1),
            dest: "SFO".parse().unwrap(),
            distance: None,
            flight_num: Some(7),
            schedule: Some(Schedule { dep_min: 1, arr_min: 2 }),
            weather: Some(&weather),
            ..other
        };
        INPUT_GROUPS.iter().for_each(|(_, take)| take(&mut query, &other));
        assert_eq!(query, other, "a fact is not shuffled");
    }

    #[test]
    fn only_the_fact_that_the_forest_splits_on_has_an_importance_and_it_is_the_theoretical_one() {
        let flights = flights();
        let features = FittedFeatures::new(Preset::Legacy, &flights).unwrap().features;
        let classifier = classifier(features.width());
        let airports = Airports::default();
        let predictor = ModelPredictor {
            features: &features,
            airports: &airports,
            classifier: &classifier,
            given: KnownInputs::ASKED,
        };
        let bootstrap = Bootstrap { resamples: 100, seed: 1 };
        let importances = predictor.importances(&flights, bootstrap);
        let first = &importances[0];
        assert_eq!((first.fact, &first.columns[..]), ("departure delay", &["DepDelay".to_owned()][..]));
        // Half of the shuffled flights get a wrong delay, which costs ln(0.85 / 0.05).
        let expected = (0.85f64 / 0.05).ln() / 2.0;
        assert!((first.log_loss_increase - expected).abs() < 0.2, "{} {expected}", first.log_loss_increase);
        assert!(
            first.interval.is_some_and(|[low, high]| low < first.log_loss_increase && first.log_loss_increase < high)
        );
        assert_eq!(importances.len(), 4);
        assert!(importances[1..].iter().all(|importance| importance.log_loss_increase == 0.0), "{importances:?}");
        let route = importances.iter().find(|importance| importance.fact == "route and distance").unwrap();
        assert_eq!(route.columns, ["Distance", "OriginIndex", "RouteIndex"], "all go to one airport");
        assert_eq!(predictor.importances(&flights, bootstrap), importances, "the seed decides");

        let hidden = ModelPredictor { given: KnownInputs { dep_delay: false, ..KnownInputs::ASKED }, ..predictor }
            .importances(&flights, bootstrap);
        assert!(hidden.iter().all(|importance| importance.fact != "departure delay"), "{hidden:?}");
    }
}
