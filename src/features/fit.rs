//! Fitting a feature set to flights.

use std::sync::Arc;

use super::{
    Column, FeatureSet, FrequencyIndex, Group, Known, NoFlights, Outcome, Preset, Schedules, TargetMean,
    TrainingFlight, WeatherColumn, WeatherValue,
    seen::Seen,
    target_mean::{OutOfFold, TargetMeans},
};
use crate::atlas::Atlas;

/// A column before it is fitted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recipe {
    /// Nothing to fit.
    Plain(fn() -> Column),
    /// [`Column::Index`].
    Index(Group),
    /// A column that is made with a target mean, by the last of the groups, each drawn towards the one before.
    Mean(&'static [Group], Outcome, fn(TargetMean) -> Column),
    /// [`Column::Weather`].
    Weather(WeatherValue),
}

/// A feature set, and what it takes to encode the flights that it was fitted to.
#[derive(Debug)]
pub struct Fitted {
    /// The feature set.
    pub features: FeatureSet,
    /// Of each column with a target mean.
    out_of_fold: Vec<Option<Arc<OutOfFold>>>,
}

impl Fitted {
    /// Fits the columns of a preset to flights. The result does not depend on the flights' order but for rounding.
    pub fn new(preset: Preset, flights: &[TrainingFlight]) -> Result<Self, NoFlights> {
        if flights.is_empty() {
            return Err(NoFlights);
        }
        let recipes = preset.recipes(flights);
        let seen = Seen::of(flights);
        let mut means = TargetMeans::new(&seen, flights);
        let wanted = recipes.iter().filter_map(Recipe::mean);
        means.add_up(wanted.flat_map(|(groups, outcome)| groups.iter().map(move |&group| (group, outcome))));
        let (columns, out_of_fold) = recipes.iter().map(|recipe| recipe.fit(&seen, flights, &mut means)).unzip();
        let distances: Vec<f32> = flights.iter().filter_map(|flight| flight.query().distance).collect();
        let sum: f64 = distances.iter().map(|&miles| f64::from(miles)).sum();
        let features = FeatureSet {
            columns,
            mean_distance: (sum / distances.len().max(1) as f64) as f32,
            schedules: Schedules::fit(&seen, flights),
            seen,
        };
        Ok(Fitted { features, out_of_fold })
    }

    /// Appends the row of one of the flights that the set was fitted to. Target means are those over the other folds' flights.
    pub fn encode(&self, flight: &TrainingFlight, atlas: &Atlas, row: &mut Vec<f32>) {
        let known = Known::of(flight, &self.features.seen);
        let distance = known.query.distance.or_else(|| atlas.distance_miles(known.query.origin, known.query.dest));
        let known = Known { distance: distance.unwrap_or(self.features.mean_distance), ..known };
        row.extend(self.features.columns.iter().zip(&self.out_of_fold).map(|(column, out_of_fold)| {
            column.value_with(&known, |mean| {
                out_of_fold.as_ref().map_or_else(|| mean.of(&known), |out_of_fold| out_of_fold.of(&known, flight))
            })
        }));
    }
}

impl Recipe {
    /// The target mean that the column is made with.
    fn mean(&self) -> Option<(&'static [Group], Outcome)> {
        match *self {
            Recipe::Mean(groups, outcome, _) => Some((groups, outcome)),
            _ => None,
        }
    }

    fn fit(
        &self,
        seen: &Seen,
        flights: &[TrainingFlight],
        means: &mut TargetMeans<'_>,
    ) -> (Column, Option<Arc<OutOfFold>>) {
        match *self {
            Recipe::Plain(column) => (column(), None),
            Recipe::Weather(value) => (Column::Weather(WeatherColumn::fit(value, flights)), None),
            Recipe::Index(group) => (Column::Index(FrequencyIndex::fit(group, seen, flights)), None),
            Recipe::Mean(groups, outcome, column) => {
                let (mean, out_of_fold) = means.of(groups, outcome);
                (column(mean), Some(out_of_fold))
            }
        }
    }
}
