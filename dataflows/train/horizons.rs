//! The horizon curve: how good answers are, by the time before the departure at which they are asked for.

use delaycast::{
    airports::Airports,
    evaluate::{Bootstrap, Comparison, Measure, ModelPredictor, Predictions, Predictor, Split, SplitError, Values},
    features::TrainingFlight,
    live::Moment,
};
use serde::Serialize;

use super::{
    OnProgress, Phase, Progress, TrainError,
    model::{FittedModel, TrainingPlan, fit},
};

/// Held-out flights at a horizon.
#[derive(Debug, Clone, PartialEq)]
pub struct AtHorizon<'a> {
    /// Minutes before the scheduled departure; `None` is the departure, when its delay is known.
    pub minutes: Option<i32>,
    /// The flights that had not left by then, with what was known of them.
    pub flights: Vec<TrainingFlight<'a>>,
}

/// The scores of the answers at a horizon.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HorizonScores {
    /// Minutes before the scheduled departure; `None` is the departure, when its delay is known.
    pub minutes: Option<i32>,
    /// The number of flights.
    pub flights: usize,
    /// The scores of the forest that is given no events.
    pub schedule_alone: Values<Option<f64>>,
    /// The scores of the forest that is given events.
    pub with_events: Values<Option<f64>>,
}

/// Trains forests on flights, and scores their answers at each horizon, without events and with them.
pub fn evaluate_horizons(
    training: &[TrainingFlight<'_>],
    held_out: &[AtHorizon<'_>],
    airports: &Airports,
    plan: &TrainingPlan,
    on_progress: &OnProgress,
) -> Result<(Vec<HorizonScores>, FittedModel), TrainError> {
    let fitted = fit(training, airports, plan, on_progress)?;
    on_progress(Progress::Phase(Phase::Predicting));
    let predictors = ModelPredictor::of_model(&fitted.features, airports, &fitted.classifiers);
    let score = |AtHorizon { minutes, flights }: &AtHorizon<'_>| {
        let with = Predictor::at(Moment::of(*minutes));
        let without = if minutes.is_some() { Predictor::ForestBeforeDeparture } else { Predictor::Forest };
        let split = Split { training: &[], held_out: flights };
        let mut predictions = Predictions::from_baselines(&split).ok_or(SplitError::NoFlights)?;
        for predictor in [without, with] {
            let Some(model) = predictors.get(predictor) else { continue };
            predictions.insert_model(predictor, model, flights);
        }
        let compared = Comparison::of(&predictions, Bootstrap { resamples: 0, seed: 1 });
        let scores = |predictor| {
            let scorecard = compared.scorecard(predictor);
            Values::from_fn(|measure: Measure| scorecard.and_then(|scorecard| scorecard.scores[measure]))
        };
        Ok(HorizonScores {
            minutes: *minutes,
            flights: flights.len(),
            schedule_alone: scores(without),
            with_events: scores(with),
        })
    };
    let scores = held_out.iter().map(score).collect::<Result<_, TrainError>>()?;
    Ok((scores, fitted))
}
