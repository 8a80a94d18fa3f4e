//! What is measured, and one value for each measure.

use std::ops::Index;

use serde::{Serialize, Serializer, ser::SerializeMap};

/// A number that says how good predictions are. They are numbered in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Measure {
    /// The mean of −ln(probability of the class that came true), in nats.
    LogLoss,
    /// The share of flights whose most probable class came true.
    Accuracy,
    /// Ranked probability score: the mean squared distance of the cumulative probabilities from what came true, over
    /// the cuts between the classes. 0 is perfect, 1 the worst. (Epstein 1969.)
    Rps,
    /// The mean over the classes of F1, the harmonic mean of precision and recall of the most probable class.
    MacroF1,
    /// Cohen's kappa of most probable and true class with quadratic weights: 0 is chance, 1 perfect. (Cohen 1968.)
    Qwk,
    /// Expected calibration error: how far the highest probability is from the share that it was right, by bins.
    /// (Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017.)
    Ece,
    /// How often a flight that was 30 minutes late or more had a higher probability of that than one that was not;
    /// a tie counts for a half. 0.5 is chance. (Hanley and McNeil 1982.)
    Auc,
    /// The mean squared error of the probability of 30 minutes late or more. (Brier 1950, for two classes.)
    Brier,
}

/// How many measures there are.
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

    /// The name for people.
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

    /// Whether more is better.
    pub fn more_is_better(self) -> bool {
        matches!(self, Measure::Accuracy | Measure::MacroF1 | Measure::Qwk | Measure::Auc)
    }
}

/// One value a measure. In JSON, an object with the measures' names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values<T>([T; MEASURES]);

impl<T> Values<T> {
    /// Asks for the value of each measure.
    pub fn of(value: impl FnMut(Measure) -> T) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_measure_finds_its_own_value_and_json_has_them_by_name() {
        let values = Values::of(Measure::name);
        for measure in Measure::ALL {
            assert_eq!(values[measure], measure.name());
        }
        let json = serde_json::to_string(&values).unwrap();
        assert!(json.starts_with(r#"{"log_loss":"log_loss","accuracy":"accuracy","rps":"rps""#), "{json}");
    }
}
