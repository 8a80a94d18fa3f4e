//! Training: dataflows that grow forests.
//!
//! The histogram trainer has a shard of the rows at each worker, and grows a tree level by level:
//!
//! ```text
//!                 ┌──────── steps: draw weights, or apply splits and count ────────┐ (feedback)
//!                 ▼                                                                │
//!   CountHistograms (every worker: its shard) ──counts, by tree──▶ ChooseSplits (one worker a tree)
//!                                                                                  │
//!                                              GatherTrees (worker 0) ◀───trees────┘
//! ```
//!
//! 1. A row's weight in a tree depends on its number, the tree's and the seed, not on the worker that holds the row,
//!    and counts are integers. So any number of workers and processes grows the same forest, bit for bit.
//! 2. One step of a tree is in flight at a time, and its counts have one timestamp. Trees are in flight side by side,
//!    at most [`IN_FLIGHT_MAX`].
//! 3. The forest has its trees in the order of their numbers.
//!
//! With linfa-trees ([`delaycast::forest::Trainer::Linfa`]) every worker has all rows, and grows whole trees:
//!
//! ```text
//!   worker 0: tree numbers ──exchange──▶ GrowTree (every worker) ──exchange──▶ GatherTrees (worker 0)
//! ```
//!
//! A tree that cannot be grown fails the training; no smaller forest is made. A training that is interrupted leaves
//! nothing behind: a model is published as a whole, at the end.

mod evaluator;
mod forests;
mod histogram;
mod horizons;
mod model;
mod rows;

use std::{fmt, sync::Arc};

use delaycast::{
    classifier::IncompleteClassifiers,
    evaluate::{HoldoutError, SplitError},
    features::NothingToFit,
    forest::{MalformedForest, TrainingSetError},
    model::Mismatch,
};

pub use evaluator::Evaluator;
pub use forests::{Communication, IN_FLIGHT_MAX, train, train_on};
pub use horizons::{AtHorizon, HorizonScores, evaluate_horizons};
pub use model::{FittedModel, TrainingPlan, fit, train_model};
pub use rows::{FlightRows, ForestColumns, Rows, WorkerPlacement};

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

/// A step of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A phase without trees begins; it takes seconds if there are many flights.
    Phase(Phase),
    /// A level of a tree is decided.
    Tree {
        /// The tree's number, through all forests that are grown together.
        tree: u32,
        /// The number of decided levels.
        levels: u32,
        /// True if the tree is finished.
        grown: bool,
    },
}

/// A phase before or after trees are grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Features are fitted to flights.
    Fitting,
    /// Flights are encoded and quantised.
    Encoding,
    /// Held-out flights are predicted.
    Predicting,
    /// Predictions are scored, and importances computed.
    Scoring,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Phase::Fitting => "fitting the features",
            Phase::Encoding => "encoding the flights",
            Phase::Predicting => "answering the flights that are held out",
            Phase::Scoring => "measuring the answers",
        })
    }
}

/// Called, on any thread, when a phase begins and after each level of a tree.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

#[cfg(test)]
mod tests;
