//! The outcomes of the training rows of a leaf, as shares: arrival delays by bin, and cancellations.

use serde::{Deserialize, Serialize};

use crate::flight::{DELAY_BINS, DelayReference, DelayShares, FlightOutcome};

/// The number of counts of a leaf: rows by bin of their delays, then the cancelled.
pub const OUTCOMES: usize = DELAY_BINS + 1;

/// Returns the index of a row's count among those of its leaf. A forest that is given the departure delay counts no
/// cancelled flight, as none has one.
#[inline]
pub(super) fn count_index(outcome: FlightOutcome, reference: DelayReference) -> Option<usize> {
    match (outcome.delay(reference), reference) {
        (Some(bin), _) => Some(bin.index()),
        (None, DelayReference::Schedule) => Some(DELAY_BINS),
        (None, DelayReference::Departure) => None,
    }
}

/// Shares of the rows of a leaf. A share of hundreds of rows is not known better than to the units, and half a cache
/// line holds all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(align(32))]
pub struct Leaf {
    /// Of the rows that arrived, those in each bin of delays, in units of 1/255. They sum to 1; the sum of the first
    /// shares is off by half a unit at most.
    delays: [u8; DELAY_BINS],
    /// Of all rows the cancelled, in units of 1/65,535.
    cancelled: u16,
}

/// The units of a leaf's delays.
const ONE: u8 = u8::MAX;
/// Bytes of a leaf in a file.
const BYTES: usize = DELAY_BINS - 1 + size_of::<u16>();

impl Leaf {
    /// The shares of rows, counted as [`OUTCOMES`] says. Without rows that arrived all delays have equal shares.
    pub fn from_counts(counts: &[u32; OUTCOMES]) -> Self {
        let [delays @ .., cancelled] = counts;
        let sum_of = |counts: &[u32]| counts.iter().map(|&count| u64::from(count)).sum::<u64>();
        let (arrived, all) = (sum_of(delays), sum_of(counts));
        let weight = |count: u32| if arrived == 0 { 1 } else { u64::from(count) };
        let total = if arrived == 0 { DELAY_BINS as u64 } else { arrived };
        // Rounds the cumulative sums, so that the last one is 1.
        let (mut sum, mut rounded) = (0, 0);
        Leaf {
            delays: std::array::from_fn(|bin| {
                sum += weight(delays[bin]);
                let before = rounded;
                // At most 255.
                rounded = divide_rounded(sum * u64::from(ONE), total) as u8;
                rounded - before
            }),
            // At most 65,535.
            cancelled: divide_rounded(u64::from(*cancelled) * u64::from(u16::MAX), all.max(1)) as u16,
        }
    }

    /// The share of the first bin, in units.
    #[inline]
    pub(super) fn first(&self) -> u32 {
        self.delays[0].into()
    }

    /// Returns whether cancelled rows have a share of it.
    pub(super) fn has_cancelled(&self) -> bool {
        self.cancelled > 0
    }

    /// The shares of all bins but the last, which has the remainder, and of the cancelled.
    pub(super) fn to_bytes(self) -> [u8; BYTES] {
        let cancelled = self.cancelled.to_le_bytes();
        std::array::from_fn(|at| match at.checked_sub(DELAY_BINS - 1) {
            None => self.delays[at],
            Some(byte) => cancelled[byte],
        })
    }

    /// Reads the shares; `None` if those of the delays sum to more than 1.
    pub(super) fn from_bytes(bytes: &[u8; BYTES]) -> Option<Self> {
        let (delays, cancelled) = bytes.split_at(DELAY_BINS - 1);
        let last = u8::try_from(delays.iter().map(|&share| u32::from(share)).sum::<u32>()).ok()?;
        Some(Leaf {
            delays: std::array::from_fn(|bin| delays.get(bin).copied().unwrap_or(ONE - last)),
            cancelled: u16::from_le_bytes(cancelled.try_into().ok()?),
        })
    }
}

fn divide_rounded(number: u64, divisor: u64) -> u64 {
    (2 * number + divisor) / (2 * divisor)
}

/// The shares of leaves, summed over trees, in units. [`super::TREES_MAX`] keeps the sums below 2^32.
#[derive(Debug, Clone)]
pub(super) struct LeafSums {
    delays: [u32; DELAY_BINS],
    cancelled: u32,
}

impl LeafSums {
    pub(super) const ZERO: LeafSums = LeafSums { delays: [0; DELAY_BINS], cancelled: 0 };

    #[inline]
    pub(super) fn add(&mut self, leaf: &Leaf) {
        for (sum, &share) in self.delays.iter_mut().zip(&leaf.delays) {
            *sum += u32::from(share);
        }
        self.cancelled += u32::from(leaf.cancelled);
    }

    /// The mean of the delays over `trees` leaves.
    pub(super) fn delays(&self, trees: usize) -> DelayShares {
        let share = 1.0 / (trees as f32 * f32::from(ONE));
        self.delays.map(|units| units as f32 * share)
    }

    /// The mean share of the cancelled over `trees` leaves.
    pub(super) fn cancelled(&self, trees: usize) -> f32 {
        self.cancelled as f32 / (trees as f32 * f32::from(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_leaf_without_rows_has_equal_shares_and_none_cancelled() {
        let leaf = Leaf::from_counts(&[0; OUTCOMES]);
        assert!(leaf.delays.iter().all(|share| (8..=9).contains(share)) && !leaf.has_cancelled());
    }

    #[test]
    fn shares_that_sum_to_more_than_one_are_refused() {
        let mut bytes = [8; BYTES];
        assert!(Leaf::from_bytes(&bytes).is_some());
        bytes[0] = 32;
        assert_eq!(Leaf::from_bytes(&bytes), None);
    }

    proptest! {
        #[test]
        fn sums_of_shares_are_within_half_a_unit_and_round_trip_as_bytes(
            counts in prop::collection::vec(prop_oneof![Just(0), 0..1000u32, any::<u32>()], OUTCOMES),
        ) {
            let counts: [u32; OUTCOMES] = counts.try_into().unwrap();
            let leaf = Leaf::from_counts(&counts);
            let all: u64 = counts.iter().map(|&count| u64::from(count)).sum();
            let cancelled = u64::from(counts[DELAY_BINS]);
            let (mut sum, mut units) = (0, 0);
            for (count, share) in counts.iter().zip(leaf.delays) {
                (sum, units) = (sum + u64::from(*count), units + u32::from(share));
                let exact = sum as f64 * 255.0 / (all - cancelled) as f64;
                prop_assert!(all == cancelled || (f64::from(units) - exact).abs() <= 0.5 + 1e-9, "{} {}", units, exact);
            }
            prop_assert_eq!(units, 255);
            let exact = cancelled as f64 * 65_535.0 / all as f64;
            prop_assert!(all == 0 || (f64::from(leaf.cancelled) - exact).abs() <= 0.5 + 1e-9);
            prop_assert_eq!(Leaf::from_bytes(&leaf.to_bytes()), Some(leaf));
        }
    }
}
