//! Class probabilities of a node, in 16 bits each.

use serde::{Deserialize, Serialize};

use crate::flight::{CLASSES, Probabilities};

/// Class probabilities in units of 2^-15, which sum to 1: a quarter and a half are exact, and forests are as wise as with 32 bits, for a mean
/// over hundreds of rows is not known to a hundred-thousandth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution([u16; CLASSES]);

const ONE: u16 = 1 << 15;
/// In a file.
const BYTES: usize = 2 * (CLASSES - 1);
/// A unit.
pub(super) const UNIT: f32 = 1.0 / ONE as f32;

impl Distribution {
    /// Every class as probable as another.
    pub const EVEN: Distribution = Distribution([ONE / CLASSES as u16; CLASSES]);

    /// Probabilities in the ratio of weights, each right to a unit or two; a class with a weight is never impossible. Without any weight, even ones.
    pub fn of(weights: [f64; CLASSES]) -> Self {
        let weights = weights.map(|weight| weight.max(0.0));
        let total: f64 = weights.iter().sum();
        if !(total > 0.0 && total.is_finite()) {
            return Self::EVEN;
        }
        // What is rounded are the sums, so that the last is 1.
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

    /// By how many units they are more than others.
    pub(super) fn more_than(self, other: Distribution) -> [i32; CLASSES] {
        std::array::from_fn(|class| i32::from(self.0[class]) - i32::from(other.0[class]))
    }

    /// The units of all classes but the last, which has the rest.
    pub(super) fn to_le_bytes(self) -> [u8; BYTES] {
        let [[a, b], [c, d], [e, f], _] = self.0.map(u16::to_le_bytes);
        [a, b, c, d, e, f]
    }

    /// What bytes say, be it a distribution or not.
    pub(super) fn unchecked(&[a, b, c, d, e, f]: &[u8; BYTES]) -> Self {
        let [a, b, c] = [[a, b], [c, d], [e, f]].map(u16::from_le_bytes);
        Distribution([a, b, c, ONE.wrapping_sub(a).wrapping_sub(b).wrapping_sub(c)])
    }

    /// Whether it is one.
    pub(super) fn is_sound(self) -> bool {
        self.units().iter().sum::<u32>() == u32::from(ONE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_no_weight_is_even_and_what_has_some_is_possible() {
        for weights in [[0.0; 4], [f64::NAN; 4], [-1.0, 0.0, 0.0, 0.0], [f64::INFINITY, 0.0, 0.0, 1.0]] {
            assert_eq!(Distribution::of(weights), Distribution::EVEN, "{weights:?}");
        }
        assert_eq!(Distribution::of([0.5, 0.0, 0.25, 0.25]).probabilities(), [0.5, 0.0, 0.25, 0.25]);
        assert_eq!(Distribution::of([1e12, 0.0, 1e-9, 1.0]).units(), [u32::from(ONE) - 2, 0, 1, 1]);
        assert_eq!(Distribution::of([1e-9, 1e-9, 1e-9, 0.0]).units().iter().filter(|units| **units == 0).count(), 1);
    }

    proptest! {
        #[test]
        fn probabilities_are_right_to_two_units_sum_to_one_and_survive_as_bytes(
            weights in prop::array::uniform4(prop_oneof![Just(0.0), 0.0..1.0f64, 0.0..1e9f64]),
        ) {
            let distribution = Distribution::of(weights);
            prop_assert!(distribution.is_sound());
            let total: f64 = weights.iter().sum();
            for (p, weight) in distribution.probabilities().into_iter().zip(weights) {
                prop_assert!(total == 0.0 || (f64::from(p) - weight / total).abs() <= 4.0 * f64::from(UNIT), "{p} {weight}");
                prop_assert!(total == 0.0 || (p > 0.0) == (weight > 0.0), "{p} {weight}");
            }
            prop_assert_eq!(Distribution::unchecked(&distribution.to_le_bytes()), distribution);
        }
    }
}
