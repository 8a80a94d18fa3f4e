//! Features: the encoding of a flight as a row of numbers, the same for training and scoring.
//!
//! A [`FeatureSet`] is fitted to the flights of the training window and stored in the model file, so that requests and
//! training flights are encoded alike. It writes a row of `f32` per [`Query`]; an unknown value is NaN, all others are
//! finite. A category that is not in the training data gets the encoder's default and, if the client should know, a
//! [`Remark`]. [`FittedFeatures`] encodes training flights, without their own outcomes.

mod binary;
mod columns;
mod encoders;
mod examples;
mod feature_set;
mod inputs;
mod live;
mod preset;
mod query;
mod target_mean;
mod vocabulary;

pub use columns::Column;
pub use encoders::{FrequencyIndex, Schedules, WeatherColumn, WeatherValue};
pub use examples::{CancelledFlight, Examples};
pub use feature_set::{COLUMNS_MAX, EncodedRow, FeatureSet, FittedFeatures, InvalidFeatures, NothingToFit};
pub use inputs::{KnownInputs, Remark};
pub use live::{InboundMeasure, LiveColumn};
pub use preset::{Preset, UnknownPreset};
pub use query::{Query, TrainingFlight};
pub use target_mean::{Outcome, TargetMean};
pub use vocabulary::Group;

#[cfg(test)]
pub(crate) mod tests;
