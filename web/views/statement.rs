//! The statement that an answer makes: whether the flight lands less than half an hour late.
//!
//! It is the likelier of two, and so never contradicts the median delay. The most probable of the four classes can be
//! one at 33 %.

use delaycast::flight::{CLASSES, DelayClass};

/// A statement about the arrival, with a probability of a half or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statement {
    /// It is less than 30 minutes late, or early.
    Soon,
    /// It is 30 minutes late or more.
    Late,
}

impl Statement {
    /// Returns the likelier statement by the probabilities of the classes.
    pub(super) fn of(probabilities: &[f64; CLASSES]) -> Self {
        if probabilities[DelayClass::VeryLate.index()] < 0.5 { Statement::Soon } else { Statement::Late }
    }

    /// Returns its probability, 0 to 1.
    pub(super) fn probability(self, probabilities: &[f64; CLASSES]) -> f64 {
        let late = probabilities[DelayClass::VeryLate.index()];
        if self == Statement::Late { late } else { 1.0 - late }
    }

    /// Returns the change of its probability, by those of the classes, which sum to 0.
    pub(super) fn change(self, changes: &[f64; CLASSES]) -> f64 {
        let late = changes[DelayClass::VeryLate.index()];
        if self == Statement::Late { late } else { -late }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likelier_statement_is_made() {
        let soon = [0.2, 0.2, 0.15, 0.45];
        assert_eq!(Statement::of(&soon), Statement::Soon);
        assert!((Statement::Soon.probability(&soon) - 0.55).abs() < 1e-9);
        assert_eq!(Statement::Soon.change(&[0.1, 0.0, 0.1, -0.2]), 0.2);
        let late = [0.1, 0.2, 0.2, 0.5];
        assert_eq!((Statement::of(&late), Statement::Late.probability(&late)), (Statement::Late, 0.5));
    }
}
