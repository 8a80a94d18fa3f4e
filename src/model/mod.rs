//! A trained model: classifiers, features and airports, in one checked file ([`Model::encode`]) in a versioned
//! directory ([`ModelDir`]).
//!
//! # Example
//!
//! Loads the model that `delaycast train --models var/models` has published, and scores a request.
//!
//! ```
//! # mod few_flights { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/model/few_flights.rs")); }
//! use delaycast::{flight::DelayClass, model::{ModelDir, VersionedModel}, request};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("models");
//! # ModelDir::new(&path).publish(few_flights::train()?, engine::clock::now())?;
//! let VersionedModel { version, model } = ModelDir::new(path).load_current()?;
//! println!("scoring with {version}: {}", model.origin().settings);
//!
//! let requests = [request::decode(
//!     br#"{"UUID":"u-1","Carrier":"B6","Origin":"JFK","Dest":"LAX","FlightDate":"2013-02-10","DepDelay":55}"#,
//! )?];
//! let mut scores = Vec::new();
//! model.score(&requests, &mut scores);
//! assert_eq!((scores.len(), scores[0].class), (1, DelayClass::VeryLate));
//!
//! // With explanations: how much each fact of the flight has changed the probability of each class.
//! let mut explained = Vec::new();
//! model.explaining().score(&requests, &mut explained);
//! assert!(explained[0].explanation.is_some());
//! # Ok(())
//! # }
//! ```

mod file;

use std::collections::BTreeMap;

use engine::{answer::ModelVersion, model::Predict};
use serde::{Deserialize, Serialize};

use crate::{
    airports::{Airports, Route},
    answer::Score,
    classifier::{Classifier, ClassifierExplainer, ClassifierSettings, Classifiers},
    delay_forecast::DelayForecast,
    domain::Flights,
    evaluate::{Evaluation, Window},
    explanation::{Explanation, Factor},
    features::{Column, EncodedRow, FeatureSet, KnownInputs, Preset, Query, Remark},
    flight::DelayClass,
    forest::Prediction,
    request::Request,
};

pub use file::{FORMAT, ModelFileError};

/// A directory of models.
pub type ModelDir = engine::model::ModelDir<Model>;
/// A version of a directory.
pub type Listed = engine::model::Listed<Model>;
/// Watches what a directory names for a role.
pub type Watcher = engine::model::Watcher<Model>;
/// A model under the name that its answers carry.
pub type VersionedModel = engine::model::Versioned<Model>;

/// The origin of a model: its training and evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The choice of features.
    pub preset: Preset,
    /// The settings of the classifiers, the seed included.
    pub settings: ClassifierSettings,
    /// The days trained on.
    pub window: Window,
    /// The number of flights trained on.
    pub trained_on: u64,
    /// The evaluation of classifiers with the same settings, trained on the window's earlier days, on its later days.
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
    classifiers: Classifiers,
    /// One for each classifier, if scores have explanations.
    explainers: BTreeMap<KnownInputs, FactorExplainer>,
}

impl Model {
    /// Assembles a model.
    pub fn new(
        features: FeatureSet,
        airports: Airports,
        origin: Origin,
        classifiers: Classifiers,
    ) -> Result<Self, Mismatch> {
        features.check().map_err(|error| Mismatch(error.to_string()))?;
        let width = features.width();
        for (given, classifier) in classifiers.iter() {
            if classifier.width() != width {
                return Err(Mismatch(format!("a forest was not grown on rows of {width} columns")));
            }
            let known = features.columns_known(given);
            if (0..width).any(|column| classifier.uses_column(column) && !known.contains(&column)) {
                return Err(Mismatch(format!("the forest {given} asks for what it is not given")));
            }
        }
        Ok(Model { features, airports, origin, classifiers, explainers: BTreeMap::new() })
    }

    /// The features.
    pub fn features(&self) -> &FeatureSet {
        &self.features
    }

    /// The airports and airlines known in training.
    pub fn airports(&self) -> &Airports {
        &self.airports
    }

    /// The same model with these routes in place of its own. Only distances may differ from the training's: they are
    /// miles in any table.
    pub fn with_routes(self, routes: &[Route]) -> Self {
        Model { airports: self.airports.with_routes(routes), ..self }
    }

    /// The same model, with explanations in its scores. That takes some milliseconds, and 8 bytes a leaf and factor.
    pub fn explaining(mut self) -> Self {
        let explainer = |(given, classifier)| (given, FactorExplainer::new(classifier, &self.features));
        self.explainers = self.classifiers.iter().map(explainer).collect();
        self
    }

    /// The training and evaluation of the model.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The classifiers.
    pub fn classifiers(&self) -> &Classifiers {
        &self.classifiers
    }

    /// Returns whether some classifier uses the weather at the departure.
    pub fn takes_weather(&self) -> bool {
        self.classifiers.iter().any(|(given, _)| given.weather)
    }

    /// Appends one score a request, in the requests' order. Each request is scored by the classifier that uses most of
    /// its inputs.
    pub fn score(&self, requests: &[Request], scores: &mut Vec<Score>) {
        let width = self.features.width();
        let mut rows = Vec::with_capacity(requests.len() * width);
        let encode = |request| self.features.encode(&Query::from(request), &self.airports, &mut rows);
        let encoded: Vec<EncodedRow> = requests.iter().map(encode).collect();
        let best: Vec<KnownInputs> = encoded.iter().map(|row| self.classifiers.best_for(row.inputs).0).collect();
        let mut answered = vec![None; requests.len()];
        for (given, classifier) in self.classifiers.iter() {
            let asked: Vec<usize> = (0..requests.len()).filter(|at| best[*at] == given).collect();
            let rows: Vec<f32> = asked.iter().flat_map(|at| &rows[at * width..(at + 1) * width]).copied().collect();
            for (at, answer) in asked.into_iter().zip(predict(classifier, self.explainers.get(&given), &rows)) {
                answered[at] = Some((answer, given));
            }
        }
        scores.extend(requests.iter().zip(encoded).zip(answered).filter_map(|((request, encoded), answered)| {
            // Every request has one classifier, so none is dropped here.
            let ((prediction, explanation), forest) = answered?;
            Some(to_score(&prediction, explanation, forest, request, encoded))
        }));
    }

    /// Gives the model the version that it is published under.
    pub fn versioned(self, version: ModelVersion) -> VersionedModel {
        VersionedModel { version, model: self }
    }
}

/// A forest's probabilities are means of distributions that [`Forest::new`] has checked: finite, and summing to 1.
fn to_score(
    prediction: &Prediction,
    explanation: Option<Explanation>,
    forest: KnownInputs,
    request: &Request,
    encoded: EncodedRow,
) -> Score {
    let probabilities = prediction.probabilities;
    let class = DelayClass::most_probable(&probabilities);
    let delay = DelayForecast::of(prediction, forest, &Query::from(request));
    let cancelled = prediction.cancelled;
    // A request's own distance is returned unchanged.
    let distance = request.distance.unwrap_or(f64::from(encoded.distance));
    let EncodedRow { mut remarks, rotation, .. } = encoded;
    // A forest with events is made for questions of its moment.
    remarks.retain(|remark| forest.moment.is_none() || *remark != Remark::NoDepDelay);
    Score { probabilities, class, delay, cancelled, distance, remarks, forest, explanation, rotation }
}

impl Predict<Flights> for Model {
    fn predict(&self, requests: &[Request], scores: &mut Vec<Score>) {
        self.score(requests, scores);
    }
}

/// Explains the predictions of a classifier by factor.
#[derive(Debug, Clone, PartialEq)]
struct FactorExplainer {
    factors: Vec<Factor>,
    explainer: ClassifierExplainer,
}

impl FactorExplainer {
    /// Prepares to explain a classifier over the rows of `features`.
    fn new(classifier: &Classifier, features: &FeatureSet) -> Self {
        let of_columns: Vec<Factor> = features.columns().iter().map(Column::factor).collect();
        let factors: Vec<Factor> = Factor::ALL.into_iter().filter(|factor| of_columns.contains(factor)).collect();
        // Each column's factor is among them.
        let groups: Vec<usize> =
            of_columns.iter().filter_map(|of_column| factors.iter().position(|factor| factor == of_column)).collect();
        FactorExplainer { explainer: classifier.explainer(&groups), factors }
    }
}

/// Returns a classifier's prediction for each row, in order, with an explanation if there is an explainer.
fn predict(
    classifier: &Classifier,
    explainer: Option<&FactorExplainer>,
    rows: &[f32],
) -> impl Iterator<Item = (Prediction, Option<Explanation>)> {
    let mut contributions = Vec::new();
    let predictions = match explainer {
        Some(FactorExplainer { explainer, .. }) => classifier.explain(explainer, rows, &mut contributions),
        None => classifier.predictions(rows),
    };
    predictions.into_iter().enumerate().map(move |(at, prediction)| {
        let explanation = explainer.map(|FactorExplainer { factors, explainer }| {
            let line_len = explainer.line_len();
            let line = &contributions[at * line_len..(at + 1) * line_len];
            Explanation::new(*explainer.base_rate(), factors, line)
        });
        (prediction, explanation)
    })
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
pub(crate) mod tests;
