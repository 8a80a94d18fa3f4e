//! Whether probabilities mean what they say: reliability by bins, and the expected calibration error.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::flight::{CLASSES, DelayClass, Probabilities};

/// Bins of the highest probability, for the expected calibration error; 15 of equal width, as Guo et al. (2017) take.
pub const CONFIDENCE_BINS: usize = 15;
/// Bins of a class's probability, for the reliability.
pub const RELIABILITY_BINS: usize = 10;

/// The bin of a probability among `bins` of equal width; each is closed on the left, the last on both sides.
pub(super) fn bin_of(probability: f32, bins: usize) -> usize {
    // NaN and what is below 0 become 0.
    ((f64::from(probability) * bins as f64) as usize).min(bins - 1)
}

/// Flights that were given about the same probability of something, and how often it came true.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ReliabilityBin {
    /// How many flights.
    pub rows: u64,
    /// For how many it came true.
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

    /// The mean of the probabilities; `None` without flights.
    pub fn predicted(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.probability_sum / self.rows as f64)
    }

    /// The share that came true; `None` without flights.
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

/// The mean over flights of how far their bin's share is from its mean probability; `None` without flights.
pub(super) fn calibration_error(bins: &[ReliabilityBin]) -> Option<f64> {
    let rows: u64 = bins.iter().map(|bin| bin.rows).sum();
    let gap: f64 = bins.iter().map(|bin| (bin.probability_sum - bin.hits as f64).abs()).sum();
    (rows > 0).then(|| gap / rows as f64)
}

/// The reliability of each class's probability, by bins.
pub type Reliability = [[ReliabilityBin; RELIABILITY_BINS]; CLASSES];

/// Bins each class's probability of each flight.
pub(super) fn reliability(predictions: &[Probabilities], truth: &[DelayClass]) -> Reliability {
    let mut bins = Reliability::default();
    for (probabilities, class) in predictions.iter().zip(truth) {
        for (at, p) in probabilities.iter().enumerate() {
            bins[at][bin_of(*p, RELIABILITY_BINS)].add(*p, at == class.index());
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_closed_on_the_left_and_the_last_on_both_sides() {
        let bins = [0.0, 0.099, 0.1, 0.5, 0.999, 1.0, 1.1, -0.1, f32::NAN].map(|p| bin_of(p, 10));
        // A tenth as f32 is a little more than a tenth.
        assert_eq!(bins, [0, 0, 1, 5, 9, 9, 9, 0, 0]);
    }

    #[test]
    fn reliability_holds_shares_against_mean_probabilities() {
        use DelayClass::{Early, SlightlyEarly};
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
