//! A tree as a trainer produces it, and the class probabilities of its nodes.

use serde::{Deserialize, Serialize};

use super::leaf::{Leaf, OUTCOMES};
use crate::flight::{CLASSES, Probabilities};

/// A comparison of one column with a threshold: a row whose number is at most `threshold`, or NaN, goes left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The column that is compared.
    pub column: u8,
    /// The finite number that it is compared with.
    pub threshold: f32,
    /// The left child's index in the tree; the right child is the next one.
    pub left: u32,
}

/// A node: a leaf, or a split with two children.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TreeNode {
    /// The split; `None` at a leaf.
    pub split: Option<Split>,
    /// The class probabilities of the rows that reach the node.
    pub distribution: Distribution,
}

/// A decision tree in level order: node 0 is the root, and the children of the n-th split, from 0, are nodes 2n + 1 and
/// 2n + 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// The nodes.
    pub nodes: Vec<TreeNode>,
    /// The outcomes of the rows of each leaf, in the order of the nodes; empty if they are not known.
    pub leaves: Vec<Leaf>,
}

impl Tree {
    /// Makes a tree, with [`OUTCOMES`] counts of each leaf.
    pub fn new(nodes: Vec<TreeNode>, counts: &[u32]) -> Self {
        let (counts, _) = counts.as_chunks::<OUTCOMES>();
        Tree { nodes, leaves: counts.iter().map(Leaf::from_counts).collect() }
    }

    /// Makes a tree of whose leaves no outcomes are known.
    pub fn without_outcomes(nodes: Vec<TreeNode>) -> Self {
        Tree { nodes, leaves: Vec::new() }
    }
}

/// Class probabilities in units of 2^-15, which sum to 1. Accuracy is unchanged against `f32`: a mean over hundreds of
/// rows is not known to a hundred-thousandth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution([u16; CLASSES]);

const ONE: u16 = 1 << 15;
/// Bytes of a distribution in a file.
const BYTES: usize = 2 * (CLASSES - 1);
/// The value of a unit.
pub(super) const UNIT: f32 = 1.0 / ONE as f32;

impl Distribution {
    /// Equal probabilities.
    pub const UNIFORM: Distribution = Distribution([ONE / CLASSES as u16; CLASSES]);

    /// Probabilities in the ratio of weights, rounded to a unit or two. A class with a weight never becomes impossible.
    /// Weights that are all 0 give [`Self::UNIFORM`].
    pub fn from_weights(weights: [f64; CLASSES]) -> Self {
        let weights = weights.map(|weight| weight.max(0.0));
        let total: f64 = weights.iter().sum();
        if !(total > 0.0 && total.is_finite()) {
            return Self::UNIFORM;
        }
        // Rounds the cumulative sums, so that the last one is 1.
        let (mut sum, mut rounded) = (0.0, 0);
        let mut units = weights.map(|weight| {
            sum += weight;
            let before = rounded;
            rounded = (sum / total * f64::from(ONE)).round() as u16;
            rounded - before
        });
        for class in 0..CLASSES {
            if weights[class] > 0.0 && units[class] == 0 {
                let largest = units.iter_mut().max();
                largest.into_iter().for_each(|units| *units -= 1);
                units[class] = 1;
            }
        }
        Distribution(units)
    }

    /// The probabilities.
    pub fn probabilities(self) -> Probabilities {
        self.0.map(|units| f32::from(units) * UNIT)
    }

    /// The probabilities in units.
    #[inline]
    pub(super) fn units(self) -> [u32; CLASSES] {
        self.0.map(u32::from)
    }

    /// Adds the units to sums.
    #[inline]
    pub(super) fn add_to(&self, sums: &mut [u32; CLASSES]) {
        for (sum, &units) in sums.iter_mut().zip(&self.0) {
            *sum += u32::from(units);
        }
    }

    /// The difference to another distribution, in units.
    pub(super) fn difference(self, other: Distribution) -> [i32; CLASSES] {
        std::array::from_fn(|class| i32::from(self.0[class]) - i32::from(other.0[class]))
    }

    /// The units of all classes but the last, which has the remainder.
    pub(super) fn to_le_bytes(self) -> [u8; BYTES] {
        let [[a, b], [c, d], [e, f], _] = self.0.map(u16::to_le_bytes);
        [a, b, c, d, e, f]
    }

    /// Reads the units without checking their sum; see [`Self::is_valid`].
    pub(super) fn from_le_bytes(&[a, b, c, d, e, f]: &[u8; BYTES]) -> Self {
        let [a, b, c] = [[a, b], [c, d], [e, f]].map(u16::from_le_bytes);
        Distribution([a, b, c, ONE.wrapping_sub(a).wrapping_sub(b).wrapping_sub(c)])
    }

    /// Returns whether the probabilities sum to 1.
    pub(super) fn is_valid(self) -> bool {
        self.units().iter().sum::<u32>() == u32::from(ONE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zero_weights_give_uniform_probabilities_and_a_positive_weight_a_positive_one() {
        for weights in [[0.0; 4], [f64::NAN; 4], [-1.0, 0.0, 0.0, 0.0], [f64::INFINITY, 0.0, 0.0, 1.0]] {
            assert_eq!(Distribution::from_weights(weights), Distribution::UNIFORM, "{weights:?}");
        }
        assert_eq!(Distribution::from_weights([0.5, 0.0, 0.25, 0.25]).probabilities(), [0.5, 0.0, 0.25, 0.25]);
        assert_eq!(Distribution::from_weights([1e12, 0.0, 1e-9, 1.0]).units(), [u32::from(ONE) - 2, 0, 1, 1]);
        let tiny = Distribution::from_weights([1e-9, 1e-9, 1e-9, 0.0]);
        assert_eq!(tiny.units().iter().filter(|units| **units == 0).count(), 1);
    }

    proptest! {
        #[test]
        fn probabilities_are_within_two_units_sum_to_one_and_round_trip_as_bytes(
            weights in prop::array::uniform4(prop_oneof![Just(0.0), 0.0..1.0f64, 0.0..1e9f64]),
        ) {
            let distribution = Distribution::from_weights(weights);
            prop_assert!(distribution.is_valid());
            let total: f64 = weights.iter().sum();
            for (p, weight) in distribution.probabilities().into_iter().zip(weights) {
                let error = (f64::from(p) - weight / total).abs();
                prop_assert!(total == 0.0 || error <= 4.0 * f64::from(UNIT), "{p} {weight}");
                prop_assert!(total == 0.0 || (p > 0.0) == (weight > 0.0), "{p} {weight}");
            }
            prop_assert_eq!(Distribution::from_le_bytes(&distribution.to_le_bytes()), distribution);
        }
    }
}
