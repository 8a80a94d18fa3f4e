//! Classifiers: the kinds of model that can be trained, stored and loaded.
//!
//! All that depends on the kind is behind the enums of this module: settings, prediction, explanation, and the bytes in
//! a model file. A new kind adds a variant to each, its own module, and its training in `dataflows/train/model.rs`.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    binary::SectionReader,
    features::{KnownInputs, Preset},
    flight::Probabilities,
    forest::{Explainer, Forest, ForestReadError, ForestSettings, Prediction},
};

/// The kind of a classifier, as a model file states it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClassifierKind {
    /// A random forest. Model files do not state this kind, since the first ones had no other.
    #[default]
    Forest,
}

impl ClassifierKind {
    /// Returns whether a model file leaves the kind out.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The settings of a classifier. In JSON, those of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassifierSettings {
    /// A random forest.
    Forest(ForestSettings),
}

impl ClassifierSettings {
    /// The seed of every random draw.
    pub fn seed(&self) -> u64 {
        match self {
            ClassifierSettings::Forest(settings) => settings.seed,
        }
    }

    /// The number of trees that a training grows; 0 for a kind without trees.
    pub fn trees(&self) -> u32 {
        match self {
            ClassifierSettings::Forest(settings) => settings.trees,
        }
    }

    /// The name of the training algorithm.
    pub fn trainer(&self) -> String {
        match self {
            ClassifierSettings::Forest(settings) => settings.trainer.to_string(),
        }
    }

    /// The settings of a preset's forest, to be trained beside a classifier of these settings: by the same algorithm,
    /// and from the same seed.
    pub fn with_preset(&self, preset: Preset) -> Self {
        match self {
            ClassifierSettings::Forest(ForestSettings { trainer, seed, .. }) => {
                ForestSettings { trainer: *trainer, ..ForestSettings::from_preset(preset, *seed) }.into()
            }
        }
    }
}

impl From<ForestSettings> for ClassifierSettings {
    fn from(settings: ForestSettings) -> Self {
        ClassifierSettings::Forest(settings)
    }
}

impl fmt::Display for ClassifierSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClassifierSettings::Forest(settings) => {
                write!(f, "{} trees of depth {}", settings.trees, settings.depth)
            }
        }
    }
}

impl Serialize for ClassifierSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ClassifierSettings::Forest(settings) => settings.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ClassifierSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ForestSettings::deserialize(deserializer).map(ClassifierSettings::Forest)
    }
}

/// A trained classifier over rows of numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Classifier {
    /// A random forest.
    Forest(Forest),
}

impl From<Forest> for Classifier {
    fn from(forest: Forest) -> Self {
        Classifier::Forest(forest)
    }
}

impl Classifier {
    /// The kind.
    pub(crate) fn kind(&self) -> ClassifierKind {
        match self {
            Classifier::Forest(_) => ClassifierKind::Forest,
        }
    }

    /// The number of columns of a row.
    pub fn width(&self) -> usize {
        match self {
            Classifier::Forest(forest) => forest.width(),
        }
    }

    /// The forest, if it is one.
    pub fn forest(&self) -> Option<&Forest> {
        match self {
            Classifier::Forest(forest) => Some(forest),
        }
    }

    /// Returns whether predictions depend on this column.
    pub fn uses_column(&self, column: usize) -> bool {
        match self {
            Classifier::Forest(forest) => forest.uses_column(column),
        }
    }

    /// The class probabilities of each row; `rows` is row-major.
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of [`Self::width`].
    pub fn probabilities_of_all(&self, rows: &[f32]) -> Vec<Probabilities> {
        match self {
            Classifier::Forest(forest) => forest.probabilities_of_all(rows),
        }
    }

    /// The prediction for each row; `rows` is row-major.
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of [`Self::width`].
    pub fn predictions(&self, rows: &[f32]) -> Vec<Prediction> {
        match self {
            Classifier::Forest(forest) => forest.predictions(rows),
        }
    }

    /// Prepares to explain predictions. `groups` has the group of each column, numbered from 0.
    ///
    /// # Panics
    /// If the length of `groups` is not [`Self::width`].
    pub fn explainer(&self, groups: &[usize]) -> ClassifierExplainer {
        match self {
            Classifier::Forest(forest) => ClassifierExplainer::Forest(Explainer::new(forest, groups)),
        }
    }

    /// Returns the prediction for each row, as [`Self::predictions`] does, and replaces the content of
    /// `contributions` with [`ClassifierExplainer::line_len`] numbers for each row.
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of [`Self::width`], or the explainer is that of another classifier.
    pub fn explain(
        &self,
        explainer: &ClassifierExplainer,
        rows: &[f32],
        contributions: &mut Vec<f32>,
    ) -> Vec<Prediction> {
        match (self, explainer) {
            (Classifier::Forest(forest), ClassifierExplainer::Forest(explainer)) => {
                explainer.explain(forest, rows, contributions)
            }
        }
    }

    /// Appends the classifier's bytes.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Classifier::Forest(forest) => forest.write(bytes),
        }
    }

    /// Reads a classifier over rows of `width` columns, with the outcomes in its leaves if the file has them.
    pub(crate) fn read(
        kind: ClassifierKind,
        bytes: &mut SectionReader<'_>,
        width: usize,
        has_outcomes: bool,
    ) -> Result<Self, ForestReadError> {
        match kind {
            ClassifierKind::Forest => Forest::read(bytes, width, has_outcomes).map(Classifier::Forest),
        }
    }
}

/// Explains the predictions of one classifier.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassifierExplainer {
    /// Explains a random forest.
    Forest(Explainer),
}

impl ClassifierExplainer {
    /// The probability of each class when nothing is known of a row.
    pub fn base_rate(&self) -> &Probabilities {
        match self {
            ClassifierExplainer::Forest(explainer) => explainer.base_rate(),
        }
    }

    /// The number of a row's contributions: one for each class, group after group.
    pub fn line_len(&self) -> usize {
        match self {
            ClassifierExplainer::Forest(explainer) => explainer.line_len(),
        }
    }
}

/// The classifiers of a model, all of one kind, by the inputs that they are given. Those without schedule and weather
/// are always present; the others are if the training flights had these inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Classifiers(BTreeMap<KnownInputs, Classifier>);

/// The reason why classifiers cannot answer every request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IncompleteClassifiers(&'static str);

impl Classifiers {
    /// Checks the classifiers, which must all be over rows of the same width.
    pub fn new(classifiers: BTreeMap<KnownInputs, Classifier>) -> Result<Self, IncompleteClassifiers> {
        let is_present = |given: &KnownInputs| classifiers.contains_key(given);
        if !KnownInputs::COMBINATIONS.iter().filter(|given| !given.schedule && !given.weather).all(is_present) {
            return Err(IncompleteClassifiers("a forest that does without the schedule is not there"));
        }
        let mut widths = classifiers.values().map(Classifier::width);
        let first = widths.next();
        if widths.any(|width| Some(width) != first) {
            return Err(IncompleteClassifiers("the forests are for rows of different widths"));
        }
        Ok(Classifiers(classifiers))
    }

    /// The kind of all of them.
    pub(crate) fn kind(&self) -> ClassifierKind {
        self.0.values().next().map(Classifier::kind).unwrap_or_default()
    }

    /// The classifier that uses most of the inputs of a request, and the inputs that it is given.
    pub fn best_for(&self, given: KnownInputs) -> (KnownInputs, &Classifier) {
        // The order of `KnownInputs` puts the departure delay before the schedule, and that before the weather.
        let best = self.0.iter().rev().find(|(taken, _)| taken.is_subset_of(given));
        // `new` has checked that the classifier without inputs is present.
        best.map_or_else(
            || unreachable!("a classifier that is given nothing"),
            |(&taken, classifier)| (taken, classifier),
        )
    }

    /// All classifiers.
    pub fn iter(&self) -> impl Iterator<Item = (KnownInputs, &Classifier)> {
        self.0.iter().map(|(&given, classifier)| (given, classifier))
    }
}
