//! What is trained and loaded: two forests, the features and the airports, in one checked file ([`Model::encode`]) in a
//! versioned directory ([`ModelDir`]).

mod explaining;
mod file;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use engine::model::{
    CURRENT_FILE, Candidate, DesiredModel, DesiredModels, HISTORY_FILE, HISTORY_MAX, LOOK, Latest, Loader,
    MODEL_BYTES_MAX, MODEL_FILE, ModelDirError, ModelFile, Predict, RETRY_MAX, Role, Scorer, VERSIONS_MAX,
    published_at, version_name, watch,
};
pub use file::{FORMAT, ModelFileError};

use explaining::{ForestExplainer, answers};

use crate::{
    airports::{Airports, Route},
    answer::{ModelVersion, Score},
    domain::Flights,
    evaluate::{Evaluation, Window},
    explanation::Explanation,
    features::{EncodedRow, FeatureSet, KnownInputs, Preset, Query},
    flight::{DelayClass, Probabilities},
    forest::{ForestSettings, Forests},
    request::Request,
};

/// A directory of models.
pub type ModelDir = engine::model::ModelDir<Model>;
/// A version of a directory.
pub type Listed = engine::model::Listed<Model>;
/// Watches what a directory names for a role.
pub type Watcher = engine::model::Watcher<Model>;
/// A model under the name that its answers carry.
pub type VersionedModel = engine::model::Versioned<Model>;

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
    airports: Airports,
    origin: Origin,
    forests: Forests,
    /// One for each forest, if scores are to say why.
    explainers: BTreeMap<KnownInputs, ForestExplainer>,
}

impl Model {
    /// Puts a model together.
    pub fn new(features: FeatureSet, airports: Airports, origin: Origin, forests: Forests) -> Result<Self, Mismatch> {
        features.check().map_err(|error| Mismatch(error.to_string()))?;
        let width = features.width();
        for (given, forest) in forests.iter() {
            if forest.width() != width {
                return Err(Mismatch(format!("a forest was not grown on rows of {width} columns")));
            }
            let known = features.columns_known(given);
            if (0..width).any(|column| forest.uses_column(column) && !known.contains(&column)) {
                return Err(Mismatch(format!("the forest {given} asks for what it is not given")));
            }
        }
        Ok(Model { features, airports, origin, forests, explainers: BTreeMap::new() })
    }

    /// The features.
    pub fn features(&self) -> &FeatureSet {
        &self.features
    }

    /// The airports and airlines known in training.
    pub fn airports(&self) -> &Airports {
        &self.airports
    }

    /// The same model with these routes on top of those of its airports. Distances are the only numbers that a model does
    /// not fix in training: it was trained on those that the flights came with, in miles, as any table of them has.
    pub fn with_routes(self, routes: &[Route]) -> Self {
        Model { airports: self.airports.with_routes(routes), ..self }
    }

    /// The same model, whose scores say why. That takes some milliseconds, and 16 bytes a node and 16
    /// a leaf and factor: about three times what the forests take.
    pub fn explaining(mut self) -> Self {
        let explainer = |(given, forest)| (given, ForestExplainer::new(forest, &self.features));
        self.explainers = self.forests.iter().map(explainer).collect();
        self
    }

    /// How the model came about.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The forests.
    pub fn forests(&self) -> &Forests {
        &self.forests
    }

    /// Appends one score a request, in the requests' order. Each is answered by the forest that makes the most of what it gives.
    pub fn score(&self, requests: &[Request], scores: &mut Vec<Score>) {
        let width = self.features.width();
        let mut rows = Vec::with_capacity(requests.len() * width);
        let encode = |request| self.features.encode(&Query::from(request), &self.airports, &mut rows);
        let encoded: Vec<EncodedRow> = requests.iter().map(encode).collect();
        let mut answered = vec![None; requests.len()];
        for (given, forest) in self.forests.iter() {
            let asked = |at: &usize| self.forests.of(encoded[*at].inputs).0 == given;
            let asked: Vec<usize> = (0..requests.len()).filter(asked).collect();
            let rows: Vec<f32> = asked.iter().flat_map(|at| &rows[at * width..(at + 1) * width]).copied().collect();
            for (at, answer) in asked.into_iter().zip(answers(forest, self.explainers.get(&given), &rows)) {
                answered[at] = Some((answer, given));
            }
        }
        scores.extend(requests.iter().zip(encoded).zip(answered).filter_map(|((request, encoded), answered)| {
            // Every request is asked of one forest, so none is dropped here.
            let ((probabilities, explanation), forest) = answered?;
            Some(to_score(probabilities, explanation, forest, request, encoded))
        }));
    }

    /// Gives the model the version that it is published under.
    pub fn versioned(self, version: ModelVersion) -> VersionedModel {
        VersionedModel { version, model: self }
    }
}

/// A forest's probabilities are means of distributions that [`Forest::new`] has checked: finite, and summing to 1.
fn to_score(
    probabilities: Probabilities,
    explanation: Option<Explanation>,
    forest: KnownInputs,
    request: &Request,
    encoded: EncodedRow,
) -> Score {
    let class = DelayClass::most_probable(&probabilities);
    // An asker's distance comes back as it was asked.
    let distance = request.distance.unwrap_or(f64::from(encoded.distance));
    Score { probabilities, class, distance, remarks: encoded.remarks, forest, explanation }
}

impl Predict<Flights> for Model {
    fn predict(&self, requests: &[Request], scores: &mut Vec<Score>) {
        self.score(requests, scores);
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
pub(crate) mod tests;
