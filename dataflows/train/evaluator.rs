//! Evaluations: predictors learn from the same flights and predict the same later ones.
//!
//! No training sees a held-out flight: everything is fitted to [`Split::training`].

use delaycast::{
    airports::Airports,
    classifier::Classifiers,
    evaluate::{
        Bootstrap, ByPredictor, Comparison, DateSelection, EvaluatedModel, Importance, Importances, ModelPredictor,
        Predictions, Predictor, Report, Split, SplitError, Timeline, Window,
    },
    features::{FeatureSet, Preset},
    model::VersionedModel,
};

use super::{
    OnProgress, Phase, Progress, TrainError,
    model::{FittedModel, TrainingPlan, fit},
};

/// The settings of an evaluation, and the callbacks that follow its progress.
pub struct Evaluator<'a> {
    /// The source of unknown distances.
    pub airports: &'a Airports,
    /// The training of the forests; the days held out are those of `selection`.
    pub plan: TrainingPlan,
    /// The days to train and to evaluate on.
    pub selection: DateSelection,
    /// Evaluate each month as well, with all days before it to train on.
    pub rolling: bool,
    /// The settings of the intervals.
    pub bootstrap: Bootstrap,
    /// Called once with the number of trees to grow; returns the callback for their progress.
    pub on_trees: &'a dyn Fn(u64) -> OnProgress,
    /// Called before each training.
    pub on_split: &'a dyn Fn(&Split<'_>),
}

impl Evaluator<'_> {
    /// Trains forests, and evaluates them on later flights.
    pub fn evaluate_training(&self, timeline: &Timeline<'_>) -> Result<Report, TrainError> {
        let split = timeline.split(&self.selection)?;
        let months = if self.rolling { timeline.months(&self.selection)? } else { Vec::new() };
        let trees = [&split].into_iter().chain(&months).map(|split| self.trees_of_split(split)).sum();
        let on_progress = (self.on_trees)(trees);
        let (predictions, fitted) = self.predict_split(&split, &on_progress)?;
        let model = EvaluatedModel {
            version: None,
            preset: self.plan.preset,
            settings: self.plan.settings,
            window: Window::of(split.training).ok_or(SplitError::NoFlights)?,
            trained_on: split.training.len() as u64,
        };
        on_progress(Progress::Phase(Phase::Scoring));
        let report = self.report(model, &predictions, &fitted.predictors(self.airports), &split);
        drop((predictions, fitted));
        self.with_months(report, &months, &on_progress)
    }

    /// Evaluates a published model on flights after those that it was trained on. The baselines and the legacy forest
    /// are trained on those of its training flights that the data have; without any, the model is evaluated alone.
    pub fn evaluate_model(&self, published: &VersionedModel, timeline: &Timeline<'_>) -> Result<Report, TrainError> {
        let VersionedModel { version, model } = published;
        let origin = model.origin();
        let split = timeline.after(origin.window, &self.selection)?;
        (self.on_split)(&split);
        let mut predictions = Predictions::from_baselines(&split).ok_or(SplitError::NoFlights)?;
        let plan = self.legacy_plan();
        let alone = split.training.is_empty();
        let on_progress = (self.on_trees)(if alone { 0 } else { plan.trees_of_fit(split.training) });
        if !alone {
            let legacy = fit(split.training, self.airports, &plan, &on_progress)?;
            insert_legacy(&mut predictions, &legacy.predictors(self.airports), &split);
        }
        let predictors = predictors(model.features(), model.airports(), model.classifiers());
        on_progress(Progress::Phase(Phase::Predicting));
        insert_all(&mut predictions, &predictors, &split);
        let evaluated = EvaluatedModel {
            version: Some(version.to_string()),
            preset: origin.preset,
            settings: origin.settings,
            window: origin.window,
            trained_on: origin.trained_on,
        };
        on_progress(Progress::Phase(Phase::Scoring));
        Ok(self.report(evaluated, &predictions, &predictors, &split))
    }

    /// Trains all predictors on one side of a split, and predicts the other. The forests of the legacy preset are not
    /// trained twice.
    pub(super) fn predict_split(
        &self,
        split: &Split<'_>,
        on_progress: &OnProgress,
    ) -> Result<(Predictions, FittedModel), TrainError> {
        (self.on_split)(split);
        let mut predictions = Predictions::from_baselines(split).ok_or(SplitError::NoFlights)?;
        let fitted = fit(split.training, self.airports, &self.plan, on_progress)?;
        let predictors = fitted.predictors(self.airports);
        on_progress(Progress::Phase(Phase::Predicting));
        insert_all(&mut predictions, &predictors, split);
        if self.plan.preset == Preset::Legacy {
            insert_legacy(&mut predictions, &predictors, split);
        } else {
            let legacy = fit(split.training, self.airports, &self.legacy_plan(), on_progress)?;
            insert_legacy(&mut predictions, &legacy.predictors(self.airports), split);
        }
        Ok((predictions, fitted))
    }

    fn legacy_plan(&self) -> TrainingPlan {
        let settings = self.plan.settings.with_preset(Preset::Legacy);
        TrainingPlan { preset: Preset::Legacy, settings, ..self.plan }
    }

    /// The number of trees that [`Self::predict_split`] grows.
    pub(super) fn trees_of_split(&self, split: &Split<'_>) -> u64 {
        let is_legacy = self.plan.preset == Preset::Legacy;
        let legacy = if is_legacy { 0 } else { self.legacy_plan().trees_of_fit(split.training) };
        self.plan.trees_of_fit(split.training) + legacy
    }

    /// Scores predictions, and shuffles the inputs of two forests.
    fn report(
        &self,
        model: EvaluatedModel,
        predictions: &Predictions,
        predictors: &ByPredictor<ModelPredictor<'_>>,
        split: &Split<'_>,
    ) -> Report {
        let importances = |predictor| -> Vec<Importance> {
            let model = predictors.get(predictor);
            model.map(|model| model.importances(split.held_out, self.bootstrap)).unwrap_or_default()
        };
        Report {
            model,
            bootstrap: self.bootstrap,
            holdout: Comparison::of(predictions, self.bootstrap),
            importance: Importances {
                forest: importances(Predictor::Forest),
                forest_before_departure: importances(Predictor::ForestBeforeDeparture),
            },
            rolling: Vec::new(),
            rolling_pooled: None,
        }
    }

    fn with_months(
        &self,
        report: Report,
        months: &[Split<'_>],
        on_progress: &OnProgress,
    ) -> Result<Report, TrainError> {
        let mut pooled: Option<Predictions> = None;
        let mut rolling = Vec::with_capacity(months.len());
        for split in months {
            let (predictions, _) = self.predict_split(split, on_progress)?;
            rolling.push(Comparison::of(&predictions, self.bootstrap).brief());
            match &mut pooled {
                Some(pooled) => pooled.append(predictions),
                none => *none = Some(predictions),
            }
        }
        let rolling_pooled = pooled.map(|predictions| Comparison::of(&predictions, self.bootstrap).brief());
        Ok(Report { rolling, rolling_pooled, ..report })
    }
}

/// Adds the predictions of the forests that take part in a comparison.
fn insert_all(predictions: &mut Predictions, predictors: &ByPredictor<ModelPredictor<'_>>, split: &Split<'_>) {
    for (predictor, model) in predictors.iter() {
        predictions.insert_model(predictor, model, split.held_out);
    }
}

/// Adds the predictions of a forest of the legacy preset.
fn insert_legacy(predictions: &mut Predictions, predictors: &ByPredictor<ModelPredictor<'_>>, split: &Split<'_>) {
    if let Some(forest) = predictors.get(Predictor::Forest) {
        predictions.insert_model(Predictor::Legacy, forest, split.held_out);
    }
}

impl FittedModel {
    fn predictors<'a>(&'a self, airports: &'a Airports) -> ByPredictor<ModelPredictor<'a>> {
        predictors(&self.features, airports, &self.classifiers)
    }
}

/// The forests of a model that take part in a comparison. The forest without schedule is evaluated in a training only.
fn predictors<'a>(
    features: &'a FeatureSet,
    airports: &'a Airports,
    classifiers: &'a Classifiers,
) -> ByPredictor<ModelPredictor<'a>> {
    let mut predictors = ModelPredictor::of_model(features, airports, classifiers);
    predictors.remove(Predictor::ForestWithoutSchedule);
    predictors
}
