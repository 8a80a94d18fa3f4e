//! The measures, one value for each, and those that follow from a confusion matrix.

use std::ops::Index;

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::flight::CLASSES;

/// A measure of predictions. Measures are numbered in display order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Measure {
    /// The mean of −ln(probability of the outcome), in nats.
    LogLoss,
    /// The share of flights whose most probable class is the outcome.
    Accuracy,
    /// Ranked probability score: the mean squared distance of the cumulative probabilities from the outcome, over the
    /// cuts between the classes. 0 is perfect, 1 the worst. (Epstein 1969.)
    Rps,
    /// The mean over the classes of F1, the harmonic mean of precision and recall of the most probable class.
    MacroF1,
    /// Cohen's kappa of most probable class and outcome with quadratic weights: 0 is chance, 1 perfect. (Cohen 1968.)
    Qwk,
    /// Expected calibration error: the distance of the highest probability from the share of flights for which its
    /// class is the outcome, by bins. (Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017.)
    Ece,
    /// Area under the ROC curve: the share of pairs in which a flight that was 30 minutes late or more had a higher
    /// probability of that than one that was not; a tie counts for a half. 0.5 is chance. (Hanley and McNeil 1982.)
    Auc,
    /// The mean squared error of the probability of 30 minutes late or more. (Brier 1950, for two classes.)
    Brier,
}

/// The number of measures.
pub const MEASURES: usize = 8;

impl Measure {
    /// All measures: the one at index i has the number i.
    pub const ALL: [Measure; MEASURES] = [
        Measure::LogLoss,
        Measure::Accuracy,
        Measure::Rps,
        Measure::MacroF1,
        Measure::Qwk,
        Measure::Ece,
        Measure::Auc,
        Measure::Brier,
    ];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Accuracy => "accuracy",
            Measure::LogLoss => "log_loss",
            Measure::Rps => "rps",
            Measure::MacroF1 => "macro_f1",
            Measure::Qwk => "qwk",
            Measure::Ece => "ece",
            Measure::Auc => "auc",
            Measure::Brier => "brier",
        }
    }

    /// The name that is displayed.
    pub fn label(self) -> &'static str {
        match self {
            Measure::Accuracy => "accuracy",
            Measure::LogLoss => "log-loss",
            Measure::Rps => "RPS",
            Measure::MacroF1 => "macro-F1",
            Measure::Qwk => "QWK",
            Measure::Ece => "ECE",
            Measure::Auc => "AUC≥30",
            Measure::Brier => "Brier≥30",
        }
    }

    /// Returns whether a higher value is better.
    pub fn more_is_better(self) -> bool {
        matches!(self, Measure::Accuracy | Measure::MacroF1 | Measure::Qwk | Measure::Auc)
    }
}

/// One value for each measure. In JSON, an object with the measures' names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values<T>([T; MEASURES]);

impl<T> Values<T> {
    /// Calls `value` for each measure.
    pub fn from_fn(value: impl FnMut(Measure) -> T) -> Self {
        Values(Measure::ALL.map(value))
    }
}

impl<T> Index<Measure> for Values<T> {
    type Output = T;

    fn index(&self, measure: Measure) -> &T {
        &self.0[measure as usize]
    }
}

impl<T: Serialize> Serialize for Values<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(MEASURES))?;
        for measure in Measure::ALL {
            map.serialize_entry(measure.name(), &self[measure])?;
        }
        map.end()
    }
}

/// Flights by outcome (outer) and most probable class (inner).
pub(super) type Confusion = [[u64; CLASSES]; CLASSES];

fn outcomes_of(confusion: &Confusion, class: usize) -> u64 {
    confusion[class].iter().sum()
}

fn predictions_of(confusion: &Confusion, class: usize) -> u64 {
    confusion.iter().map(|row| row[class]).sum()
}

/// The mean of the classes' F1; a class that neither occurs nor is predicted is left out. `None` without flights.
pub(super) fn macro_f1(confusion: &Confusion) -> Option<f64> {
    let f1 = |class: usize| {
        let either = outcomes_of(confusion, class) + predictions_of(confusion, class);
        (either > 0).then(|| 2.0 * confusion[class][class] as f64 / either as f64)
    };
    let known: Vec<f64> = (0..CLASSES).filter_map(f1).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// The agreement of outcomes and predictions beyond chance, where an error by two classes weighs four times as much as
/// one by one class. 0 if outcomes and predictions have one class in all; `None` without flights.
pub(super) fn quadratic_weighted_kappa(confusion: &Confusion) -> Option<f64> {
    let rows: u64 = confusion.iter().flatten().sum();
    if rows == 0 {
        return None;
    }
    let (mut observed, mut by_chance) = (0.0, 0.0);
    for (outcome, row) in confusion.iter().enumerate() {
        for (predicted, &count) in row.iter().enumerate() {
            let weight = outcome.abs_diff(predicted).pow(2) as f64;
            observed += weight * count as f64;
            by_chance += weight * outcomes_of(confusion, outcome) as f64 * predictions_of(confusion, predicted) as f64
                / rows as f64;
        }
    }
    Some(if by_chance > 0.0 { 1.0 - observed / by_chance } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_measure_finds_its_own_value_and_json_has_them_by_name() {
        let values = Values::from_fn(Measure::name);
        for measure in Measure::ALL {
            assert_eq!(values[measure], measure.name());
        }
        let json = serde_json::to_string(&values).unwrap();
        assert!(json.starts_with(r#"{"log_loss":"log_loss","accuracy":"accuracy","rps":"rps""#), "{json}");
    }

    fn close(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-12), "{found:?}, not {expected}");
    }

    #[test]
    fn f1_and_kappa_agree_with_values_computed_by_hand() {
        let mut confusion = Confusion::default();
        (confusion[0][0], confusion[0][1], confusion[1][1], confusion[3][0]) = (3, 1, 2, 2);
        // F1: 6/9, 4/5, class 2 does not occur, 0/2.
        close(macro_f1(&confusion), (6.0 / 9.0 + 4.0 / 5.0 + 0.0) / 3.0);
        // Observed: 1·1 + 9·2 = 19. By chance, with rows 4, 2, 0, 2 and columns 5, 3, 0, 0 of 8:
        // (4·3·1 + 2·5·1 + 2·5·9 + 2·3·4) / 8 = 136 / 8 = 17.
        close(quadratic_weighted_kappa(&confusion), 1.0 - 19.0 / 17.0);
    }

    #[test]
    fn kappa_is_1_if_perfect_0_by_chance_and_undefined_without_flights() {
        let mut perfect = Confusion::default();
        (0..CLASSES).for_each(|class| perfect[class][class] = 5);
        close(macro_f1(&perfect), 1.0);
        close(quadratic_weighted_kappa(&perfect), 1.0);
        let constant: Confusion = [[0, 7, 0, 0]; CLASSES];
        close(quadratic_weighted_kappa(&constant), 0.0);
        let mut single = Confusion::default();
        single[2][2] = 9;
        close(quadratic_weighted_kappa(&single), 0.0);
        assert_eq!((macro_f1(&Confusion::default()), quadratic_weighted_kappa(&Confusion::default())), (None, None));
    }
}
