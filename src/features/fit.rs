//! Fitting a feature set to flights.

use super::{
    Column, FeatureSet, FrequencyIndex, Group, Known, NoFlights, Outcome, Preset, Schedules, TrainingFlight,
    WeatherColumn, WeatherValue, target_mean::TargetSums,
};
use crate::atlas::Atlas;

/// A column before it is fitted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recipe {
    /// Nothing to fit.
    Plain(fn() -> Column),
    /// [`Column::Index`].
    Index(Group),
    /// [`Column::Mean`] by the last of the groups, each drawn towards the one before.
    Mean(&'static [Group], Outcome),
    /// [`Column::ExpectedArrDelay`].
    ExpectedArrDelay(&'static [Group]),
    /// [`Column::Slack`].
    Slack(&'static [Group]),
    /// [`Column::ArrDelayAfterSlack`].
    ArrDelayAfterSlack(&'static [Group]),
    /// [`Column::Weather`].
    Weather(WeatherValue),
}

/// A feature set with the sums that it was made from, to encode the training flights themselves.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The feature set.
    pub features: FeatureSet,
    /// Of each column with a target mean.
    sums: Vec<Option<TargetSums>>,
}

impl Fitted {
    /// Fits the columns of a preset to flights. The result does not depend on the flights' order but for rounding.
    pub fn new(preset: Preset, flights: &[TrainingFlight]) -> Result<Self, NoFlights> {
        if flights.is_empty() {
            return Err(NoFlights);
        }
        let recipes = preset.recipes(flights);
        let (columns, sums) = recipes.iter().map(|recipe| recipe.fit(flights)).unzip();
        let distances: Vec<f32> = flights.iter().filter_map(|flight| flight.query.distance).collect();
        let sum: f64 = distances.iter().map(|&miles| f64::from(miles)).sum();
        let features = FeatureSet {
            columns,
            carriers: flights.iter().map(|flight| flight.query.carrier).collect(),
            origins: flights.iter().map(|flight| flight.query.origin).collect(),
            dests: flights.iter().map(|flight| flight.query.dest).collect(),
            mean_distance: (sum / distances.len().max(1) as f64) as f32,
            schedules: Schedules::fit(flights),
        };
        Ok(Fitted { features, sums })
    }

    /// Appends the row of one of the flights that the set was fitted to. Target means are those over the other folds' flights.
    pub fn encode(&self, flight: &TrainingFlight, atlas: &Atlas, row: &mut Vec<f32>) {
        let query = &flight.query;
        let distance = query.distance.or_else(|| atlas.distance_miles(query.origin, query.dest));
        let known =
            Known { query, distance: distance.unwrap_or(self.features.mean_distance), schedule: query.schedule };
        row.extend(self.features.columns.iter().zip(&self.sums).map(|(column, sums)| {
            column.value_with(&known, |mean| {
                sums.as_ref().map_or_else(|| mean.of(&known), |sums| sums.of_training(flight))
            })
        }));
    }
}

impl Recipe {
    fn fit(&self, flights: &[TrainingFlight]) -> (Column, Option<TargetSums>) {
        let mean = |groups, outcome, column: fn(super::TargetMean) -> Column| {
            let sums = TargetSums::fit(groups, outcome, flights);
            (column(sums.finish(flights)), Some(sums))
        };
        match *self {
            Recipe::Plain(column) => (column(), None),
            Recipe::Weather(value) => (Column::Weather(WeatherColumn::fit(value, flights)), None),
            Recipe::Index(group) => (Column::Index(FrequencyIndex::fit(group, flights)), None),
            Recipe::Mean(groups, outcome) => mean(groups, outcome, Column::Mean),
            Recipe::ExpectedArrDelay(groups) => mean(groups, Outcome::MadeUp, Column::ExpectedArrDelay),
            Recipe::Slack(groups) => mean(groups, Outcome::Duration, Column::Slack),
            Recipe::ArrDelayAfterSlack(groups) => mean(groups, Outcome::Duration, Column::ArrDelayAfterSlack),
        }
    }
}
