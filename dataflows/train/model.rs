//! From flights to a model: evaluate on a holdout, then train on everything.

use std::num::NonZeroUsize;

use chrono::NaiveDate;
use delaycast::{
    airports::Airports,
    evaluate::{Evaluation, Holdout, HoldoutError, Window},
    features::{FeatureSet, FittedFeatures, KnownInputs, Preset, TrainingFlight},
    forest::{ForestSettings, Forests},
    model::{Model, Origin},
};

use super::{FlightRows, OnProgress, Phase, Progress, TrainError, train};

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
    /// How many trees [`fit`] grows on some flights.
    pub fn trees_of_fit(&self, flights: &[TrainingFlight<'_>]) -> u64 {
        self.preset.input_combinations(flights).count() as u64 * u64::from(self.settings.trees)
    }

    /// How many trees [`train_model`] grows on some flights: forests for the evaluation, and as many to keep.
    pub fn trees_total(&self, flights: &[TrainingFlight<'_>]) -> u64 {
        2 * self.trees_of_fit(flights)
    }
}

/// Trains a model on flights.
///
/// Twice: on the flights before the holdout, to evaluate features and forests on the flights after; then anew on all
/// flights, so that the model which is kept knows the newest. The evaluation is that of the first.
pub fn train_model(
    flights: &[TrainingFlight<'_>],
    airports: Airports,
    plan: &Plan,
    on_progress: &OnProgress,
) -> Result<Model, TrainError> {
    let holdout = Holdout::split(flights, plan.holdout_from)?;
    let Fit { features, forests } = fit(holdout.training, &airports, plan, on_progress)?;
    on_progress(Progress::Phase(Phase::Answering));
    let evaluation = Evaluation::of(&holdout, &features, &airports, &forests);
    drop((holdout, features, forests));

    let Fit { features, forests } = fit(flights, &airports, plan, on_progress)?;
    let origin = Origin {
        preset: plan.preset,
        settings: plan.settings,
        window: Window::of(flights).ok_or(HoldoutError::NothingToFit)?,
        trained_on: flights.len() as u64,
        evaluation,
    };
    Ok(Model::new(features, airports, origin, forests)?)
}

/// Features, and a forest for each kind of question.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The features.
    pub features: FeatureSet,
    /// The forests.
    pub forests: Forests,
}

/// Fits features to flights, and grows the forests. The plan's holdout is not looked at.
pub fn fit(
    flights: &[TrainingFlight<'_>],
    airports: &Airports,
    plan: &Plan,
    on_progress: &OnProgress,
) -> Result<Fit, TrainError> {
    on_progress(Progress::Phase(Phase::Fitting));
    let fitted = FittedFeatures::new(plan.preset, flights)?;
    let input_combinations: Vec<KnownInputs> = plan.preset.input_combinations(flights).collect();
    let columns: Vec<Vec<usize>> =
        input_combinations.iter().map(|&given| fitted.features.columns_known(given)).collect();
    let rows = FlightRows { flights, fitted: &fitted, airports };
    let forests = train(plan.settings, &rows, &columns, plan.workers, on_progress)?;
    let forests = Forests::new(input_combinations.into_iter().zip(forests).collect())?;
    Ok(Fit { features: fitted.features, forests })
}
