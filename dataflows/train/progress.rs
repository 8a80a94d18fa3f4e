//! The progress of a training.

use std::{fmt, sync::Arc};

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
