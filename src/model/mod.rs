//! What is trained and loaded: two forests, the features and the atlas, in one checked file ([`Model::encode`]) in a
//! versioned directory ([`ModelDir`]).

mod candidate;
mod choice;
mod directory;
mod file;
mod files;
mod role;
mod version;
mod watch;

use serde::{Deserialize, Serialize};

pub use candidate::{Candidate, Latest, Loader, Wish, Wishes};
pub use choice::{HISTORY_FILE, HISTORY_MAX, Listed};
pub use directory::{CURRENT_FILE, MODEL_FILE, ModelDir, ModelDirError, VERSIONS_MAX};
pub use file::{FORMAT, MODEL_BYTES_MAX, ModelFileError};
pub use role::Role;
pub use version::{published_at, version_name};
pub use watch::{LOOK, RETRY_MAX, Watcher, watch};

use crate::{
    answer::{ModelVersion, Score},
    atlas::{Atlas, Route},
    classes::{DelayClass, Probabilities},
    evaluate::{Evaluation, Window},
    features::{Encoded, FeatureSet, Preset, Query},
    forest::{Forest, ForestSettings},
    request::Request,
};

/// Scores requests: what the score dataflow needs of a model.
pub trait Scorer: Send + Sync {
    /// Which model answers.
    fn version(&self) -> &ModelVersion;

    /// Appends one score a request, in the requests' order.
    fn score(&self, requests: &[Request], scores: &mut Vec<Score>);
}

/// How a model came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The choice of features.
    pub preset: Preset,
    /// How the forests were grown, the seed included.
    pub settings: ForestSettings,
    /// The days trained on.
    pub window: Window,
    /// How many flights were trained on.
    pub trained_on: u64,
    /// What forests of the same kind, trained on the window's earlier days, made of its later days.
    pub evaluation: Evaluation,
}

/// Parts that do not fit together, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the parts of the model do not fit: {0}")]
pub struct Mismatch(String);

/// A trained model. Its parts are private, for they must fit together.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    features: FeatureSet,
    atlas: Atlas,
    origin: Origin,
    with_dep_delay: Forest,
    before_departure: Forest,
}

impl Model {
    /// Puts a model together: the forest that is given the departure delay, and the one that does without.
    pub fn new(
        features: FeatureSet,
        atlas: Atlas,
        origin: Origin,
        with_dep_delay: Forest,
        before_departure: Forest,
    ) -> Result<Self, Mismatch> {
        features.check().map_err(|error| Mismatch(error.to_string()))?;
        let width = features.width();
        if with_dep_delay.width() != width || before_departure.width() != width {
            return Err(Mismatch(format!("the forests were not grown on rows of {width} columns")));
        }
        let known = features.columns_before_departure();
        if (0..width).any(|column| before_departure.uses_column(column) && !known.contains(&column)) {
            return Err(Mismatch("the forest without departure delay asks for it".to_owned()));
        }
        Ok(Model { features, atlas, origin, with_dep_delay, before_departure })
    }

    /// The features.
    pub fn features(&self) -> &FeatureSet {
        &self.features
    }

    /// The airports and airlines known in training.
    pub fn atlas(&self) -> &Atlas {
        &self.atlas
    }

    /// The same model with these routes on top of those of its atlas. Distances are the only numbers that a model does
    /// not fix in training: it was trained on those that the flights came with, in miles, as any table of them has.
    pub fn with_routes(self, routes: &[Route]) -> Self {
        Model { atlas: self.atlas.with_routes(routes), ..self }
    }

    /// How the model came about.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The forest that is given the departure delay.
    pub fn with_dep_delay(&self) -> &Forest {
        &self.with_dep_delay
    }

    /// The forest that does without the departure delay.
    pub fn before_departure(&self) -> &Forest {
        &self.before_departure
    }

    /// Appends one score a request, in the requests' order. A request without a departure delay is answered by the
    /// forest that does without.
    pub fn score(&self, requests: &[Request], scores: &mut Vec<Score>) {
        let (mut rows_with, mut rows_before) = (Vec::new(), Vec::new());
        let encode = |request: &Request| {
            let rows = if request.dep_delay.is_some() { &mut rows_with } else { &mut rows_before };
            self.features.encode(&Query::from(request), &self.atlas, rows)
        };
        let encoded: Vec<Encoded> = requests.iter().map(encode).collect();
        let mut with = self.with_dep_delay.probabilities_of_all(&rows_with).into_iter();
        let mut before = self.before_departure.probabilities_of_all(&rows_before).into_iter();
        scores.extend(requests.iter().zip(encoded).filter_map(|(request, encoded)| {
            let probabilities = if request.dep_delay.is_some() { with.next() } else { before.next() };
            // One row was encoded for each request, so none is dropped here.
            Some(to_score(probabilities?, request, encoded))
        }));
    }

    /// Gives the model the version that it is published under.
    pub fn versioned(self, version: ModelVersion) -> VersionedModel {
        VersionedModel { version, model: self }
    }
}

/// A forest's probabilities are means of distributions that [`Forest::new`] has checked: finite, and summing to 1.
fn to_score(probabilities: Probabilities, request: &Request, encoded: Encoded) -> Score {
    let class = DelayClass::most_probable(&probabilities);
    // An asker's distance comes back as it was asked.
    let distance = request.distance.unwrap_or(f64::from(encoded.distance));
    Score { probabilities, class, distance, remarks: encoded.remarks }
}

/// A model under the name that its answers carry.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionedModel {
    /// The name.
    pub version: ModelVersion,
    /// The model.
    pub model: Model,
}

impl Scorer for VersionedModel {
    fn version(&self) -> &ModelVersion {
        &self.version
    }

    fn score(&self, requests: &[Request], scores: &mut Vec<Score>) {
        self.model.score(requests, scores);
    }
}

#[cfg(test)]
pub(crate) mod tests;
