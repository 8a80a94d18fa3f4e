//! A flight as numbers: the one feature module, for training and for scoring.
//!
//! A [`FeatureSet`] is fitted to the flights of the training window and travels in the model file, so that a request is
//! encoded as a training flight was. It writes one row of `f32` a [`Query`]; what cannot be known is NaN, all else is finite.
//! A value that did not occur in training gets the encoder's stated stand-in and, where an asker should know, a [`Remark`].
//! A training flight itself is encoded by the [`Fitted`] set, which keeps its own outcome out of its row.

mod binary;
mod columns;
mod fit;
mod frequency_index;
mod given;
mod group;
mod preset;
mod query;
mod schedule;
mod seen;
mod table;
mod target_mean;
mod training_flight;
mod weather;

use serde::{Deserialize, Serialize};

pub use columns::Column;
pub use fit::Fitted;
pub use frequency_index::FrequencyIndex;
pub use given::Given;
pub use group::Group;
pub use preset::{Preset, UnknownPreset};
pub use query::Query;
pub use schedule::{Schedule, Schedules};
pub use target_mean::{Outcome, TargetMean};
pub use training_flight::TrainingFlight;
pub use weather::{WeatherColumn, WeatherValue};

use seen::{Places, Seen};

use crate::{answer::Remark, atlas::Atlas};

/// At most this many columns: a node of the forest numbers them in one byte.
pub const COLUMNS_MAX: usize = 255;

/// There is nothing to fit features to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no flight in the data has departed, arrived and a delay for both: import flown flights")]
pub struct NoFlights;

/// A feature set that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unusable features: {0}")]
pub struct UnusableFeatures(&'static str);

/// What there is to know about a row besides its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// The distance that was used, in miles.
    pub distance: f32,
    /// What the query gave, with the schedule that its flight number has.
    pub given: Given,
    /// What the row lacks.
    pub remarks: Vec<Remark>,
}

/// A query with what was looked up for it.
#[derive(Debug, Clone, Copy)]
struct Known<'a> {
    query: Query<'a>,
    distance: f32,
    schedule: Option<Schedule>,
    places: Places,
}

impl<'a> Known<'a> {
    /// A flight of the past, of which all is known but perhaps the distance.
    fn of(flight: &TrainingFlight<'a>, seen: &Seen) -> Self {
        let query = flight.query();
        let places = seen.with_hours(seen.places(&query), &query, query.schedule);
        Known { query, distance: query.distance.unwrap_or(f32::NAN), schedule: query.schedule, places }
    }
}

/// The columns of a row, with their fitted encoders. A model file has as JSON what is small, and the tables as numbers:
/// see [`binary`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSet {
    columns: Vec<Column>,
    mean_distance: f32,
    #[serde(skip)]
    seen: Seen,
    #[serde(skip)]
    schedules: Schedules,
}

impl FeatureSet {
    /// How many numbers a row has.
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

    /// The columns that can be known of what is given, in order.
    pub fn columns_given(&self, given: Given) -> Vec<usize> {
        let known = |column: &Column| {
            (given.dep_delay || !column.needs_dep_delay())
                && (given.schedule || !column.needs_schedule())
                && (given.weather || !column.needs_weather())
        };
        (0..self.width()).filter(|&column| known(&self.columns[column])).collect()
    }

    /// Appends a query's row.
    pub fn encode(&self, query: &Query, atlas: &Atlas, row: &mut Vec<f32>) -> Encoded {
        let mut remarks = Vec::new();
        let mut note = |lacking: bool, remark| {
            if lacking {
                remarks.push(remark);
            }
        };
        let known_distance = query.distance.or_else(|| atlas.distance_miles(query.origin, query.dest));
        note(query.dep_delay.is_none(), Remark::NoDepDelay);
        let places = self.seen.places(query);
        note(places.of(Group::Carrier).is_none(), Remark::UnseenCarrier);
        note(places.of(Group::Origin).is_none(), Remark::UnseenOrigin);
        note(places.of(Group::Dest).is_none(), Remark::UnseenDest);
        note(known_distance.is_none(), Remark::UnknownDistance);
        let distance = known_distance.unwrap_or(self.mean_distance);
        let schedule = self.schedules.of(query, &places);
        let known = Known { query: *query, distance, schedule, places: self.seen.with_hours(places, query, schedule) };
        row.extend(self.columns.iter().map(|column| column.value(&known)));
        let given = Given {
            dep_delay: query.dep_delay.is_some(),
            schedule: known.schedule.is_some(),
            weather: query.weather.is_some(),
        };
        Encoded { distance, given, remarks }
    }

    /// Holds a feature set that was read from a file against what [`Self::encode`] relies on.
    pub fn check(&self) -> Result<(), UnusableFeatures> {
        if self.columns.is_empty() || self.columns.len() > COLUMNS_MAX {
            return Err(UnusableFeatures("there must be 1 to 255 columns"));
        }
        if !self.mean_distance.is_finite() {
            return Err(UnusableFeatures("the mean distance is not a number"));
        }
        let seen = &self.seen;
        if !seen.is_sound() {
            return Err(UnusableFeatures("the values that occurred are out of order or out of range"));
        }
        if self.columns.iter().all(|column| column.is_sound(seen)) && self.schedules.is_sound(seen) {
            Ok(())
        } else {
            Err(UnusableFeatures("an encoder's table has not one value for each place, or one that is not finite"))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
