//! The model version of an answer, and the rejection of a request that gets none.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{
    document::{Document, Value},
    request::RequestId,
};

/// The version of a trained model: the name of its folder in the model directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelVersion(Arc<str>);

impl ModelVersion {
    /// Returns the version of this name.
    pub fn new(name: &str) -> Self {
        ModelVersion(name.into())
    }

    /// Returns the version's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The reason why a request has no answer. A prediction under the same id outranks it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// The request.
    pub id: RequestId,
    /// The reason, which names the field.
    pub reason: String,
    /// The time of the rejection.
    pub rejected_at: DateTime<Utc>,
}

impl Rejection {
    /// Returns the document that is stored.
    pub fn to_document(&self) -> Document<'_> {
        vec![
            ("_id", Value::text(self.id.as_str())),
            ("UUID", Value::text(self.id.as_str())),
            ("Reason", Value::text(&self.reason)),
            ("RejectedAt", Value::Date(self.rejected_at)),
        ]
    }
}
