//! The training of a model: an evaluation on a holdout, then a fit on all flights.

use std::{collections::BTreeMap, num::NonZeroUsize};

use chrono::NaiveDate;
use delaycast::{
    airports::Airports,
    classifier::{Classifier, ClassifierSettings, Classifiers},
    evaluate::{Evaluation, Holdout, HoldoutError, Window},
    features::{Examples, FeatureSet, FittedFeatures, KnownInputs, Preset, TrainingFlight},
    live::Moment,
    model::{Model, Origin},
};

use super::{
    OnProgress, Phase, Progress, TrainError,
    forests::train,
    rows::{FlightRows, ForestColumns, Rows},
};

/// The settings of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainingPlan {
    /// The choice of features.
    pub preset: Preset,
    /// The settings of each classifier.
    pub settings: ClassifierSettings,
    /// The first day held out; the default is the first of the last quarter.
    pub holdout_from: Option<NaiveDate>,
    /// The number of threads.
    pub workers: NonZeroUsize,
}

impl TrainingPlan {
    /// The number of trees that [`fit`] grows.
    pub fn trees_of_fit(&self, flights: &[TrainingFlight<'_>]) -> u64 {
        self.preset.input_combinations(flights).count() as u64 * u64::from(self.settings.trees())
    }

    /// The number of trees that [`train_model`] grows: those of the evaluation, and as many to publish.
    pub fn trees_total(&self, flights: &[TrainingFlight<'_>]) -> u64 {
        2 * self.trees_of_fit(flights)
    }
}

/// Trains a model on flights.
///
/// Fits twice: to the flights before the holdout, to evaluate features and forests on the flights after; then to all
/// flights, so that the model has learned the newest. The evaluation is that of the first fit.
///
/// # Example
///
/// ```
/// use std::{num::NonZeroUsize, sync::Arc};
///
/// use chrono::{NaiveDate, TimeDelta};
/// use delaycast::{
///     airports::Airports,
///     features::{Preset, Query, TrainingFlight},
///     flight::Code,
///     forest::ForestSettings,
/// };
/// use delaycast_train::{OnProgress, TrainingPlan, train_model};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Ten flights a day that arrive as late as they left.
/// let (carrier, origin, dest): (Code, Code, Code) = ("B6".parse()?, "JFK".parse()?, "LAX".parse()?);
/// let first: NaiveDate = "2013-01-01".parse()?;
/// let flight = |n: u16| {
///     let (minutes, date) = (f32::from(n % 80) - 20.0, first + TimeDelta::days(i64::from(n / 10)));
///     TrainingFlight::new(&Query::new(date, carrier, origin, dest), minutes, minutes)
/// };
/// let flights: Vec<TrainingFlight> = (0..400).map(flight).collect();
///
/// let preset = Preset::Default;
/// let settings = ForestSettings { trees: 3, ..ForestSettings::from_preset(preset, 1) }.into();
/// let plan = TrainingPlan { preset, settings, holdout_from: None, workers: NonZeroUsize::MIN };
/// let on_progress: OnProgress = Arc::new(|progress| println!("{progress:?}"));
/// let model = train_model(&flights, Airports::default(), &plan, &on_progress)?;
/// assert_eq!((model.origin().trained_on, model.origin().evaluation.trained_on), (400, 300));
/// # Ok(())
/// # }
/// ```
pub fn train_model<'a>(
    examples: impl Into<Examples<'a>>,
    airports: Airports,
    plan: &TrainingPlan,
    on_progress: &OnProgress,
) -> Result<Model, TrainError> {
    let examples = examples.into();
    let flights = examples.flown;
    let holdout = Holdout::split(flights, plan.holdout_from)?;
    let FittedModel { features, classifiers } = fit(examples.before(holdout.from), &airports, plan, on_progress)?;
    on_progress(Progress::Phase(Phase::Predicting));
    let evaluation = Evaluation::of(&holdout, &features, &airports, &classifiers);
    drop((holdout, features, classifiers));

    let FittedModel { features, classifiers } = fit(examples, &airports, plan, on_progress)?;
    let origin = Origin {
        preset: plan.preset,
        settings: plan.settings,
        window: Window::of(flights).ok_or(HoldoutError::NoFlights)?,
        trained_on: flights.len() as u64,
        evaluation,
    };
    Ok(Model::new(features, airports, origin, classifiers)?)
}

/// Fitted features, and a classifier for each set of known inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedModel {
    /// The features.
    pub features: FeatureSet,
    /// The classifiers.
    pub classifiers: Classifiers,
}

/// Fits features to flights, and trains the classifiers. Ignores the plan's holdout.
pub fn fit<'a>(
    examples: impl Into<Examples<'a>>,
    airports: &Airports,
    plan: &TrainingPlan,
    on_progress: &OnProgress,
) -> Result<FittedModel, TrainError> {
    let examples = examples.into();
    let flights = examples.flown;
    on_progress(Progress::Phase(Phase::Fitting));
    let fitted = FittedFeatures::new(plan.preset, flights)?;
    let input_combinations: Vec<KnownInputs> = plan.preset.input_combinations(flights).collect();
    let mut classifiers = BTreeMap::new();
    let ClassifierSettings::Forest(settings) = plan.settings;
    for moment in [None].into_iter().chain(Moment::ALL.map(Some)) {
        let given: Vec<KnownInputs> =
            input_combinations.iter().filter(|given| given.moment == moment).copied().collect();
        let columns = given.iter().map(|given| ForestColumns {
            columns: fitted.features.columns_known(*given),
            reference: given.delay_reference(),
        });
        let columns: Vec<_> = columns.collect();
        let rows = FlightRows::at(moment, examples, &fitted, airports);
        if !given.is_empty() && rows.arrived_len() > 0 {
            let forests = train(settings.at(moment), &rows, &columns, plan.workers, on_progress)?;
            classifiers.extend(given.into_iter().zip(forests.into_iter().map(Classifier::Forest)));
        }
    }
    Ok(FittedModel { features: fitted.features, classifiers: Classifiers::new(classifiers)? })
}
