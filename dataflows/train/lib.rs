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

mod choose;
mod count;
mod error;
mod evaluator;
mod forests;
mod linfa;
mod model;
mod progress;
mod rows;

pub use error::TrainError;
pub use evaluator::Evaluator;
pub use forests::{Communication, IN_FLIGHT_MAX, train, train_on};
pub use model::{FittedModel, TrainingPlan, fit, train_model};
pub use progress::{OnProgress, Phase, Progress};
pub use rows::{FlightRows, Rows, WorkerPlacement};

#[cfg(test)]
mod tests;
