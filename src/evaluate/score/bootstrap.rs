//! How far a number would move on other days: the bootstrap, by blocks of one day.
//!
//! The flights of a day share its weather and its jams, so they are no independent witnesses: what is drawn, with
//! replacement, are whole days. (Efron 1979; for blocks, Künsch 1989, here with blocks of fixed length.)

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::measure::Values;

/// At least this many days, or there are no intervals: fewer say nothing of how days differ.
pub const DAYS_MIN: usize = 7;
/// At most this many resamples.
pub const RESAMPLES_MAX: u32 = 10_000;

/// Where 95 of 100 resamples lie.
pub type Interval = [f64; 2];

/// How many resamples are drawn, and from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Bootstrap {
    /// How many; with 0 there are no intervals.
    pub resamples: u32,
    /// Decides every draw.
    pub seed: u64,
}

/// How often each day is drawn, in each resample. All that is compared is resampled alike.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::evaluate) struct Resamples(Vec<Vec<u32>>);

impl Resamples {
    /// Draws from so many days; none from fewer than [`DAYS_MIN`].
    pub(in crate::evaluate) fn draw(bootstrap: Bootstrap, days_len: usize) -> Self {
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

    /// What comes of each resample.
    pub(in crate::evaluate) fn map<T>(&self, of: impl FnMut(&[u32]) -> T) -> Vec<T> {
        self.0.iter().map(Vec::as_slice).map(of).collect()
    }
}

/// The interval of each measure over the resamples that have it; `None` without any.
pub(in crate::evaluate) fn intervals(replicates: &[Values<Option<f64>>]) -> Values<Option<Interval>> {
    Values::of(|measure| interval(replicates.iter().filter_map(|values| values[measure]).collect()))
}

/// The 2.5th and the 97.5th percentile, interpolated between neighbours.
pub(in crate::evaluate) fn interval(mut replicates: Vec<f64>) -> Option<Interval> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_interpolated() {
        assert_eq!(interval((0..=40).rev().map(f64::from).collect()), Some([1.0, 39.0]));
        assert_eq!(interval(vec![0.0, 10.0]), Some([0.25, 9.75]));
        assert_eq!(interval(vec![3.0]), Some([3.0, 3.0]));
        assert_eq!(interval(vec![]), None);
    }

    #[test]
    fn a_resample_draws_as_many_days_as_there_are_and_the_seed_decides_which() {
        let draw = |seed| Resamples::draw(Bootstrap { resamples: 50, seed }, 30);
        let sums = draw(1).map(|weights| (weights.len(), weights.iter().sum::<u32>()));
        assert_eq!(sums, vec![(30, 30); 50]);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(1).0.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(Resamples::draw(Bootstrap { resamples: 50, seed: 1 }, DAYS_MIN - 1).0.len(), 0);
    }

    #[test]
    fn the_interval_of_a_mean_is_as_wide_as_theory_says() {
        // The mean of 400 days, half of them 0 and half 1, has a standard error of 0.5 / 20.
        let resamples = Resamples::draw(Bootstrap { resamples: 4000, seed: 3 }, 400);
        let mean = |weights: &[u32]| f64::from(weights.iter().step_by(2).sum::<u32>()) / 400.0;
        let [low, high] = interval(resamples.map(mean)).unwrap();
        let expected = 1.96 * 0.5 / 20.0;
        assert!((0.5 - low - expected).abs() < 0.005 && (high - 0.5 - expected).abs() < 0.005, "{low} {high}");
    }
}
