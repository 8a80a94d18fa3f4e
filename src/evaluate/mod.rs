//! Evaluation of predictors on flights later than those they were trained on.
//!
//! All predictors answer the same held-out flights. The baselines are the class frequencies of training and a lookup
//! table on the departure delay: a forest that does not beat the lookup table is not worth its upkeep.
//!
//! # Layout
//!
//! * `split.rs` chooses the days to train and to evaluate on.
//! * `predictor.rs` names the predictors; a [`ByPredictor`] has one entry for each. It also has the baselines, and
//!   [`ModelPredictor`], a classifier with the encoder of its rows.
//! * `predictions.rs` has the predictions of each predictor, and the outcomes.
//! * `score_sums.rs` and `bootstrap.rs` sum up predictions, `measure.rs` names the measures that follow from the sums.
//! * `comparison.rs` has the results: an [`Evaluation`] is the short one, which a training gives and a model file
//!   carries; a [`Comparison`] has all measures with their intervals; a [`Report`] is that of `delaycast evaluate`.
//! * `delay_scores.rs` scores forecasts in minutes, and the probability of a cancellation.
//! * `importance.rs` measures which facts of a flight a forest needs.

mod bootstrap;
mod comparison;
mod delay_scores;
mod importance;
mod measure;
mod predictions;
mod predictor;
mod score_sums;
mod split;

pub use bootstrap::{Bootstrap, DAYS_MIN, Interval, RESAMPLES_MAX};
pub use comparison::{Comparison, Difference, EvaluatedModel, Evaluation, Importances, Metrics, Report, Scorecard};
pub use delay_scores::{CancellationScores, DelayScores};
pub use importance::Importance;
pub use measure::{MEASURES, Measure, Values};
pub use predictions::{Outcomes, Predictions};
pub use predictor::{ByPredictor, DepDelayTable, ModelPredictor, Predictor, class_frequencies};
pub use score_sums::{CONFIDENCE_BINS, PROBABILITY_MIN, RELIABILITY_BINS, Reliability, ReliabilityBin};
pub use split::{DateSelection, Holdout, HoldoutError, Split, SplitError, TRAINING_DAYS_MIN, Timeline, Window};
