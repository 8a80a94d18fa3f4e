//! Sums of predictions by day, and bootstrap intervals over days.
//!
//! The flights of a day share its weather and its congestion, so they are not independent: the bootstrap draws whole
//! days, with replacement. (Efron 1979; for blocks, Künsch 1989, here with blocks of fixed length.)
//!
//! Every measure but the AUC is a function of sums by day, so a resample costs time by days, not by flights. The AUC
//! needs the flights in the order of their probability: they are sorted once, and passed for each resample.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    measure::{Confusion, Measure, Values, macro_f1, quadratic_weighted_kappa},
    predictions::Outcomes,
    score_sums::{LATE, Reliability, ScoreSums, reliability},
};
use crate::flight::Probabilities;

/// Least number of days for intervals: fewer do not show how days differ.
pub const DAYS_MIN: usize = 7;
/// Upper bound on resamples.
pub const RESAMPLES_MAX: u32 = 10_000;

/// The interval of 95 % of the resamples.
pub type Interval = [f64; 2];

/// The settings of a bootstrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Bootstrap {
    /// The number of resamples; with 0 there are no intervals.
    pub resamples: u32,
    /// The seed of every draw.
    pub seed: u64,
}

/// The multiplicity of each day in each resample. All predictors of a comparison share the resamples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resamples(Vec<Vec<u32>>);

impl Resamples {
    /// Draws resamples of `days_len` days; none from fewer than [`DAYS_MIN`].
    pub(super) fn draw(bootstrap: Bootstrap, days_len: usize) -> Self {
        if days_len < DAYS_MIN {
            return Resamples(Vec::new());
        }
        let mut rng = ChaCha8Rng::seed_from_u64(bootstrap.seed);
        let mut resample = || {
            let mut weights = vec![0; days_len];
            (0..days_len).for_each(|_| weights[rng.random_range(0..days_len)] += 1);
            weights
        };
        Resamples((0..bootstrap.resamples.min(RESAMPLES_MAX)).map(|_| resample()).collect())
    }

    /// Calls `of` with the weights of each resample.
    pub(super) fn map<T>(&self, of: impl FnMut(&[u32]) -> T) -> Vec<T> {
        self.0.iter().map(Vec::as_slice).map(of).collect()
    }
}

/// The interval of each measure over the resamples that define it; `None` without one.
pub(super) fn intervals(replicates: &[Values<Option<f64>>]) -> Values<Option<Interval>> {
    Values::from_fn(|measure| interval(replicates.iter().filter_map(|values| values[measure]).collect()))
}

/// The 2.5th and the 97.5th percentile, interpolated between neighbours.
pub(super) fn interval(mut replicates: Vec<f64>) -> Option<Interval> {
    replicates.sort_unstable_by(f64::total_cmp);
    let last = replicates.len().checked_sub(1)?;
    let quantile = |share: f64| {
        let at = share * last as f64;
        // At most `last`, for the share is below 1.
        let (below, above) = (replicates[at.floor() as usize], replicates[at.ceil() as usize]);
        below + (above - below) * at.fract()
    };
    Some([quantile(0.025), quantile(0.975)])
}

/// Predictions, summed up by day.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DailySums {
    days: Vec<ScoreSums>,
    ranking: Ranking,
    reliability: Reliability,
}

impl DailySums {
    /// Sums up one prediction a flight.
    pub(super) fn of(predictions: &[Probabilities], outcomes: &Outcomes) -> Self {
        let mut days = vec![ScoreSums::default(); outcomes.days_len()];
        for ((probabilities, &class), &day) in predictions.iter().zip(outcomes.classes()).zip(outcomes.day_numbers()) {
            days[day as usize].add(probabilities, class);
        }
        let flights = predictions.iter().zip(outcomes.classes()).zip(outcomes.day_numbers());
        let ranked = flights.map(|((probabilities, &class), &day)| (probabilities[LATE.index()], day, class == LATE));
        DailySums { days, ranking: Ranking::new(ranked), reliability: reliability(predictions, outcomes.classes()) }
    }

    /// The value of each measure with the days weighted; `None` where a measure is not defined.
    pub(super) fn scores(&self, weights: &[u32]) -> Values<Option<f64>> {
        let mut sum = ScoreSums::default();
        for (day, &times) in self.days.iter().zip(weights).filter(|(_, times)| **times > 0) {
            sum.add_times(day, times);
        }
        Values::from_fn(|measure| match measure {
            Measure::LogLoss => sum.log_loss(),
            Measure::Accuracy => sum.accuracy(),
            Measure::Rps => sum.rps(),
            Measure::MacroF1 => macro_f1(&sum.confusion),
            Measure::Qwk => quadratic_weighted_kappa(&sum.confusion),
            Measure::Ece => sum.ece(),
            Measure::Auc => self.ranking.auc(weights),
            Measure::Brier => sum.brier(),
        })
    }

    /// The value of each measure with all days once.
    pub(super) fn unweighted_scores(&self) -> Values<Option<f64>> {
        self.scores(&vec![1; self.days.len()])
    }

    /// Flights by outcome (outer) and most probable class (inner).
    pub(super) fn confusion(&self) -> Confusion {
        let mut sum = ScoreSums::default();
        self.days.iter().for_each(|day| sum.add_times(day, 1));
        sum.confusion
    }

    /// The number of flights.
    pub(super) fn rows(&self) -> u64 {
        self.days.iter().map(ScoreSums::rows).sum()
    }

    /// The calibration of each class's probability.
    pub(super) fn reliability(&self) -> &Reliability {
        &self.reliability
    }
}

/// The flights of one day with the same probability.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cell {
    probability: f32,
    day: u32,
    late: u32,
    others: u32,
}

/// Flights in the order of their probability. Takes 16 bytes a flight, less with ties.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranking(Vec<Cell>);

impl Ranking {
    /// Sorts flights, each with its probability, its day's number, and whether it was late.
    pub(super) fn new(flights: impl Iterator<Item = (f32, u32, bool)>) -> Self {
        let cell = |(probability, day, late): (f32, u32, bool)| Cell {
            // −0 and 0 are a tie.
            probability: probability + 0.0,
            day,
            late: u32::from(late),
            others: u32::from(!late),
        };
        let mut cells: Vec<Cell> = flights.map(cell).collect();
        cells.sort_unstable_by(|a, b| a.probability.total_cmp(&b.probability).then(a.day.cmp(&b.day)));
        cells.dedup_by(|next, kept| {
            let same = next.day == kept.day && next.probability == kept.probability;
            if same {
                kept.late += next.late;
                kept.others += next.others;
            }
            same
        });
        cells.shrink_to_fit();
        Ranking(cells)
    }

    /// The share of pairs of a late flight and another in which the late one has the higher probability; a tie counts
    /// for a half. The days are weighted. `None` without such a pair.
    pub(super) fn auc(&self, weights: &[u32]) -> Option<f64> {
        // Twice the number of pairs, so that a half is an integer: below 2 · (2^32)² / 4.
        let (mut twice_won, mut late_total, mut below) = (0u64, 0u64, 0u64);
        for tied in self.0.chunk_by(|a, b| a.probability == b.probability) {
            let (mut late, mut others) = (0, 0);
            for cell in tied {
                let weight = u64::from(weights[cell.day as usize]);
                late += weight * u64::from(cell.late);
                others += weight * u64::from(cell.others);
            }
            twice_won += late * (2 * below + others);
            late_total += late;
            below += others;
        }
        let pairs = late_total as f64 * below as f64;
        (pairs > 0.0).then(|| twice_won as f64 / (2.0 * pairs))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_are_interpolated() {
        assert_eq!(interval((0..=40).rev().map(f64::from).collect()), Some([1.0, 39.0]));
        assert_eq!(interval(vec![0.0, 10.0]), Some([0.25, 9.75]));
        assert_eq!(interval(vec![3.0]), Some([3.0, 3.0]));
        assert_eq!(interval(vec![]), None);
    }

    #[test]
    fn a_resample_has_as_many_days_as_the_data_and_the_seed_determines_which() {
        let draw = |seed| Resamples::draw(Bootstrap { resamples: 50, seed }, 30);
        let sums = draw(1).map(|weights| (weights.len(), weights.iter().sum::<u32>()));
        assert_eq!(sums, vec![(30, 30); 50]);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(1).0.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(Resamples::draw(Bootstrap { resamples: 50, seed: 1 }, DAYS_MIN - 1).0.len(), 0);
    }

    #[test]
    fn the_interval_of_a_mean_has_the_theoretical_width() {
        // The mean of 400 days, half of them 0 and half 1, has a standard error of 0.5 / 20.
        let resamples = Resamples::draw(Bootstrap { resamples: 4000, seed: 3 }, 400);
        let mean = |weights: &[u32]| f64::from(weights.iter().step_by(2).sum::<u32>()) / 400.0;
        let [low, high] = interval(resamples.map(mean)).unwrap();
        let expected = 1.96 * 0.5 / 20.0;
        assert!((0.5 - low - expected).abs() < 0.005 && (high - 0.5 - expected).abs() < 0.005, "{low} {high}");
    }

    /// The oracle: every pair of a late flight and another.
    fn naive(flights: &[(f32, u32, bool)], weights: &[u32]) -> Option<f64> {
        let (mut won, mut pairs) = (0.0, 0.0);
        for late in flights.iter().filter(|flight| flight.2) {
            for other in flights.iter().filter(|flight| !flight.2) {
                let weight = f64::from(weights[late.1 as usize]) * f64::from(weights[other.1 as usize]);
                pairs += weight;
                won += weight * if late.0 > other.0 { 1.0 } else { f64::from(u8::from(late.0 == other.0)) / 2.0 };
            }
        }
        (pairs > 0.0).then(|| won / pairs)
    }

    #[test]
    fn the_auc_agrees_with_values_computed_by_hand() {
        let flights = [(0.1, 0, false), (0.4, 0, false), (0.35, 0, true), (0.8, 0, true)];
        assert_eq!(Ranking::new(flights.into_iter()).auc(&[1]), Some(0.75));
        let tied = [(0.5, 0, false), (0.5, 0, true), (0.5, 0, true)];
        assert_eq!(Ranking::new(tied.into_iter()).auc(&[1]), Some(0.5));
        assert_eq!(Ranking::new([(0.5, 0, true)].into_iter()).auc(&[1]), None);
        // A day of weight 0 does not count.
        let days = [(0.9, 0, true), (0.1, 0, false), (0.1, 1, true), (0.9, 1, false)];
        let ranking = Ranking::new(days.into_iter());
        assert_eq!([[1, 0], [0, 3], [1, 1]].map(|weights| ranking.auc(&weights)), [Some(1.0), Some(0.0), Some(0.5)]);
    }

    proptest! {
        #[test]
        fn the_auc_equals_that_of_all_pairs(
            flights in proptest::collection::vec((0..8u8, 0..4u32, any::<bool>()), 0..60),
            weights in [0..5u32, 0..5u32, 0..5u32, 0..5u32],
        ) {
            let flights: Vec<_> = flights.into_iter().map(|(p, day, late)| (f32::from(p) / 7.0, day, late)).collect();
            prop_assert_eq!(Ranking::new(flights.iter().copied()).auc(&weights), naive(&flights, &weights));
        }
    }
}
