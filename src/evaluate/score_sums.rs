//! Sums over predictions from which all measures but the AUC follow, and the calibration of probabilities by bins.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::measure::Confusion;
use crate::flight::{CLASSES, DelayClass, Probabilities};

/// Lower bound on a probability in a log-loss, so that one certain error does not make it infinite: it costs 13.8.
pub const PROBABILITY_MIN: f64 = 1e-6;

/// The positive class of AUC and Brier score.
pub(super) const LATE: DelayClass = DelayClass::VeryLate;

/// Sums over flights, which can be added and weighted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ScoreSums {
    /// Flights by outcome (outer) and most probable class (inner).
    pub(super) confusion: Confusion,
    log_loss: f64,
    rps: f64,
    brier: f64,
    confidence: [ReliabilityBin; CONFIDENCE_BINS],
}

impl ScoreSums {
    /// Adds a flight.
    pub(super) fn add(&mut self, probabilities: &Probabilities, class: DelayClass) {
        let predicted = DelayClass::most_probable(probabilities);
        self.confusion[class.index()][predicted.index()] += 1;
        self.log_loss -= f64::from(probabilities[class.index()]).max(PROBABILITY_MIN).ln();
        self.rps += ranked_probability_score(probabilities, class);
        let late = f64::from(u8::from(class == LATE));
        self.brier += (f64::from(probabilities[LATE.index()]) - late).powi(2);
        let confidence = probabilities[predicted.index()];
        self.confidence[bin_of(confidence, CONFIDENCE_BINS)].add(confidence, predicted == class);
    }

    /// Adds other sums `times` times.
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

    /// The number of flights.
    pub(super) fn rows(&self) -> u64 {
        self.confusion.iter().flatten().sum()
    }

    pub(super) fn accuracy(&self) -> Option<f64> {
        let correct: u64 = (0..CLASSES).map(|class| self.confusion[class][class]).sum();
        self.mean(correct as f64)
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

/// The squared distance of the cumulative probabilities from the outcome, averaged over the cuts.
fn ranked_probability_score(probabilities: &Probabilities, class: DelayClass) -> f64 {
    let mut cumulated = 0.0;
    let mut sum = 0.0;
    for (below, p) in probabilities[..CLASSES - 1].iter().enumerate() {
        cumulated += f64::from(*p);
        let outcome = f64::from(u8::from(class.index() <= below));
        sum += (cumulated - outcome).powi(2);
    }
    sum / (CLASSES - 1) as f64
}

/// Bins of the highest probability, for the expected calibration error: 15 of equal width, as in Guo et al. (2017).
pub const CONFIDENCE_BINS: usize = 15;
/// Bins of a class's probability, for the reliability.
pub const RELIABILITY_BINS: usize = 10;

/// The bin of a probability among `bins` of equal width. Each is closed on the left, the last on both sides.
pub(super) fn bin_of(probability: f32, bins: usize) -> usize {
    // NaN and negative numbers become 0.
    ((f64::from(probability) * bins as f64) as usize).min(bins - 1)
}

/// Flights with about the same probability of an event, and how often it occurred.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ReliabilityBin {
    /// The number of flights.
    pub rows: u64,
    /// The number of flights with the event.
    pub hits: u64,
    probability_sum: f64,
}

impl ReliabilityBin {
    pub(super) fn add(&mut self, probability: f32, hit: bool) {
        self.rows += 1;
        self.hits += u64::from(hit);
        self.probability_sum += f64::from(probability);
    }

    pub(super) fn add_times(&mut self, other: &Self, times: u32) {
        self.rows += other.rows * u64::from(times);
        self.hits += other.hits * u64::from(times);
        self.probability_sum += other.probability_sum * f64::from(times);
    }

    /// The mean probability; `None` without flights.
    pub fn predicted(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.probability_sum / self.rows as f64)
    }

    /// The share of flights with the event; `None` without flights.
    pub fn observed(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.hits as f64 / self.rows as f64)
    }
}

impl Serialize for ReliabilityBin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("ReliabilityBin", 3)?;
        fields.serialize_field("rows", &self.rows)?;
        fields.serialize_field("predicted", &self.predicted())?;
        fields.serialize_field("observed", &self.observed())?;
        fields.end()
    }
}

/// The mean over flights of the distance of their bin's observed share from its mean probability; `None` without
/// flights.
pub(super) fn calibration_error(bins: &[ReliabilityBin]) -> Option<f64> {
    let rows: u64 = bins.iter().map(|bin| bin.rows).sum();
    let gap: f64 = bins.iter().map(|bin| (bin.probability_sum - bin.hits as f64).abs()).sum();
    (rows > 0).then(|| gap / rows as f64)
}

/// The calibration of each class's probability, by bins.
pub type Reliability = [[ReliabilityBin; RELIABILITY_BINS]; CLASSES];

/// Bins the probability of each class of each flight.
pub(super) fn reliability(predictions: &[Probabilities], outcomes: &[DelayClass]) -> Reliability {
    let mut bins = Reliability::default();
    for (probabilities, class) in predictions.iter().zip(outcomes) {
        for (at, p) in probabilities.iter().enumerate() {
            bins[at][bin_of(*p, RELIABILITY_BINS)].add(*p, at == class.index());
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use DelayClass::{Early, SlightlyEarly, SlightlyLate, VeryLate};

    fn sums_of(flights: &[(Probabilities, DelayClass)]) -> ScoreSums {
        let mut sums = ScoreSums::default();
        flights.iter().for_each(|(probabilities, class)| sums.add(probabilities, *class));
        sums
    }

    fn close(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-9), "{found:?}, not {expected}");
    }

    #[test]
    fn sums_agree_with_values_computed_by_hand() {
        let sums = sums_of(&[
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
        // Confidences 0.5 (correct), 0.5 (wrong) in one bin, and 1.0 (wrong) in the last.
        close(sums.ece(), (2.0 * 0.0 + 1.0) / 3.0);
        assert_eq!(ScoreSums::default().log_loss(), None);
    }

    #[test]
    fn the_ranked_probability_score_of_a_certain_prediction_grows_with_its_error() {
        let certain = [0.0, 0.0, 0.0, 1.0];
        let cost = |class| ranked_probability_score(&certain, class);
        assert_eq!(DelayClass::ALL.map(cost), [1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0]);
    }

    proptest! {
        #[test]
        fn weighted_sums_equal_those_of_repeated_flights(
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
            let mut weighted = ScoreSums::default();
            let mut repeated = Vec::new();
            for (day, times) in times.into_iter().enumerate() {
                weighted.add_times(&sums_of(&of_day(day).collect::<Vec<_>>()), times);
                (0..times).for_each(|_| repeated.extend(of_day(day)));
            }
            let repeated = sums_of(&repeated);
            prop_assert_eq!(weighted.confusion, repeated.confusion);
            type Score = fn(&ScoreSums) -> Option<f64>;
            let scores: [Score; 5] = [ScoreSums::accuracy, ScoreSums::log_loss, ScoreSums::rps, ScoreSums::brier, ScoreSums::ece];
            for score in scores {
                match (score(&weighted), score(&repeated)) {
                    (Some(left), Some(right)) => prop_assert!((left - right).abs() < 1e-9),
                    (left, right) => prop_assert_eq!(left, right),
                }
            }
        }
    }

    #[test]
    fn bins_are_closed_on_the_left_and_the_last_on_both_sides() {
        let bins = [0.0, 0.099, 0.1, 0.5, 0.999, 1.0, 1.1, -0.1, f32::NAN].map(|p| bin_of(p, 10));
        // A tenth as f32 is a little more than a tenth.
        assert_eq!(bins, [0, 0, 1, 5, 9, 9, 9, 0, 0]);
    }

    #[test]
    fn reliability_has_observed_shares_and_mean_probabilities() {
        let predictions = [[0.75, 0.25, 0.0, 0.0], [0.75, 0.25, 0.0, 0.0], [0.25, 0.75, 0.0, 0.0]];
        let bins = reliability(&predictions, &[Early, SlightlyEarly, Early]);
        let early = bins[0];
        assert_eq!((early[7].rows, early[7].predicted(), early[7].observed()), (2, Some(0.75), Some(0.5)));
        assert_eq!((early[2].rows, early[2].predicted(), early[2].observed()), (1, Some(0.25), Some(1.0)));
        assert_eq!((early[5].rows, early[5].observed()), (0, None));
        assert_eq!(bins[3][0].rows, 3);
        // 2 flights 0.25 off, 1 flight 0.75 off.
        assert_eq!(calibration_error(&early), Some((0.5 + 0.75) / 3.0));
        assert_eq!(calibration_error(&[]), None);
    }
}
