//! The results of a request: an answer, or a rejection.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{
    document::{Document, Value},
    domain::Domain,
    request::RequestId,
};

/// Which trained model answered: the name of its folder in the model directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelVersion(Arc<str>);

impl ModelVersion {
    /// Names a version.
    pub fn new(name: &str) -> Self {
        ModelVersion(name.into())
    }

    /// The version's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A scored request, ready for the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<D: Domain> {
    /// The request.
    pub request: D::Request,
    /// The model's score.
    pub score: D::Score,
    /// The model.
    pub model: ModelVersion,
    /// When it was scored.
    pub scored_at: DateTime<Utc>,
}

impl<D: Domain> Answer<D> {
    /// The request's identity.
    pub fn id(&self) -> &RequestId {
        D::id(&self.request)
    }

    /// The document that is stored: see [`Domain::document`].
    pub fn to_document(&self) -> Document {
        D::document(self)
    }
}

/// The reason why a request has no answer. A prediction under the same id outranks it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// The request.
    pub id: RequestId,
    /// Why, naming the field.
    pub reason: String,
    /// When it was rejected.
    pub rejected_at: DateTime<Utc>,
}

impl Rejection {
    /// The document that is stored.
    pub fn to_document(&self) -> Document {
        vec![
            ("_id", Value::Text(self.id.as_str().to_owned())),
            ("UUID", Value::Text(self.id.as_str().to_owned())),
            ("Reason", Value::Text(self.reason.clone())),
            ("RejectedAt", Value::Date(self.rejected_at)),
        ]
    }
}
