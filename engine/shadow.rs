//! The answers of a shadow: a candidate model beside the current one. They are stored apart and never returned to a
//! client.

use serde::Serialize;

use crate::{
    answer::ModelVersion,
    document::{Document, Value},
    domain::{Answer, Domain},
};

/// The answer of a shadow to a request that the current model answers.
#[derive(Debug, Clone, PartialEq)]
pub struct ShadowAnswer<D: Domain> {
    /// The shadow's answer.
    pub answer: Answer<D>,
    /// The model that answers.
    pub current: ModelVersion,
    /// The score of the current model.
    pub answered: D::Score,
}

impl<D: Domain> ShadowAnswer<D> {
    /// Returns whether both scores agree: see [`Domain::agrees`].
    pub fn agrees(&self) -> bool {
        D::agrees(&self.answer.score, &self.answered)
    }

    /// Returns the distance of the scores: see [`Domain::change`].
    pub fn change(&self) -> f64 {
        D::change(&self.answer.score, &self.answered)
    }

    /// Returns the document: that of the shadow's answer, and the values that it is compared with.
    pub fn to_document(&self) -> Document<'_> {
        let mut document = self.answer.to_document();
        document.push(("CurrentModelVersion", Value::text(self.current.as_str())));
        document.extend(D::compared(&self.answered));
        document.push(("Agrees", Value::Int32(self.agrees().into())));
        document.push(("ProbabilityChange", Value::Double(self.change())));
        document
    }
}

/// The summary of what is stored of a shadow beside one current model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The shadow.
    pub shadow: String,
    /// The model that answered.
    pub current: String,
    /// The number of requests that both have scored.
    pub compared: u64,
    /// The number of those for which both hold the same class most probable.
    pub agreed: u64,
    /// The mean of [`ShadowAnswer::change`].
    pub mean_change: f64,
}
