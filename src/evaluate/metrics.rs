//! Accuracy, log-loss and the confusion matrix.

use serde::{Deserialize, Serialize};

use crate::flight::{CLASSES, DelayClass, Probabilities};

/// A probability is taken to be at least this in a log-loss, so that one certain mistake does not make it infinite:
/// it costs 13.8 instead.
pub const PROBABILITY_MIN: f64 = 1e-6;

/// What came of predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// How many flights were predicted.
    pub rows: u64,
    /// The share whose most probable class came true, 0 to 1.
    pub accuracy: f64,
    /// The mean of −ln(probability of the class that came true), in nats; 0 is perfect, 1.386 is even odds.
    pub log_loss: f64,
    /// Flights by what came true (outer) and what was predicted (inner).
    pub confusion: [[u64; CLASSES]; CLASSES],
}

impl Metrics {
    /// Holds predictions against what came true. Without any, accuracy and log-loss are 0.
    pub fn of(predictions: impl IntoIterator<Item = Probabilities>, truth: &[DelayClass]) -> Self {
        let mut confusion = [[0; CLASSES]; CLASSES];
        let mut loss = 0.0;
        for (probabilities, class) in predictions.into_iter().zip(truth) {
            confusion[class.index()][DelayClass::most_probable(&probabilities).index()] += 1;
            loss -= f64::from(probabilities[class.index()]).max(PROBABILITY_MIN).ln();
        }
        let rows: u64 = confusion.iter().flatten().sum();
        let right: u64 = (0..CLASSES).map(|class| confusion[class][class]).sum();
        let mean = |sum: f64| sum / rows.max(1) as f64;
        Metrics { rows, accuracy: mean(right as f64), log_loss: mean(loss), confusion }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DelayClass::{Early, SlightlyLate, VeryLate};

    #[test]
    fn agree_with_values_worked_out_by_hand() {
        let predictions = [[0.5, 0.25, 0.125, 0.125], [0.125, 0.5, 0.25, 0.125], [0.0, 0.0, 1.0, 0.0]];
        let metrics = Metrics::of(predictions, &[Early, SlightlyLate, VeryLate]);
        assert_eq!((metrics.rows, metrics.accuracy), (3, 1.0 / 3.0));
        // ln 2, ln 4, and an impossible class that came true.
        let by_hand = (2f64.ln() + 4f64.ln() + 1e6f64.ln()) / 3.0;
        assert!((metrics.log_loss - by_hand).abs() < 1e-12, "{}", metrics.log_loss);
        let mut confusion = [[0; CLASSES]; CLASSES];
        (confusion[0][0], confusion[2][1], confusion[3][2]) = (1, 1, 1);
        assert_eq!(metrics.confusion, confusion);
    }

    #[test]
    fn even_odds_cost_ln_4_and_nothing_costs_nothing() {
        let metrics = Metrics::of([[0.25; CLASSES]; 7], &[VeryLate; 7]);
        assert!((metrics.log_loss - 4f64.ln()).abs() < 1e-12);
        assert_eq!(Metrics::of([], &[]).rows, 0);
    }
}
