//! What a forest has to beat.

use std::ops::RangeInclusive;

use crate::{
    features::TrainingFlight,
    flight::{CLASSES, DelayClass, Probabilities},
    forest::count_classes,
};

/// The share of each class among flights; even odds without any.
pub fn class_shares(flights: &[TrainingFlight]) -> Probabilities {
    let classes: Vec<DelayClass> = flights.iter().map(TrainingFlight::class).collect();
    shares(&count_classes(&classes), [1.0 / CLASSES as f64; CLASSES], 0.0)
}

/// Class shares out of counts, drawn towards `prior` with the weight of `weight` flights.
fn shares(counts: &[u64; CLASSES], prior: [f64; CLASSES], weight: f64) -> Probabilities {
    let total = counts.iter().sum::<u64>() as f64 + weight;
    std::array::from_fn(|class| {
        let share = (counts[class] as f64 + weight * prior[class]) / total;
        if total > 0.0 { share as f32 } else { prior[class] as f32 }
    })
}

/// The departure delays that have a row of their own, in whole minutes; what is beyond counts as the end.
const MINUTES: RangeInclusive<i32> = -30..=180;
/// The shares of all flights count for this many flights in each row.
const FLIGHTS_OF_ALL: f64 = 10.0;

/// The class shares by whole minute of departure delay: the simplest predictor that knows anything.
#[derive(Debug, Clone, PartialEq)]
pub struct DepDelayTable(Vec<Probabilities>);

impl DepDelayTable {
    /// Counts flights.
    pub fn fit(flights: &[TrainingFlight]) -> Self {
        let mut counts = vec![[0; CLASSES]; MINUTES.count()];
        for flight in flights {
            counts[Self::row(flight.dep_delay)][flight.class().index()] += 1;
        }
        let all = class_shares(flights).map(f64::from);
        DepDelayTable(counts.iter().map(|counts| shares(counts, all, FLIGHTS_OF_ALL)).collect())
    }

    /// The class shares of a departure delay in minutes.
    pub fn probabilities(&self, dep_delay: f32) -> Probabilities {
        self.0[Self::row(dep_delay)]
    }

    fn row(dep_delay: f32) -> usize {
        // Within the range after the clamp; NaN becomes 0.
        let minutes = (dep_delay.round() as i32).clamp(*MINUTES.start(), *MINUTES.end());
        (minutes - MINUTES.start()) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::tests::flight;

    #[test]
    fn the_table_counts_by_whole_minute_and_draws_rare_minutes_towards_all() {
        // Ten flights: eight left on time and arrived on time, two left an hour late and arrived very late.
        let flights: Vec<_> = (0..10)
            .map(|at| if at < 8 { flight("AA", "JFK", 0.4, 0.0) } else { flight("AA", "JFK", 60.0, 60.0) })
            .collect();
        assert_eq!(class_shares(&flights), [0.0, 0.0, 0.8, 0.2]);
        let table = DepDelayTable::fit(&flights);
        let close = |p: Probabilities, q: Probabilities| p.iter().zip(q).all(|(p, q)| (p - q).abs() < 1e-6);
        assert!(close(table.probabilities(-0.4), [0.0, 0.0, 16.0 / 18.0, 2.0 / 18.0]));
        assert!(close(table.probabilities(60.0), [0.0, 0.0, 8.0 / 12.0, 4.0 / 12.0]));
        // A minute that nobody left at, and minutes beyond the table.
        assert!(close(table.probabilities(17.0), [0.0, 0.0, 0.8, 0.2]));
        assert_eq!(table.probabilities(5000.0), table.probabilities(180.0));
        assert_eq!(table.probabilities(-5000.0), table.probabilities(-30.0));
    }

    #[test]
    fn without_flights_the_odds_are_even() {
        assert_eq!(class_shares(&[]), [0.25; CLASSES]);
    }
}
