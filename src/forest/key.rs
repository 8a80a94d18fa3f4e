//! Numbers as whole numbers in the same order.

/// A number's bits, changed so that they compare as the numbers do: -0 and 0 are equal, and NaN is below all others, since a missing
/// number goes left. A comparison of whole numbers leaves a carry, which costs no more to add than nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u32);

const SIGN: u32 = 1 << 31;

impl Key {
    /// Above every number.
    pub(super) const MAX: Key = Key(u32::MAX);

    /// The key of a number.
    #[inline]
    pub(super) fn of(number: f32) -> Self {
        if number.is_nan() {
            return Key(0);
        }
        // -0 + 0 is 0.
        let bits = (number + 0.0).to_bits();
        Key(if bits & SIGN == 0 { bits | SIGN } else { !bits })
    }

    /// The number again, 0 for -0.
    pub(super) fn number(self) -> f32 {
        f32::from_bits(if self.0 & SIGN == 0 { !self.0 } else { self.0 & !SIGN })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_compare_as_numbers_do(a in any::<f32>(), b in any::<f32>()) {
            for (a, b) in [(a, b), (a, a), (a, -a), (0.0, -0.0), (a, f32::INFINITY), (f32::NEG_INFINITY, a)] {
                // What is not greater goes left, NaN included.
                prop_assert_eq!(Key::of(a) > Key::of(b), a > b || (b.is_nan() && !a.is_nan()), "{} {}", a, b);
                prop_assert!(Key::of(a) < Key::MAX);
                prop_assert!(a.is_nan() || Key::of(a).number() == a);
            }
        }
    }
}
