//! A domain for the tests of the engine and of connectors: its documents have a field of every type.

#![allow(clippy::unwrap_used)]

use std::{borrow::Cow, time::Duration};

use chrono::DateTime;

use crate::{
    answer::ModelVersion,
    document::{Document, Value},
    domain::{
        Answer, BatchCollections, Collections, Dimension, Domain, EventTopic, Field, FollowedCollections, Reference,
    },
    follow::{Begin, Stage, Version},
    log::{Offset, PartitionId, Position},
    request::{Malformed, MalformedKind, RequestId},
    shadow::ShadowAnswer,
};

/// The domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Toy;

/// A request: a message is its identity.
#[derive(Debug, Clone, PartialEq)]
pub struct ToyRequest {
    /// The identity.
    pub id: RequestId,
}

/// A score.
#[derive(Debug, Clone, PartialEq)]
pub struct ToyScore(
    /// The number that is stored as the prediction.
    pub f64,
);

/// The colour and the whole part of the score.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ToyLabels {
    /// The colour, which is always red.
    pub colour: String,
    /// The whole part of the score.
    pub level: String,
}

impl Domain for Toy {
    type Request = ToyRequest;
    type Score = ToyScore;
    type Labels = ToyLabels;

    const MESSAGE_BYTES_MAX: usize = 1024;
    const FIELDS: &'static [&'static str] = &["UUID", "Colour"];
    const EVENTS: Option<EventTopic> =
        Some(EventTopic { topic: "toy-events", retention: Duration::from_secs(18 * 24 * 3600), fields: &["Subject"] });
    const COLLECTIONS: Collections = Collections {
        database: "toys",
        answers: "toy_answers",
        rejections: "toy_rejections",
        shadows: "toy_shadows",
        followed: Some(FollowedCollections { versions: "toy_versions", requests: "toy_followed" }),
        batch: Some(BatchCollections { tasks: "toy_tasks", results: "toy_results", stamp: "Asked" }),
        reference: Some(Reference {
            collection: "toy_distances",
            name: "table of distances",
            key: &["From", "To"],
            value: "Distance",
        }),
    };
    const DIMENSIONS: &'static [Dimension] =
        &[Dimension { field: "Prediction", is_open: false }, Dimension { field: "Colour", is_open: true }];

    fn decode(message: &[u8]) -> Result<ToyRequest, Malformed> {
        let malformed = |reason: String, kind| Malformed { id: None, reason, kind };
        let text = std::str::from_utf8(message).map_err(|e| malformed(e.to_string(), MalformedKind::NotUtf8))?;
        let id = RequestId::new(text).map_err(|e| malformed(e.to_string(), MalformedKind::Field("UUID")))?;
        Ok(ToyRequest { id })
    }

    fn id(request: &ToyRequest) -> &RequestId {
        &request.id
    }

    fn document(answer: &Answer<Toy>) -> Document<'_> {
        let id = answer.request.id.as_str();
        vec![
            ("_id", Value::text(id)),
            ("UUID", Value::text(id)),
            ("Colour", Value::text("red")),
            ("Size", Value::Int32(7)),
            ("Made", Value::Date(DateTime::from_timestamp(1_482_624_000, 0).unwrap_or_default())),
            ("Remark", Value::Null),
            ("Weights", Value::Doubles([0.125, 0.25, 0.5, 0.125].into())),
            ("Parts", Value::Document(vec![("Wheel", Value::Doubles(vec![0.5].into()))])),
            ("Prediction", Value::Double(answer.score.0)),
            ("ModelVersion", Value::text(answer.model.as_str())),
            ("ScoredAt", Value::Date(answer.scored_at)),
        ]
    }

    fn labels(fields: &[Field<'_>]) -> Option<ToyLabels> {
        let [prediction, colour] = fields else { return None };
        Some(ToyLabels { level: prediction.number()?.trunc().to_string(), colour: colour.text()?.to_owned() })
    }

    fn label(labels: &ToyLabels, dimension: usize) -> Cow<'_, str> {
        Cow::Borrowed(if dimension == 0 { &labels.level } else { &labels.colour })
    }

    fn agrees(one: &ToyScore, other: &ToyScore) -> bool {
        one.0.trunc() == other.0.trunc()
    }

    fn change(one: &ToyScore, other: &ToyScore) -> f64 {
        (one.0 - other.0).abs()
    }

    fn compared(answered: &ToyScore) -> Document<'_> {
        vec![("CurrentPrediction", Value::Double(answered.0))]
    }
}

/// Returns an answer to the request `id` by `model`.
pub fn answer(id: &str, model: &str) -> Answer<Toy> {
    Answer {
        request: ToyRequest { id: RequestId::new(id).unwrap() },
        score: ToyScore(2.0),
        model: ModelVersion::new(model),
        scored_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
    }
}

/// Returns a version of the answer to the request `id`. Version 1 begins the following, of a request at the offset 7.
pub fn version(id: &str, number: u32) -> Version<Toy> {
    let position = Position { partition: PartitionId(3), offset: Offset(7) };
    let begin = Begin { message: id.to_owned(), position, until: 1_700_000_000_000 };
    let stage = if number == 1 { Stage::Begins(begin) } else { Stage::GoesOn };
    Version { answer: answer(id, &format!("m{number}")), number, told: vec![f64::from(number), 0.1], stage }
}

/// Returns the answer of `shadow` to a request that the model "current" answers, with the same score or another.
pub fn shadow_answer(id: &str, shadow: &str, agrees: bool) -> ShadowAnswer<Toy> {
    let answer = answer(id, shadow);
    let answered = if agrees { answer.score.clone() } else { ToyScore(answer.score.0 - 0.5) };
    ShadowAnswer { answer, current: ModelVersion::new("current"), answered }
}

#[cfg(test)]
#[test]
fn two_models_are_compared_as_the_domain_says() {
    let (same, other) = (shadow_answer("a", "new", true), shadow_answer("a", "new", false));
    assert_eq!((same.agrees(), same.change()), (true, 0.0));
    assert_eq!((other.agrees(), other.change()), (false, 0.5));
    let document = other.to_document();
    let names: Vec<_> = document.iter().skip(11).map(|(name, _)| *name).collect();
    assert_eq!(names, ["CurrentModelVersion", "CurrentPrediction", "Agrees", "ProbabilityChange"]);
    assert_eq!((&document[9].1, &document[13].1), (&Value::Text("new".into()), &Value::Int32(0)));
}
