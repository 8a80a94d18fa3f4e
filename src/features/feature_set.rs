//! A fitted feature set: the columns of a row, the encoding of queries, and the fit to training flights.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    columns::Column,
    encoders::{FrequencyIndex, Schedules, WeatherColumn},
    examples::CancelledFlight,
    inputs::{KnownInputs, Remark},
    live::LiveValues,
    preset::{ColumnSpec, Preset},
    query::{Query, TrainingFlight},
    target_mean::{OutOfFold, TargetMeans},
    vocabulary::{Group, ResolvedQuery, Vocabulary},
};
use crate::{
    airports::Airports,
    live::{Minutes, Moment, Rotation, Turnaround, Turnarounds},
};

/// Upper bound on columns: a node of the forest stores its column in one byte.
pub const COLUMNS_MAX: usize = 255;

/// A feature set from a file that cannot be used, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unusable features: {0}")]
pub struct InvalidFeatures(&'static str);

/// The facts about an encoded row that are not in its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedRow {
    /// The distance that was used, in miles.
    pub distance: f32,
    /// The inputs of the query. A schedule looked up by flight number counts.
    pub inputs: KnownInputs,
    /// Remarks on missing inputs.
    pub remarks: Vec<Remark>,
    /// The projection of the aeroplane's way to the flight, if events are known and the model has learned turnarounds.
    pub rotation: Option<Rotation>,
}

/// The columns of a row with their fitted encoders. In a model file, columns are JSON and tables are numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSet {
    pub(super) columns: Vec<Column>,
    pub(super) mean_distance: f32,
    #[serde(default, skip_serializing_if = "Turnarounds::is_empty")]
    turnarounds: Turnarounds,
    #[serde(skip)]
    pub(super) vocabulary: Vocabulary,
    #[serde(skip)]
    pub(super) schedules: Schedules,
}

impl FeatureSet {
    /// Number of columns.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The columns' names, in order.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(Column::name).collect()
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The indexes of the columns that are known from these inputs, in order.
    pub fn columns_known(&self, inputs: KnownInputs) -> Vec<usize> {
        let known = |column: &Column| {
            (inputs.dep_delay || !column.needs_dep_delay())
                && (inputs.schedule || !column.needs_schedule())
                && (inputs.moment.is_some() || !column.needs_live())
                && (inputs.weather || !column.needs_weather())
        };
        (0..self.width()).filter(|&column| known(&self.columns[column])).collect()
    }

    /// Appends a query's row.
    pub fn encode(&self, query: &Query, airports: &Airports, row: &mut Vec<f32>) -> EncodedRow {
        let mut remarks = Vec::new();
        let mut note = |missing: bool, remark| {
            if missing {
                remarks.push(remark);
            }
        };
        let known_distance = query.distance.or_else(|| airports.distance_miles(query.origin, query.dest));
        note(query.dep_delay.is_none(), Remark::NoDepDelay);
        let ids = self.vocabulary.ids(query);
        note(ids.of(Group::Carrier).is_none(), Remark::UnseenCarrier);
        note(ids.of(Group::Origin).is_none(), Remark::UnseenOrigin);
        note(ids.of(Group::Dest).is_none(), Remark::UnseenDest);
        note(known_distance.is_none(), Remark::UnknownDistance);
        let distance = known_distance.unwrap_or(self.mean_distance);
        let schedule = self.schedules.of(query, &ids);
        let ids = self.vocabulary.with_schedule(ids, query, schedule);
        let live = LiveValues::of(query, &self.turnarounds);
        let resolved = ResolvedQuery { query: *query, distance, schedule, ids, live };
        row.extend(self.columns.iter().map(|column| column.value(&resolved)));
        let inputs = KnownInputs {
            dep_delay: query.dep_delay.is_some(),
            schedule: schedule.is_some(),
            moment: query.moment(),
            weather: query.weather.is_some(),
        };
        let rotation = live.filter(|_| !self.turnarounds.is_empty()).map(|live| live.rotation);
        EncodedRow { distance, inputs, remarks, rotation }
    }

    /// Checks a feature set read from a file for what [`Self::encode`] relies on.
    pub fn check(&self) -> Result<(), InvalidFeatures> {
        if self.columns.is_empty() || self.columns.len() > COLUMNS_MAX {
            return Err(InvalidFeatures("there must be 1 to 255 columns"));
        }
        if !self.mean_distance.is_finite() {
            return Err(InvalidFeatures("the mean distance is not a number"));
        }
        let vocabulary = &self.vocabulary;
        if !vocabulary.is_valid() {
            return Err(InvalidFeatures("the values that occurred are out of order or out of range"));
        }
        if !self.turnarounds.is_valid() {
            return Err(InvalidFeatures("the turnarounds are out of order or out of range"));
        }
        if self.columns.iter().all(|column| column.is_valid(vocabulary)) && self.schedules.is_valid(vocabulary) {
            Ok(())
        } else {
            Err(InvalidFeatures("an encoder's table has not one value for each place, or one that is not finite"))
        }
    }
}

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
            turnarounds: turnarounds(flights),
            schedules: Schedules::fit(&vocabulary, flights),
            vocabulary,
        };
        Ok(FittedFeatures { features, out_of_fold })
    }

    /// Appends the row of one of the training flights, with what was known at a moment. Target means are those over the
    /// flights of other folds.
    pub fn encode(&self, flight: &TrainingFlight, moment: Option<Moment>, airports: &Airports, row: &mut Vec<f32>) {
        let live = moment.and_then(|moment| flight.live(moment));
        self.encode_query(Query { live, ..flight.query() }, flight, airports, row);
    }

    /// Appends the row of a cancelled flight of the same days. Its target means are those of a flown flight of its day:
    /// with the means over all flights it would be in other leaves than flown flights of its kind.
    pub fn encode_cancelled(
        &self,
        flight: &CancelledFlight<'_>,
        moment: Option<Moment>,
        airports: &Airports,
        row: &mut Vec<f32>,
    ) {
        self.encode_query(flight.query(moment), flight.example(), airports, row);
    }

    /// Appends the row of a query, with the target means of the fold of `flight`.
    fn encode_query<'a>(&self, query: Query<'a>, flight: &TrainingFlight<'a>, airports: &Airports, row: &mut Vec<f32>) {
        let resolved = ResolvedQuery::of(flight, &self.features.vocabulary);
        let live = LiveValues::of(&query, &self.features.turnarounds);
        let distance = query.distance.or_else(|| airports.distance_miles(query.origin, query.dest));
        let resolved =
            ResolvedQuery { distance: distance.unwrap_or(self.features.mean_distance), query, live, ..resolved };
        row.extend(self.features.columns.iter().zip(&self.out_of_fold).map(|(column, out_of_fold)| {
            column.value_with(&resolved, |mean| {
                out_of_fold.as_ref().map_or_else(|| mean.of(&resolved), |out_of_fold| out_of_fold.of(&resolved, flight))
            })
        }));
    }
}

/// Learns turnarounds from the flights of which events are known.
fn turnarounds(flights: &[TrainingFlight]) -> Turnarounds {
    Turnarounds::fit(flights.iter().filter_map(|flight| {
        let (past, query) = (flight.past()?, flight.query());
        Some(Turnaround {
            carrier: query.carrier,
            airport: query.origin,
            ground: past.ground.map(Minutes::from),
            recovered: (flight.dep_delay - flight.arr_delay).round() as Minutes,
        })
    }))
}

fn fit(
    spec: &ColumnSpec,
    vocabulary: &Vocabulary,
    flights: &[TrainingFlight],
    means: &mut TargetMeans<'_>,
) -> (Column, Option<Arc<OutOfFold>>) {
    match *spec {
        ColumnSpec::Plain(column) => (column(), None),
        ColumnSpec::Live(column) => (Column::Live(column), None),
        ColumnSpec::Weather(value) => (Column::Weather(WeatherColumn::fit(value, flights)), None),
        ColumnSpec::Index(group) => (Column::Index(FrequencyIndex::fit(group, vocabulary, flights)), None),
        ColumnSpec::Mean(groups, outcome, column) => {
            let (mean, out_of_fold) = means.of(groups, outcome);
            (column(mean), Some(out_of_fold))
        }
    }
}
