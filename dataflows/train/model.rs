//! From flights to a model: evaluate on a holdout, then train on everything.

use std::{num::NonZeroUsize, sync::Arc};

use chrono::NaiveDate;
use delaycast::{
    atlas::Atlas,
    evaluate::{Evaluation, Holdout, HoldoutError, Window},
    features::{FeatureSet, Preset, TrainingFlight},
    forest::{Forest, ForestSettings, TrainingSet},
    model::{Model, Origin},
};

use super::{OnTree, TrainError, train};

/// What to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The choice of features.
    pub preset: Preset,
    /// How to grow each forest.
    pub settings: ForestSettings,
    /// The first day held out; without it, the last quarter of the days is.
    pub holdout_from: Option<NaiveDate>,
    /// How many threads.
    pub workers: NonZeroUsize,
}

impl Plan {
    /// How many trees [`train_model`] grows: two forests for the evaluation, and two to keep.
    pub fn trees_total(&self) -> u64 {
        4 * u64::from(self.settings.trees)
    }
}

/// Trains a model on flights.
///
/// Twice: on the flights before the holdout, to evaluate features and forests on the flights after; then anew on all
/// flights, so that the model which is kept knows the newest. The evaluation is that of the first.
pub fn train_model(
    flights: &[TrainingFlight],
    atlas: Atlas,
    plan: &Plan,
    on_tree: &OnTree,
) -> Result<Model, TrainError> {
    let holdout = Holdout::split(flights, plan.holdout_from)?;
    let fitted = fit(&holdout.training, &atlas, plan, on_tree)?;
    let Fitted { features, with_dep_delay, before_departure } = &fitted;
    let evaluation = Evaluation::of(&holdout, features, &atlas, with_dep_delay, before_departure);
    drop((holdout, fitted));

    let Fitted { features, with_dep_delay, before_departure } = fit(flights, &atlas, plan, on_tree)?;
    let origin = Origin {
        preset: plan.preset,
        settings: plan.settings,
        window: Window::of(flights).ok_or(HoldoutError::NoFlights)?,
        trained_on: flights.len() as u64,
        evaluation,
    };
    Ok(Model::new(features, atlas, origin, with_dep_delay, before_departure)?)
}

/// What is fitted to flights.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The features.
    pub features: FeatureSet,
    /// The forest that is given the departure delay.
    pub with_dep_delay: Forest,
    /// The forest that does without.
    pub before_departure: Forest,
}

/// Fits features and both forests to flights.
pub fn fit(flights: &[TrainingFlight], atlas: &Atlas, plan: &Plan, on_tree: &OnTree) -> Result<Fitted, TrainError> {
    let features = FeatureSet::fit(plan.preset, flights)?;
    let all = (0..features.width()).collect();
    let rows = TrainingSet::of_flights(&features, atlas, flights, all)?;
    let rows_before = rows.with_columns(features.columns_before_departure())?;
    let grow = |rows| train(plan.settings, Arc::new(rows), plan.workers, Arc::clone(on_tree));
    Ok(Fitted { with_dep_delay: grow(rows)?, before_departure: grow(rows_before)?, features })
}
