//! Counter-based random draws: each is a function of the seed, the tree and a number, so every worker draws the same.

use crate::random::{STEP, mix};

/// The draws of one tree for one purpose.
#[derive(Debug, Clone, Copy)]
pub(super) struct RandomStream(u64);

impl RandomStream {
    /// The draws of row weights.
    pub(super) fn weights(seed: u64, tree: u32) -> Self {
        RandomStream(mix(mix(seed).wrapping_add(u64::from(tree) * 2 + 1)))
    }

    /// The draws of the columns that are tried at nodes.
    pub(super) fn columns(seed: u64, tree: u32) -> Self {
        RandomStream(mix(mix(seed).wrapping_add(u64::from(tree) * 2 + 2)))
    }

    /// The 64 random bits for a number.
    pub(super) fn bits(self, number: u64) -> u64 {
        mix(self.0.wrapping_add(number.wrapping_mul(STEP)))
    }

    /// The weight of a row: a Poisson(1) number, at most [`WEIGHT_MAX`].
    #[inline]
    pub(super) fn weight(self, row: u64) -> u32 {
        let uniform = (self.bits(row) >> 32) as u32;
        let (usual, rare) = POISSON.split_at(USUAL);
        let above = |table: &[u32]| table.iter().map(|&below| u32::from(uniform >= below)).sum();
        let weight: u32 = above(usual);
        if weight < USUAL as u32 { weight } else { weight + above(rare) }
    }
}

/// Upper bound on a weight: a larger one has a probability below 10⁻⁸ a row, which 32 bits do not resolve.
pub(super) const WEIGHT_MAX: u32 = 10;

/// 2³² times the probability that a Poisson(1) number is at most k, for k from 0 on.
const POISSON: [u32; WEIGHT_MAX as usize] = [
    1_580_030_169,
    3_160_060_337,
    3_950_075_422,
    4_213_413_783,
    4_279_248_374,
    4_292_415_292,
    4_294_609_777,
    4_294_923_276,
    4_294_962_463,
    4_294_966_817,
];

/// Weights beyond this have a probability of 0.4 %, so the branch that handles them is predictable.
const USUAL: usize = 4;

/// Draws the columns that are tried at a node, `max_features` of them, in the order drawn.
pub(super) fn sample_columns(columns: &[u8], max_features: usize, seed: u64, tree: u32, node: u32) -> Vec<u8> {
    let stream = RandomStream::columns(seed, tree);
    let mut columns = columns.to_vec();
    for at in 0..max_features {
        let bits = stream.bits(u64::from(node) << 8 | at as u64);
        // Lemire's multiplication: 32 bits over at most 255 columns are uniform to one in ten million.
        let ahead = ((bits >> 32) * (columns.len() - at) as u64) >> 32;
        columns.swap(at, at + ahead as usize);
    }
    columns.truncate(max_features);
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_poisson_table_agrees_with_the_formula() {
        let (mut term, mut sum) = ((-1f64).exp(), 0.0);
        for (k, &below) in POISSON.iter().enumerate() {
            sum += term;
            term /= (k + 1) as f64;
            assert!((f64::from(below) - sum * 2f64.powi(32)).abs() <= 1.0, "{k}: {below} {}", sum * 2f64.powi(32));
        }
    }

    #[test]
    fn weights_have_the_mean_and_variance_of_poisson_and_are_independent_between_trees() {
        let rows = 200_000;
        let weights = |tree| (0..rows).map(move |row| f64::from(RandomStream::weights(7, tree).weight(row)));
        let mean = weights(0).sum::<f64>() / rows as f64;
        let variance = weights(0).map(|weight| (weight - mean).powi(2)).sum::<f64>() / rows as f64;
        // Five standard errors: of a mean 1 / sqrt(n), of a variance sqrt(3 / n).
        assert!((mean - 1.0).abs() < 5.0 / (rows as f64).sqrt(), "{mean}");
        assert!((variance - 1.0).abs() < 5.0 * (3.0 / rows as f64).sqrt(), "{variance}");
        let together = weights(0).zip(weights(1)).map(|(a, b)| (a - 1.0) * (b - 1.0)).sum::<f64>() / rows as f64;
        assert!(together.abs() < 5.0 / (rows as f64).sqrt(), "{together}");
    }

    #[test]
    fn every_column_is_tried_equally_often() {
        let mut tried = [0u32; 7];
        for node in 0..7000 {
            let drawn = sample_columns(&[0, 1, 2, 3, 4, 5, 6], 3, 1, 0, node);
            assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2] && drawn[0] != drawn[2]);
            drawn.iter().for_each(|&column| tried[usize::from(column)] += 1);
        }
        // 3,000 each, with a standard deviation of 41.
        assert!(tried.iter().all(|&count| count.abs_diff(3000) < 210), "{tried:?}");
    }
}
