//! Fits a feature set to training flights.

use std::sync::Arc;

use super::{
    columns::Column,
    encoders::{FrequencyIndex, Schedules, WeatherColumn},
    feature_set::FeatureSet,
    preset::{ColumnSpec, Preset},
    query::TrainingFlight,
    target_mean::{OutOfFold, TargetMeans},
    vocabulary::{ResolvedQuery, Vocabulary},
};
use crate::airports::Airports;

/// There are no training flights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no flight in the data has departed, arrived and a delay for both: import flown flights")]
pub struct NothingToFit;

/// A feature set with the out-of-fold encoders for the flights that it was fitted to.
#[derive(Debug)]
pub struct FittedFeatures {
    /// The feature set.
    pub features: FeatureSet,
    /// One per column; `None` for a column without a target mean.
    out_of_fold: Vec<Option<Arc<OutOfFold>>>,
}

impl FittedFeatures {
    /// Fits the columns of a preset to flights. The flights' order changes the result by rounding only.
    pub fn new(preset: Preset, flights: &[TrainingFlight]) -> Result<Self, NothingToFit> {
        if flights.is_empty() {
            return Err(NothingToFit);
        }
        let specs = preset.column_specs(flights);
        let vocabulary = Vocabulary::of(flights);
        let mut means = TargetMeans::new(&vocabulary, flights);
        let wanted = specs.iter().filter_map(ColumnSpec::mean);
        means.accumulate(wanted.flat_map(|(groups, outcome)| groups.iter().map(move |&group| (group, outcome))));
        let (columns, out_of_fold) = specs.iter().map(|spec| fit(spec, &vocabulary, flights, &mut means)).unzip();
        let distances: Vec<f32> = flights.iter().filter_map(|flight| flight.query().distance).collect();
        let sum: f64 = distances.iter().map(|&miles| f64::from(miles)).sum();
        let features = FeatureSet {
            columns,
            mean_distance: (sum / distances.len().max(1) as f64) as f32,
            schedules: Schedules::fit(&vocabulary, flights),
            vocabulary,
        };
        Ok(FittedFeatures { features, out_of_fold })
    }

    /// Appends the row of one of the training flights. Target means are those over the flights of other folds.
    pub fn encode(&self, flight: &TrainingFlight, airports: &Airports, row: &mut Vec<f32>) {
        let resolved = ResolvedQuery::of(flight, &self.features.vocabulary);
        let query = &resolved.query;
        let distance = query.distance.or_else(|| airports.distance_miles(query.origin, query.dest));
        let resolved = ResolvedQuery { distance: distance.unwrap_or(self.features.mean_distance), ..resolved };
        row.extend(self.features.columns.iter().zip(&self.out_of_fold).map(|(column, out_of_fold)| {
            column.value_with(&resolved, |mean| {
                out_of_fold.as_ref().map_or_else(|| mean.of(&resolved), |out_of_fold| out_of_fold.of(&resolved, flight))
            })
        }));
    }
}

fn fit(
    spec: &ColumnSpec,
    vocabulary: &Vocabulary,
    flights: &[TrainingFlight],
    means: &mut TargetMeans<'_>,
) -> (Column, Option<Arc<OutOfFold>>) {
    match *spec {
        ColumnSpec::Plain(column) => (column(), None),
        ColumnSpec::Weather(value) => (Column::Weather(WeatherColumn::fit(value, flights)), None),
        ColumnSpec::Index(group) => (Column::Index(FrequencyIndex::fit(group, vocabulary, flights)), None),
        ColumnSpec::Mean(groups, outcome, column) => {
            let (mean, out_of_fold) = means.of(groups, outcome);
            (column(mean), Some(out_of_fold))
        }
    }
}
