//! Where training rows come from: encoded as they are needed, so that they are never in memory as numbers of four bytes.

use std::{collections::BTreeMap, ops::Range, thread};

use delaycast::{
    airports::Airports,
    features::{FittedFeatures, TrainingFlight},
    flight::DelayClass,
    forest::{
        TrainingSet, UnusableRows,
        histogram::{Bins, SHARD_ROWS_MAX, Shard},
    },
};

use super::{Place, TrainError};

/// Rows that can be encoded at any time, always alike.
pub trait Rows: Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many numbers each has.
    fn width(&self) -> usize;

    /// Appends a row's numbers, finite or NaN, and gives its class.
    fn encode(&self, row: usize, numbers: &mut Vec<f32>) -> DelayClass;
}

impl Rows for TrainingSet {
    fn len(&self) -> usize {
        self.rows_len()
    }

    fn width(&self) -> usize {
        TrainingSet::width(self)
    }

    fn encode(&self, row: usize, numbers: &mut Vec<f32>) -> DelayClass {
        let width = TrainingSet::width(self);
        numbers.extend(&self.rows()[row * width..(row + 1) * width]);
        self.classes()[row]
    }
}

/// Flights, and the features that were fitted to them.
pub struct FlightRows<'a> {
    /// The flights.
    pub flights: &'a [TrainingFlight<'a>],
    /// Their features.
    pub fitted: &'a FittedFeatures,
    /// Distances, where a flight has none.
    pub airports: &'a Airports,
}

impl Rows for FlightRows<'_> {
    fn len(&self) -> usize {
        self.flights.len()
    }

    fn width(&self) -> usize {
        self.fitted.features.width()
    }

    fn encode(&self, row: usize, numbers: &mut Vec<f32>) -> DelayClass {
        let flight = &self.flights[row];
        self.fitted.encode(flight, self.airports, numbers);
        flight.class()
    }
}

/// So many rows are encoded before they are quantised.
const BLOCK: usize = 64;

/// The edges of bins are found on at most this many rows, evenly spaced: a bin is 0.4 % of the rows, and on so many a quantile is off by
/// 0.2 %.
const SAMPLE_MAX: usize = 1 << 16;

/// Finds the edges of bins.
pub(super) fn bins(rows: &dyn Rows) -> Bins {
    let mut sample = Vec::new();
    for row in (0..rows.len()).step_by(rows.len().div_ceil(SAMPLE_MAX).max(1)) {
        rows.encode(row, &mut sample);
    }
    Bins::fit(&sample, rows.width())
}

/// Quantises the rows that fall to the workers of this process: each has an equal share of all, in the rows' order.
pub(super) fn shards(rows: &dyn Rows, bins: &Bins, place: Place) -> Result<BTreeMap<usize, Shard>, TrainError> {
    let peers = place.processes * place.workers;
    let end = |index: usize| rows.len() * index / peers;
    thread::scope(|scope| {
        let quantise = |index: usize| {
            let share = end(index)..end(index + 1);
            let handle = thread::Builder::new().spawn_scoped(scope, move || shard(rows, bins, share));
            (index, handle)
        };
        let first = place.process * place.workers;
        let quantising: Vec<_> = (first..first + place.workers).map(quantise).collect();
        let failed = |reason: &str| TrainError::Workers(reason.to_owned());
        quantising
            .into_iter()
            .map(|(index, handle)| {
                let handle = handle.map_err(|error| failed(&format!("no thread: {error}")))?;
                Ok((index, handle.join().map_err(|_| failed("it could not encode its rows"))??))
            })
            .collect()
    })
}

fn shard(rows: &dyn Rows, bins: &Bins, share: Range<usize>) -> Result<Shard, UnusableRows> {
    if share.len() > SHARD_ROWS_MAX {
        return Err(UnusableRows::TOO_MANY);
    }
    let mut shard = Shard::with_capacity(bins, share.len(), share.start as u64);
    let (mut numbers, mut classes) = (Vec::with_capacity(BLOCK * rows.width()), Vec::with_capacity(BLOCK));
    for start in share.clone().step_by(BLOCK) {
        numbers.clear();
        classes.clear();
        classes.extend((start..share.end.min(start + BLOCK)).map(|row| rows.encode(row, &mut numbers)));
        shard.extend(bins, &numbers, &classes);
    }
    Ok(shard)
}

/// All rows as numbers: four bytes a column. Every column may be split on.
pub(super) fn in_memory(rows: &dyn Rows) -> Result<TrainingSet, UnusableRows> {
    let mut numbers = Vec::with_capacity(rows.len() * rows.width());
    let classes = (0..rows.len()).map(|row| rows.encode(row, &mut numbers)).collect();
    TrainingSet::new(numbers, classes, rows.width(), (0..rows.width()).collect())
}
