//! Scores: what predictions are worth, in eight numbers, each with an interval.
//!
//! Everything but the AUC is a function of sums ([`Tally`]) that are kept by day, so a resample costs as much as there
//! are days, not flights. The AUC walks the flights in their order, sorted once ([`Ranking`]): it too is exact.

mod agreement;
mod bootstrap;
mod calibration;
mod measure;
mod ranking;
mod tally;

use crate::flight::{CLASSES, Probabilities};

pub use bootstrap::{Bootstrap, DAYS_MIN, Interval, RESAMPLES_MAX};
pub(super) use bootstrap::{Resamples, interval, intervals};
pub use calibration::{CONFIDENCE_BINS, RELIABILITY_BINS, Reliability, ReliabilityBin};
pub use measure::{MEASURES, Measure, Values};

use ranking::Ranking;
use tally::{LATE, Tally};

use super::truth::Truth;

/// Predictions, summed up by day.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Summed {
    days: Vec<Tally>,
    ranking: Ranking,
    reliability: Reliability,
}

impl Summed {
    /// Holds one prediction a flight against what came true.
    pub(super) fn of(predictions: &[Probabilities], truth: &Truth) -> Self {
        let mut days = vec![Tally::default(); truth.days_len()];
        for ((probabilities, &class), &day) in predictions.iter().zip(truth.classes()).zip(truth.day_numbers()) {
            days[day as usize].add(probabilities, class);
        }
        let flights = predictions.iter().zip(truth.classes()).zip(truth.day_numbers());
        let ranked = flights.map(|((probabilities, &class), &day)| (probabilities[LATE.index()], day, class == LATE));
        Summed {
            days,
            ranking: Ranking::new(ranked),
            reliability: calibration::reliability(predictions, truth.classes()),
        }
    }

    /// The scores when each day counts as often as its weight says; `None` where a measure is not defined.
    pub(super) fn scores(&self, weights: &[u32]) -> Values<Option<f64>> {
        let mut sum = Tally::default();
        for (day, &times) in self.days.iter().zip(weights).filter(|(_, times)| **times > 0) {
            sum.add_times(day, times);
        }
        Values::of(|measure| match measure {
            Measure::LogLoss => sum.log_loss(),
            Measure::Accuracy => sum.accuracy(),
            Measure::Rps => sum.rps(),
            Measure::MacroF1 => agreement::macro_f1(&sum.confusion),
            Measure::Qwk => agreement::quadratic_weighted_kappa(&sum.confusion),
            Measure::Ece => sum.ece(),
            Measure::Auc => self.ranking.auc(weights),
            Measure::Brier => sum.brier(),
        })
    }

    /// The scores of all days.
    pub(super) fn scores_of_all(&self) -> Values<Option<f64>> {
        self.scores(&vec![1; self.days.len()])
    }

    /// Flights by what came true (outer) and what was held most probable (inner).
    pub(super) fn confusion(&self) -> [[u64; CLASSES]; CLASSES] {
        let mut sum = Tally::default();
        self.days.iter().for_each(|day| sum.add_times(day, 1));
        sum.confusion
    }

    /// How many flights.
    pub(super) fn rows(&self) -> u64 {
        self.days.iter().map(Tally::rows).sum()
    }

    /// The reliability of each class's probability.
    pub(super) fn reliability(&self) -> &Reliability {
        &self.reliability
    }
}
