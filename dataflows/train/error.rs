//! Why a training failed.

use delaycast::{
    evaluate::{HoldoutError, SplitError},
    features::NothingToFit,
    forest::{Incomplete, MalformedForest, UnusableRows},
    model::Mismatch,
};

/// Why a training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The flights cannot be split into training and holdout.
    #[error(transparent)]
    Holdout(#[from] HoldoutError),
    /// There is nothing to evaluate on.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// There is nothing to fit features to.
    #[error(transparent)]
    Features(#[from] NothingToFit),
    /// The rows cannot be trained on.
    #[error(transparent)]
    Rows(#[from] UnusableRows),
    /// A worker could not be started, or has ended before its time.
    #[error("a training worker failed: {0}; try again with fewer workers")]
    Workers(String),
    /// A tree could not be grown.
    #[error("a tree could not be grown: {0}")]
    Tree(String),
    /// The trainer has made trees that are none: a defect.
    #[error("the trainer has made trees that are none: please report this")]
    Forest(#[from] MalformedForest),
    /// The training has left out a forest: a defect.
    #[error("the training has left out a forest: please report this")]
    Incomplete(#[from] Incomplete),
    /// The parts of the model do not fit: a defect.
    #[error("the training has made parts that do not fit: please report this")]
    Model(#[from] Mismatch),
}
