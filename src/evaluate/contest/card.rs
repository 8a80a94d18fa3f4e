//! What one predictor's answers are worth.

use serde::Serialize;

use crate::{
    evaluate::score::{Interval, Measure, Reliability, Summed, Values, interval, intervals},
    flight::CLASSES,
};

/// What one predictor's answers are worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// How many flights were answered.
    pub rows: u64,
    /// The scores; `None` where one is not defined, as an AUC without a late flight.
    #[serde(flatten)]
    pub scores: Values<Option<f64>>,
    /// Where 95 % of the resamples lie; absent without resamples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Values<Option<Interval>>>,
    /// The scores less those of the lookup table; absent without one, and at the table itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against_lookup: Option<Values<Option<Difference>>>,
    /// Flights by what came true (outer) and what was held most probable (inner).
    pub confusion: [[u64; CLASSES]; CLASSES],
    /// Of each class, its probability by bins, and how often it came true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reliability: Option<Reliability>,
}

/// The difference between the scores of two predictors on the same flights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// One less the other.
    pub difference: f64,
    /// Where 95 % of the resamples lie, both resampled alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

type Replicates = [Values<Option<f64>>];

impl Card {
    pub(super) fn new(summed: &Summed, replicates: &Replicates) -> Self {
        Card {
            rows: summed.rows(),
            scores: summed.scores_of_all(),
            intervals: (!replicates.is_empty()).then(|| intervals(replicates)),
            against_lookup: None,
            confusion: summed.confusion(),
            reliability: Some(*summed.reliability()),
        }
    }

    /// The same with the differences to another's scores; the replicates of both are of the same draws.
    pub(super) fn beside(self, replicates: &Replicates, other: &Summed, of_other: &Replicates) -> Self {
        let others = other.scores_of_all();
        let difference = |measure: Measure| {
            let pairs = replicates.iter().zip(of_other);
            let less =
                |(own, other): (&Values<Option<f64>>, &Values<Option<f64>>)| Some(own[measure]? - other[measure]?);
            Some(Difference {
                difference: self.scores[measure]? - others[measure]?,
                interval: interval(pairs.filter_map(less).collect()),
            })
        };
        Card { against_lookup: Some(Values::of(difference)), ..self }
    }
}
