//! What has to be known of some flights to score them, however many they are: sums, which can be added up.

use super::calibration::{CONFIDENCE_BINS, ReliabilityBin, bin_of, calibration_error};
use crate::{
    evaluate::PROBABILITY_MIN,
    flight::{CLASSES, DelayClass, Probabilities},
};

/// The class that AUC and Brier score are about.
pub(super) const LATE: DelayClass = DelayClass::VeryLate;

/// Sums over flights.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tally {
    /// Flights by what came true (outer) and what was held most probable (inner).
    pub(super) confusion: [[u64; CLASSES]; CLASSES],
    log_loss: f64,
    rps: f64,
    brier: f64,
    confidence: [ReliabilityBin; CONFIDENCE_BINS],
}

impl Tally {
    /// Adds a flight.
    pub(super) fn add(&mut self, probabilities: &Probabilities, class: DelayClass) {
        let likely = DelayClass::most_probable(probabilities);
        self.confusion[class.index()][likely.index()] += 1;
        self.log_loss -= f64::from(probabilities[class.index()]).max(PROBABILITY_MIN).ln();
        self.rps += ranked_probability_score(probabilities, class);
        let late = f64::from(u8::from(class == LATE));
        self.brier += (f64::from(probabilities[LATE.index()]) - late).powi(2);
        let confidence = probabilities[likely.index()];
        self.confidence[bin_of(confidence, CONFIDENCE_BINS)].add(confidence, likely == class);
    }

    /// Adds the flights of another tally, each so many times.
    pub(super) fn add_times(&mut self, other: &Self, times: u32) {
        let weight = f64::from(times);
        for (sums, others) in self.confusion.iter_mut().flatten().zip(other.confusion.iter().flatten()) {
            *sums += others * u64::from(times);
        }
        self.log_loss += weight * other.log_loss;
        self.rps += weight * other.rps;
        self.brier += weight * other.brier;
        for (bin, other) in self.confidence.iter_mut().zip(&other.confidence) {
            bin.add_times(other, times);
        }
    }

    /// How many flights.
    pub(super) fn rows(&self) -> u64 {
        self.confusion.iter().flatten().sum()
    }

    pub(super) fn accuracy(&self) -> Option<f64> {
        let right: u64 = (0..CLASSES).map(|class| self.confusion[class][class]).sum();
        self.mean(right as f64)
    }

    pub(super) fn log_loss(&self) -> Option<f64> {
        self.mean(self.log_loss)
    }

    pub(super) fn rps(&self) -> Option<f64> {
        self.mean(self.rps)
    }

    pub(super) fn brier(&self) -> Option<f64> {
        self.mean(self.brier)
    }

    pub(super) fn ece(&self) -> Option<f64> {
        calibration_error(&self.confidence)
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        let rows = self.rows();
        (rows > 0).then(|| sum / rows as f64)
    }
}

/// The squared distance of the cumulative probabilities from what came true, averaged over the cuts.
fn ranked_probability_score(probabilities: &Probabilities, class: DelayClass) -> f64 {
    let mut cumulated = 0.0;
    let mut sum = 0.0;
    for (below, p) in probabilities[..CLASSES - 1].iter().enumerate() {
        cumulated += f64::from(*p);
        let came_true = f64::from(u8::from(class.index() <= below));
        sum += (cumulated - came_true).powi(2);
    }
    sum / (CLASSES - 1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use DelayClass::{Early, SlightlyLate, VeryLate};

    fn tally(flights: &[(Probabilities, DelayClass)]) -> Tally {
        let mut tally = Tally::default();
        flights.iter().for_each(|(probabilities, class)| tally.add(probabilities, *class));
        tally
    }

    fn close(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-9), "{found:?}, not {expected}");
    }

    #[test]
    fn sums_agree_with_values_worked_out_by_hand() {
        let sums = tally(&[
            ([0.5, 0.25, 0.125, 0.125], Early),
            ([0.125, 0.5, 0.25, 0.125], SlightlyLate),
            ([0.0, 0.0, 1.0, 0.0], VeryLate),
        ]);
        assert_eq!(sums.rows(), 3);
        close(sums.accuracy(), 1.0 / 3.0);
        close(sums.log_loss(), (2f64.ln() + 4f64.ln() + 1e6f64.ln()) / 3.0);
        // Cumulated 0.5, 0.75, 0.875 against 1, 1, 1; 0.125, 0.625, 0.875 against 0, 0, 1; 0, 0, 1 against 0, 0, 0.
        let squares = [0.25 + 0.0625 + 0.015625, 0.015625 + 0.390625 + 0.015625, 1.0];
        close(sums.rps(), squares.iter().sum::<f64>() / 9.0);
        close(sums.brier(), (0.015625 + 0.015625 + 1.0) / 3.0);
        // Confidences 0.5 (right), 0.5 (wrong) in one bin, and 1.0 (wrong) in the last.
        close(sums.ece(), (2.0 * 0.0 + 1.0) / 3.0);
        assert_eq!(Tally::default().log_loss(), None);
    }

    #[test]
    fn a_certain_and_right_prediction_costs_nothing_and_a_miss_costs_by_its_distance() {
        let certain = [0.0, 0.0, 0.0, 1.0];
        let cost = |class| ranked_probability_score(&certain, class);
        assert_eq!(DelayClass::ALL.map(cost), [1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0]);
    }

    proptest! {
        #[test]
        fn days_added_with_their_weights_are_the_flights_repeated(
            flights in proptest::collection::vec((0..5u8, 0..5u8, 0..5u8, 1..5u8, 0..4usize, 0..3usize), 1..40),
            times in [0..4u32, 0..4u32, 0..4u32],
        ) {
            let flights: Vec<(Probabilities, DelayClass, usize)> = flights
                .into_iter()
                .map(|(a, b, c, d, class, day)| {
                    let sum = f32::from(a + b + c + d);
                    ([a, b, c, d].map(|p| f32::from(p) / sum), DelayClass::ALL[class], day)
                })
                .collect();
            let of_day = |day| flights.iter().filter(move |flight| flight.2 == day).map(|flight| (flight.0, flight.1));
            let mut weighted = Tally::default();
            let mut repeated = Vec::new();
            for (day, times) in times.into_iter().enumerate() {
                weighted.add_times(&tally(&of_day(day).collect::<Vec<_>>()), times);
                (0..times).for_each(|_| repeated.extend(of_day(day)));
            }
            let repeated = tally(&repeated);
            prop_assert_eq!(weighted.confusion, repeated.confusion);
            type Score = fn(&Tally) -> Option<f64>;
            let scores: [Score; 5] = [Tally::accuracy, Tally::log_loss, Tally::rps, Tally::brier, Tally::ece];
            for score in scores {
                match (score(&weighted), score(&repeated)) {
                    (Some(left), Some(right)) => prop_assert!((left - right).abs() < 1e-9),
                    (left, right) => prop_assert_eq!(left, right),
                }
            }
        }
    }
}
