//! The four classes of arrival delay.

use serde::{Deserialize, Serialize};

/// Number of classes.
pub const CLASSES: usize = 4;

/// The cuts between the classes, in minutes of arrival delay. A delay equal to a cut is in the class above.
pub const CLASS_CUTS_MINUTES: [f32; CLASSES - 1] = [-15.0, 0.0, 30.0];

/// One probability per class, in the order of [`DelayClass::ALL`]; they sum to 1.
pub type Probabilities = [f32; CLASSES];

/// An interval of arrival delays, numbered as on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum DelayClass {
    /// More than 15 minutes early.
    Early = 0,
    /// 0 (exclusive) to 15 (inclusive) minutes early.
    SlightlyEarly = 1,
    /// On time to 30 minutes late (exclusive).
    SlightlyLate = 2,
    /// 30 minutes late or more.
    VeryLate = 3,
}

impl DelayClass {
    /// All classes, earliest first. The class at index i has the wire value i.
    pub const ALL: [DelayClass; CLASSES] =
        [DelayClass::Early, DelayClass::SlightlyEarly, DelayClass::SlightlyLate, DelayClass::VeryLate];

    /// The class of an arrival delay in minutes.
    pub fn of_delay(minutes: f32) -> Self {
        Self::ALL[CLASS_CUTS_MINUTES.iter().filter(|&&cut| minutes >= cut).count()]
    }

    /// The most probable class; of equally probable ones the earliest.
    pub fn most_probable(probabilities: &Probabilities) -> Self {
        let mut best = 0;
        for class in 1..CLASSES {
            if probabilities[class] > probabilities[best] {
                best = class;
            }
        }
        Self::ALL[best]
    }

    /// The index in [`Self::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The value of `Prediction` on the wire: 0.0 to 3.0.
    pub fn wire_value(self) -> f64 {
        f64::from(self as u8)
    }

    /// The class of a `Prediction` on the wire.
    pub fn of_wire_value(value: f64) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.wire_value() == value)
    }

    /// The class in words.
    pub fn label(self) -> &'static str {
        match self {
            DelayClass::Early => "more than 15 minutes early",
            DelayClass::SlightlyEarly => "up to 15 minutes early",
            DelayClass::SlightlyLate => "on time to 30 minutes late",
            DelayClass::VeryLate => "30 minutes late or more",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DelayClass::{self, *};

    #[test]
    fn a_delay_on_a_cut_is_in_the_class_above() {
        let cases = [
            (-60.0, Early),
            (-15.01, Early),
            (-15.0, SlightlyEarly),
            (-0.01, SlightlyEarly),
            (0.0, SlightlyLate),
            (29.99, SlightlyLate),
            (30.0, VeryLate),
            (1500.0, VeryLate),
        ];
        for (minutes, class) in cases {
            assert_eq!(DelayClass::of_delay(minutes), class, "{minutes}");
        }
    }

    #[test]
    fn of_equally_probable_classes_the_earliest_wins() {
        assert_eq!(DelayClass::most_probable(&[0.25; 4]), Early);
        assert_eq!(DelayClass::most_probable(&[0.1, 0.4, 0.4, 0.1]), SlightlyEarly);
    }
}
