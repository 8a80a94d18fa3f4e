//! How good a forest is, on flights later than those it was trained on.
//!
//! Three predictors answer the same held-out flights: the class frequencies of training, a lookup table on the
//! departure delay alone, and the forest. A forest that does not beat the lookup table is not worth its upkeep.
//!
//! # Layout
//!
//! * [`Evaluation`], [`Metrics`]: the short account that a training gives and a model file carries.
//! * [`Report`]: the long one, of `delaycast evaluate`. [`Timeline`] decides who learns from which days, [`Contest`] holds
//!   all predictors against each other, [`score`] has the measures and their intervals, and [`Importance`] is of what a
//!   forest needs to know.

mod asked;
mod baselines;
mod contest;
mod holdout;
mod importance;
mod metrics;
mod report;
pub mod score;
mod timeline;
mod truth;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use asked::Asked;
pub use baselines::{DepDelayTable, class_shares};
pub use contest::{Answers, Card, Contest, Difference, Predictor};
pub use holdout::{Holdout, HoldoutError, Window};
pub use importance::Importance;
pub use metrics::{Metrics, PROBABILITY_MIN};
pub use report::{Importances, Report, Subject};
pub use timeline::{Split, SplitError, TRAINING_DAYS_MIN, Timeline, Wanted};
pub use truth::Truth;

use crate::{
    airports::Airports,
    features::{FeatureSet, KnownInputs, TrainingFlight},
    flight::DelayClass,
    forest::Forests,
};

/// What came of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The first day held out.
    pub from: NaiveDate,
    /// How many earlier flights were trained on.
    pub trained_on: u64,
    /// The class frequencies of training as probabilities.
    pub majority: Metrics,
    /// The lookup table on the departure delay.
    pub lookup: Metrics,
    /// The forest that is given everything that there is.
    pub forest: Metrics,
    /// The forest that does without the weather; the flights' weather is kept from it. Absent where no forest is given any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forest_without_weather: Option<Metrics>,
    /// The forest that does without the schedule; the flights' schedules and numbers are kept from it, and their weather.
    pub forest_without_schedule: Metrics,
    /// The forest that does without the departure delay; the flights' delays are kept from it.
    pub forest_before_departure: Metrics,
}

impl Evaluation {
    /// Holds the baselines and forests, all fitted to the holdout's training flights alone, against the others.
    pub fn of(holdout: &Holdout<'_>, features: &FeatureSet, airports: &Airports, forests: &Forests) -> Self {
        let flights = holdout.held_out;
        let truth: Vec<DelayClass> = flights.iter().map(TrainingFlight::class).collect();
        let (shares, table) = (class_shares(holdout.training), DepDelayTable::fit(holdout.training));
        let said = |given| {
            let asked = Asked { features, airports, forest: forests.of(given).1, given };
            Metrics::of(asked.predictions(flights.iter().map(|flight| flight.query())), &truth)
        };
        Evaluation {
            from: holdout.from,
            trained_on: holdout.training.len() as u64,
            majority: Metrics::of(truth.iter().map(|_| shares), &truth),
            lookup: Metrics::of(flights.iter().map(|flight| table.probabilities(flight.dep_delay)), &truth),
            forest: said(KnownInputs::ALL),
            forest_without_weather: forests
                .of(KnownInputs::ALL)
                .0
                .weather
                .then(|| said(KnownInputs { weather: false, ..KnownInputs::ALL })),
            forest_without_schedule: said(KnownInputs { dep_delay: true, ..KnownInputs::NONE }),
            forest_before_departure: said(KnownInputs { dep_delay: false, ..KnownInputs::ALL }),
        }
    }
}
