//! What a training tells while it runs.

use std::{fmt, sync::Arc};

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A phase without trees begins; it takes seconds where flights are many.
    Phase(Phase),
    /// A level of a tree is decided.
    Tree {
        /// The tree's number, through all forests that are grown together.
        tree: u32,
        /// How many of its levels are decided.
        levels: u32,
        /// Whether it is grown.
        grown: bool,
    },
}

/// What is done before and after trees are grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Features are fitted to flights.
    Fitting,
    /// Flights are encoded and quantised.
    Encoding,
    /// Flights that are held out are answered.
    Answering,
    /// Answers are measured, and what the forests need to know.
    Measuring,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Phase::Fitting => "fitting the features",
            Phase::Encoding => "encoding the flights",
            Phase::Answering => "answering the flights that are held out",
            Phase::Measuring => "measuring the answers",
        })
    }
}

/// Called, on any thread, when a phase begins and after each level of a tree.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;
