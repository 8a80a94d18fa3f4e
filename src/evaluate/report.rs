//! What `delaycast evaluate` finds.

use serde::Serialize;

use super::{Window, contest::Contest, importance::Importance, score::Bootstrap};
use crate::{features::Preset, forest::ForestSettings};

/// What was evaluated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Subject {
    /// The version of the published model; absent if forests were trained for the evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The choice of features.
    pub preset: Preset,
    /// How the forests were grown.
    pub settings: ForestSettings,
    /// The days that they were trained on.
    pub window: Window,
    /// How many flights they were trained on.
    pub trained_on: u64,
}

/// What each of the two forests needs to know.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importances {
    /// The forest that is given the departure delay.
    pub forest: Vec<Importance>,
    /// The one that does without.
    pub forest_before_departure: Vec<Importance>,
}

/// What `delaycast evaluate` finds: one object in JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was evaluated.
    pub model: Subject,
    /// How the intervals came about; each resample draws days.
    pub bootstrap: Bootstrap,
    /// What came of the days held out.
    pub holdout: Contest,
    /// By how much the log-loss on them rises when a fact is shuffled.
    pub importance: Importances,
    /// Month by month, each with all days before it to train on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rolling: Vec<Contest>,
    /// All these months as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolling_pooled: Option<Contest>,
}
