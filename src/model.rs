//! What scores requests.

use crate::{
    answer::{ModelVersion, Score},
    request::Request,
};

/// A model that is ready to score.
pub trait Scorer: Send + Sync {
    /// Which model this is.
    fn version(&self) -> &ModelVersion;

    /// Appends one score for each request, in order.
    fn score(&self, requests: &[Request], scores: &mut Vec<Score>);
}
