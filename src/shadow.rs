//! What a candidate model says beside the one that answers. It is stored apart, and shown to nobody who asked.

use serde::Serialize;

use crate::{
    answer::{Answer, ModelVersion, Score},
    document::{Document, Value},
};

/// What a shadow says of a request that another model answers.
#[derive(Debug, Clone, PartialEq)]
pub struct ShadowAnswer {
    /// What it says, as an answer.
    pub answer: Answer,
    /// The model that answers.
    pub current: ModelVersion,
    /// What that one says.
    pub answered: Score,
}

impl ShadowAnswer {
    /// Whether both hold the same class most probable.
    pub fn agrees(&self) -> bool {
        self.answer.score.class == self.answered.class
    }

    /// How far the probabilities are apart: the sum of the absolute differences, 0 to 2.
    pub fn change(&self) -> f64 {
        let pairs = self.answer.score.probabilities.iter().zip(&self.answered.probabilities);
        pairs.map(|(p, q)| f64::from((p - q).abs())).sum()
    }

    /// The document: that of the shadow's answer, and what it is compared with.
    pub fn to_document(&self) -> Document {
        let Score { probabilities, class, .. } = &self.answered;
        let mut document = self.answer.to_document();
        document.extend([
            ("CurrentModelVersion", Value::Text(self.current.to_string())),
            ("CurrentPrediction", Value::Double(class.wire_value())),
            ("CurrentProbabilities", Value::Doubles(probabilities.iter().map(|&p| f64::from(p)).collect())),
            ("Agrees", Value::Int32(self.agrees().into())),
            ("ProbabilityChange", Value::Double(self.change())),
        ]);
        document
    }
}

/// What is stored of one model beside another, summed up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The shadow.
    pub shadow: String,
    /// The model that answered.
    pub current: String,
    /// How many requests both have scored.
    pub compared: u64,
    /// Of how many both held the same class most probable.
    pub agreed: u64,
    /// The mean of [`ShadowAnswer::change`].
    pub mean_change: f64,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{classes::DelayClass, store::promises::answer};

    /// What `shadow` says beside a model called "current", the same or not.
    pub(crate) fn shadow_answer(id: &str, shadow: &str, agrees: bool) -> ShadowAnswer {
        let answer = answer(id, shadow);
        let mut answered = answer.score.clone();
        if !agrees {
            answered.probabilities = [0.125, 0.5, 0.25, 0.125];
            answered.class = DelayClass::most_probable(&answered.probabilities);
        }
        ShadowAnswer { answer, current: ModelVersion::new("current"), answered }
    }

    #[test]
    fn two_models_are_compared_by_class_and_by_probabilities() {
        let (same, other) = (shadow_answer("a", "new", true), shadow_answer("a", "new", false));
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
    }
}
