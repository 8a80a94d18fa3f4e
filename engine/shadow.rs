//! What a candidate model says beside the one that answers. It is stored apart, and shown to nobody who asked.

use serde::Serialize;

use crate::{
    answer::{Answer, ModelVersion},
    document::{Document, Value},
    domain::Domain,
};

/// What a shadow says of a request that another model answers.
#[derive(Debug, Clone, PartialEq)]
pub struct ShadowAnswer<D: Domain> {
    /// What it says, as an answer.
    pub answer: Answer<D>,
    /// The model that answers.
    pub current: ModelVersion,
    /// What that one says.
    pub answered: D::Score,
}

impl<D: Domain> ShadowAnswer<D> {
    /// Whether both scores agree: see [`Domain::agrees`].
    pub fn agrees(&self) -> bool {
        D::agrees(&self.answer.score, &self.answered)
    }

    /// The distance of the scores: see [`Domain::change`].
    pub fn change(&self) -> f64 {
        D::change(&self.answer.score, &self.answered)
    }

    /// The document: that of the shadow's answer, and what it is compared with.
    pub fn to_document(&self) -> Document {
        let mut document = self.answer.to_document();
        document.push(("CurrentModelVersion", Value::Text(self.current.to_string())));
        document.extend(D::compared(&self.answered));
        document.push(("Agrees", Value::Int32(self.agrees().into())));
        document.push(("ProbabilityChange", Value::Double(self.change())));
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
