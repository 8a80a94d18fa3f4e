//! The results of an evaluation, by predictor: a short [`Evaluation`], a full [`Comparison`], and the [`Report`].
//!
//! A comparison resamples all predictors with the same draws of days. So the difference between two has its own
//! interval, far narrower than theirs: the scores of all predictors vary with the days.

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{
    bootstrap::{Bootstrap, DailySums, Interval, Resamples, interval, intervals},
    importance::Importance,
    measure::{Confusion, Measure, Values},
    predictions::Predictions,
    predictor::{ByPredictor, DepDelayTable, ModelPredictor, Predictor, class_frequencies},
    score_sums::{Reliability, ScoreSums},
    split::{Holdout, Window},
};
use crate::{
    airports::Airports,
    classifier::{ClassifierSettings, Classifiers},
    features::{FeatureSet, Preset, TrainingFlight},
    flight::{DelayClass, Probabilities},
};

/// Accuracy, log-loss and confusion matrix of a predictor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The number of flights.
    pub rows: u64,
    /// The share of flights whose most probable class is the outcome, 0 to 1.
    pub accuracy: f64,
    /// The mean of −ln(probability of the outcome), in nats; 0 is perfect, 1.386 that of uniform probabilities.
    pub log_loss: f64,
    /// Flights by outcome (outer) and most probable class (inner).
    pub confusion: Confusion,
}

impl Metrics {
    /// Scores predictions. Without any, accuracy and log-loss are 0.
    pub fn of(predictions: impl IntoIterator<Item = Probabilities>, outcomes: &[DelayClass]) -> Self {
        let mut sums = ScoreSums::default();
        predictions.into_iter().zip(outcomes).for_each(|(probabilities, class)| sums.add(&probabilities, *class));
        Metrics {
            rows: sums.rows(),
            accuracy: sums.accuracy().unwrap_or_default(),
            log_loss: sums.log_loss().unwrap_or_default(),
            confusion: sums.confusion,
        }
    }
}

/// The short result that a training gives and a model file carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The first day held out.
    pub from: NaiveDate,
    /// The number of earlier flights, which were trained on.
    pub trained_on: u64,
    /// The metrics of each predictor, [`Predictor::Legacy`] excepted. [`Predictor::ForestWithoutWeather`] is absent if
    /// no forest is given the weather, those with events if none is given these; all others are there.
    #[serde(flatten, deserialize_with = "complete")]
    pub metrics: ByPredictor<Metrics>,
}

/// Reads the metrics of an evaluation, none of which may be missing.
fn complete<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ByPredictor<Metrics>, D::Error> {
    let metrics = ByPredictor::deserialize(deserializer)?;
    let optional = [Predictor::Legacy, Predictor::ForestWithoutWeather];
    let is_optional = |predictor: Predictor| optional.contains(&predictor) || predictor.moment().is_some();
    let missing = Predictor::ALL.into_iter().find(|it| !is_optional(*it) && metrics.get(*it).is_none());
    missing.map_or(Ok(metrics), |predictor| Err(D::Error::missing_field(predictor.name())))
}

impl Evaluation {
    /// Evaluates the baselines and the classifiers, all fitted to the holdout's training flights, on the others.
    pub fn of(holdout: &Holdout<'_>, features: &FeatureSet, airports: &Airports, classifiers: &Classifiers) -> Self {
        let flights = holdout.held_out;
        let outcomes: Vec<DelayClass> = flights.iter().map(TrainingFlight::class).collect();
        let (frequencies, table) = (class_frequencies(holdout.training), DepDelayTable::fit(holdout.training));
        let predictors = ModelPredictor::of_model(features, airports, classifiers);
        // One predictor's predictions at a time are in memory.
        let metrics = ByPredictor::from_fn(|predictor| match predictor {
            Predictor::ClassPrior => Some(Metrics::of(outcomes.iter().map(|_| frequencies), &outcomes)),
            Predictor::Lookup => {
                let looked_up = flights.iter().map(|flight| table.probabilities(flight.dep_delay));
                Some(Metrics::of(looked_up, &outcomes))
            }
            _ => {
                let model = predictors.get(predictor)?;
                let Some(moment) = model.given.moment else {
                    return Some(Metrics::of(model.predictions(flights.iter().map(TrainingFlight::query)), &outcomes));
                };
                // Not all flights were looked at.
                let seen: Vec<&TrainingFlight> = flights.iter().filter(|it| it.live(moment).is_some()).collect();
                let outcomes: Vec<DelayClass> = seen.iter().map(|flight| flight.class()).collect();
                let queries = seen.into_iter().map(|flight| flight.query_given(model.given));
                (!outcomes.is_empty()).then(|| Metrics::of(model.predictions(queries), &outcomes))
            }
        });
        Evaluation { from: holdout.from, trained_on: holdout.training.len() as u64, metrics }
    }
}

/// All measures of one predictor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scorecard {
    /// The number of flights.
    pub rows: u64,
    /// The scores; `None` where one is not defined, as an AUC without a late flight.
    #[serde(flatten)]
    pub scores: Values<Option<f64>>,
    /// The intervals of 95 % of the resamples; absent without resamples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Values<Option<Interval>>>,
    /// The scores less those of the lookup table; absent without one, and for the table itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against_lookup: Option<Values<Option<Difference>>>,
    /// Flights by outcome (outer) and most probable class (inner).
    pub confusion: Confusion,
    /// The calibration of each class's probability, by bins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reliability: Option<Reliability>,
}

/// The difference between the scores of two predictors on the same flights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// One score less the other.
    pub difference: f64,
    /// The interval of 95 % of the resamples, with the same resamples for both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

type Replicates = [Values<Option<f64>>];

impl Scorecard {
    fn new(sums: &DailySums, replicates: &Replicates) -> Self {
        Scorecard {
            rows: sums.rows(),
            scores: sums.unweighted_scores(),
            intervals: (!replicates.is_empty()).then(|| intervals(replicates)),
            against_lookup: None,
            confusion: sums.confusion(),
            reliability: Some(*sums.reliability()),
        }
    }

    /// Adds the differences to the lookup table's scores; the replicates of both are of the same resamples.
    fn with_differences(self, replicates: &Replicates, lookup: &DailySums, lookup_replicates: &Replicates) -> Self {
        let lookup_scores = lookup.unweighted_scores();
        let difference = |measure: Measure| {
            let pairs = replicates.iter().zip(lookup_replicates);
            let less =
                |(own, other): (&Values<Option<f64>>, &Values<Option<f64>>)| Some(own[measure]? - other[measure]?);
            Some(Difference {
                difference: self.scores[measure]? - lookup_scores[measure]?,
                interval: interval(pairs.filter_map(less).collect()),
            })
        };
        Scorecard { against_lookup: Some(Values::from_fn(difference)), ..self }
    }
}

/// The scorecards of several predictors for the same flights.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The first day evaluated on.
    pub from: NaiveDate,
    /// The last.
    pub to: NaiveDate,
    /// The number of days with flights.
    pub days: usize,
    /// The number of flights.
    pub rows: u64,
    /// The days that were trained on; absent where comparisons with different trainings are pooled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training: Option<Window>,
    /// The number of flights that were trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trained_on: Option<u64>,
    /// The scorecard of each predictor that took part.
    #[serde(flatten)]
    pub scorecards: ByPredictor<Scorecard>,
}

impl Comparison {
    /// Scores all predictions. Intervals need at least [`super::DAYS_MIN`] days.
    pub fn of(predictions: &Predictions, bootstrap: Bootstrap) -> Self {
        let outcomes = predictions.outcomes();
        let resamples = Resamples::draw(bootstrap, outcomes.days_len());
        let score = |predictor| {
            let sums = DailySums::of(predictions.of(predictor)?, outcomes);
            let replicates = resamples.map(|weights| sums.scores(weights));
            Some((sums, replicates))
        };
        let lookup = score(Predictor::Lookup);
        let scorecards = ByPredictor::from_fn(|predictor| {
            if predictor == Predictor::Lookup {
                return lookup.as_ref().map(|(sums, replicates)| Scorecard::new(sums, replicates));
            }
            let (sums, replicates) = score(predictor)?;
            let scorecard = Scorecard::new(&sums, &replicates);
            Some(match &lookup {
                Some((lookup, of_lookup)) => scorecard.with_differences(&replicates, lookup, of_lookup),
                None => scorecard,
            })
        });
        Comparison {
            from: predictions.window().from,
            to: predictions.window().to,
            days: outcomes.days_len(),
            rows: outcomes.classes().len() as u64,
            training: predictions.training(),
            trained_on: predictions.trained_on(),
            scorecards,
        }
    }

    /// The scorecard of a predictor.
    pub fn scorecard(&self, predictor: Predictor) -> Option<&Scorecard> {
        self.scorecards.get(predictor)
    }

    /// Drops the calibration, which is not kept of each month.
    pub fn brief(mut self) -> Self {
        self.scorecards.values_mut().for_each(|scorecard| scorecard.reliability = None);
        self
    }
}

/// The model that was evaluated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvaluatedModel {
    /// The version of the published model; absent if forests were trained for the evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The choice of features.
    pub preset: Preset,
    /// The settings of the classifiers.
    pub settings: ClassifierSettings,
    /// The days that they were trained on.
    pub window: Window,
    /// The number of flights that they were trained on.
    pub trained_on: u64,
}

/// The importances of facts to two forests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importances {
    /// The importances to [`Predictor::Forest`].
    pub forest: Vec<Importance>,
    /// The importances to [`Predictor::ForestBeforeDeparture`].
    pub forest_before_departure: Vec<Importance>,
}

/// The result of `delaycast evaluate`: one object in JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The model that was evaluated.
    pub model: EvaluatedModel,
    /// The settings of the intervals; each resample draws days.
    pub bootstrap: Bootstrap,
    /// The comparison on the days held out.
    pub holdout: Comparison,
    /// The importances of facts on these days.
    pub importance: Importances,
    /// The comparison on each month, with all days before it to train on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rolling: Vec<Comparison>,
    /// All these months pooled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolling_pooled: Option<Comparison>,
}

#[cfg(test)]
mod tests;
