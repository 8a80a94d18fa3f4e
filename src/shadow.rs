//! The answers of a candidate model beside those of the model in use.

pub use engine::shadow::Comparison;

use crate::domain::Flights;

/// The answer of a shadow to a request that another model answers.
pub type ShadowAnswer = engine::shadow::ShadowAnswer<Flights>;

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{
        answer::{Answer, ModelVersion, Score},
        document::Value,
        features::KnownInputs,
        flight::DelayClass,
        request,
    };

    /// A shadow's answer beside that of a model called "current", of the same class or of another.
    fn shadow_answer(agrees: bool) -> ShadowAnswer {
        let message =
            br#"{"DepDelay":5.0,"Carrier":"AA","FlightDate":"2016-12-25","Dest":"SFO","Origin":"ATL","UUID":"a"}"#;
        let score = Score {
            probabilities: [0.125, 0.25, 0.5, 0.125],
            class: DelayClass::SlightlyLate,
            distance: 2139.0,
            remarks: vec![],
            forest: KnownInputs { dep_delay: true, ..KnownInputs::NONE },
            explanation: None,
        };
        let mut answered = score.clone();
        if !agrees {
            answered.probabilities = [0.125, 0.5, 0.25, 0.125];
            answered.class = DelayClass::most_probable(&answered.probabilities);
        }
        let (model, scored_at) = (ModelVersion::new("new"), DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let answer = Answer { request: request::decode(message).unwrap(), score, model, scored_at };
        ShadowAnswer { answer, current: ModelVersion::new("current"), answered }
    }

    #[test]
    fn two_models_are_compared_by_class_and_by_probabilities() {
        let (same, other) = (shadow_answer(true), shadow_answer(false));
        assert_eq!((same.agrees(), same.change()), (true, 0.0));
        assert_eq!((other.agrees(), other.change()), (false, 0.5));
        let document = other.to_document();
        let field = |name| document.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone());
        assert_eq!(field("ModelVersion"), Some(Value::Text("new".into())));
        assert_eq!(
            (field("Prediction"), field("CurrentPrediction")),
            (Some(Value::Double(2.0)), Some(Value::Double(1.0)))
        );
        assert_eq!((field("Agrees"), field("ProbabilityChange")), (Some(Value::Int32(0)), Some(Value::Double(0.5))));
        let names: Vec<_> = document.iter().rev().take(5).rev().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            ["CurrentModelVersion", "CurrentPrediction", "CurrentProbabilities", "Agrees", "ProbabilityChange"]
        );
    }
}
