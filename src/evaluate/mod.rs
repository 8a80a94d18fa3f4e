//! How good a forest is, on flights later than those it was trained on.
//!
//! Three predictors answer the same held-out flights: the class frequencies of training, a lookup table on the
//! departure delay alone, and the forest. A forest that does not beat the lookup table is not worth its upkeep.

mod baselines;
mod holdout;
mod metrics;

pub use baselines::{DepDelayTable, class_shares};
pub use holdout::{Holdout, HoldoutError, Window};
pub use metrics::{Metrics, PROBABILITY_MIN};
