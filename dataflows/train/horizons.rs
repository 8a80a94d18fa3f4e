//! The horizon curve: how good answers are, by the time before the departure at which they are asked for.

use delaycast::{
    airports::Airports,
    evaluate::{
        Bootstrap, CancellationScores, Comparison, DelayScores, Measure, ModelPredictor, Predictions, Predictor, Split,
        SplitError, Values,
    },
    features::{CancelledFlight, Examples, TrainingFlight},
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
    /// The flights that were cancelled later, likewise.
    pub cancelled: Vec<CancelledFlight<'a>>,
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
    /// The scores in minutes of the forest that is given no events.
    pub minutes_schedule_alone: Option<DelayScores>,
    /// The scores in minutes of the forest that is given events.
    pub minutes_with_events: Option<DelayScores>,
    /// The scores of the probability of a cancellation of the forest that is given no events.
    pub cancellation_schedule_alone: Option<CancellationScores>,
    /// The scores of the probability of a cancellation of the forest that is given events.
    pub cancellation_with_events: Option<CancellationScores>,
}

/// Trains forests on flights, and scores their answers at each horizon, without events and with them.
pub fn evaluate_horizons(
    training: Examples<'_>,
    held_out: &[AtHorizon<'_>],
    airports: &Airports,
    plan: &TrainingPlan,
    on_progress: &OnProgress,
) -> Result<(Vec<HorizonScores>, FittedModel), TrainError> {
    let fitted = fit(training, airports, plan, on_progress)?;
    on_progress(Progress::Phase(Phase::Predicting));
    let predictors = ModelPredictor::of_model(&fitted.features, airports, &fitted.classifiers);
    let score = |AtHorizon { minutes, flights, cancelled }: &AtHorizon<'_>| {
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
        let outcome_scores = |predictor| {
            let Some(model) = predictors.get(predictor) else { return (None, None) };
            let forecasts = model.forecasts(flights.iter().map(|flight| flight.query_given(model.given)));
            let (delays, flown): (Vec<_>, Vec<_>) = forecasts.into_iter().unzip();
            let queries = cancelled.iter().map(|flight| flight.query(model.given.moment));
            let cancelled: Option<Vec<f32>> = model.forecasts(queries).into_iter().map(|(_, p)| p).collect();
            let flown: Option<Vec<f32>> = flown.into_iter().collect();
            let cancellation =
                flown.zip(cancelled).and_then(|(flown, cancelled)| CancellationScores::of(&flown, &cancelled));
            (DelayScores::of(flights, &delays), cancellation)
        };
        let (minutes_schedule_alone, cancellation_schedule_alone) = outcome_scores(without);
        let (minutes_with_events, cancellation_with_events) = outcome_scores(with);
        Ok(HorizonScores {
            minutes: *minutes,
            flights: flights.len(),
            schedule_alone: scores(without),
            with_events: scores(with),
            minutes_schedule_alone,
            minutes_with_events,
            cancellation_schedule_alone,
            cancellation_with_events,
        })
    };
    let scores = held_out.iter().map(score).collect::<Result<_, TrainError>>()?;
    Ok((scores, fitted))
}
