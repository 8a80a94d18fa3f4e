//! The errors of a training.

use delaycast::{
    classifier::IncompleteClassifiers,
    evaluate::{HoldoutError, SplitError},
    features::NothingToFit,
    forest::{MalformedForest, TrainingSetError},
    model::Mismatch,
};

/// The reason why a training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The flights cannot be split into training and holdout.
    #[error(transparent)]
    Holdout(#[from] HoldoutError),
    /// The selected days cannot be evaluated on.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// There is no flight to fit features to.
    #[error(transparent)]
    Features(#[from] NothingToFit),
    /// The rows cannot be trained on.
    #[error(transparent)]
    Rows(#[from] TrainingSetError),
    /// A worker could not be started, or has ended early.
    #[error("a training worker failed: {0}; try again with fewer workers")]
    Workers(String),
    /// A tree could not be grown.
    #[error("a tree could not be grown: {0}")]
    Tree(String),
    /// The trainer has made malformed trees: a defect.
    #[error("the trainer has made trees that are none: please report this")]
    Forest(#[from] MalformedForest),
    /// The training has left out a forest: a defect.
    #[error("the training has left out a forest: please report this")]
    Incomplete(#[from] IncompleteClassifiers),
    /// The parts of the model do not fit: a defect.
    #[error("the training has made parts that do not fit: please report this")]
    Model(#[from] Mismatch),
}
