//! Sources of training rows. Rows are encoded on demand, so that they are never in memory as numbers of four bytes.

use std::{borrow::Cow, collections::BTreeMap, ops::Range, thread};

use delaycast::{
    airports::Airports,
    features::{CancelledFlight, Examples, FittedFeatures, TrainingFlight},
    flight::{DelayReference, FlightOutcome},
    forest::{
        TrainingSet, TrainingSetError,
        histogram::{BinMapper, SHARD_ROWS_MAX, Shard},
    },
    live::Moment,
};

use super::TrainError;

/// The placement of this process's workers among all workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerPlacement {
    /// The number of this process, from 0.
    pub process: usize,
    /// The number of processes.
    pub processes: usize,
    /// The number of workers of each process.
    pub workers: usize,
}

/// Rows that can be encoded at any time, always to the same numbers.
pub trait Rows: Send + Sync {
    /// The number of rows.
    fn len(&self) -> usize;

    /// Returns whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of rows of flights that arrived, which come first; the others were cancelled.
    fn arrived_len(&self) -> usize {
        self.len()
    }

    /// The number of columns of a row.
    fn width(&self) -> usize;

    /// Appends a row's numbers, finite or NaN, and returns its outcome.
    fn encode(&self, row: usize, numbers: &mut Vec<f32>) -> FlightOutcome;
}

impl Rows for TrainingSet {
    fn len(&self) -> usize {
        self.rows_len()
    }

    fn width(&self) -> usize {
        TrainingSet::width(self)
    }

    fn encode(&self, row: usize, numbers: &mut Vec<f32>) -> FlightOutcome {
        let width = TrainingSet::width(self);
        numbers.extend(&self.rows()[row * width..(row + 1) * width]);
        self.outcomes()[row]
    }
}

/// The columns that a forest is grown from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForestColumns {
    /// The columns that may be split on.
    pub columns: Vec<usize>,
    /// The time from which the delays of its leaves are counted.
    pub reference: DelayReference,
}

impl ForestColumns {
    /// Columns, with delays counted from the schedule.
    pub fn of(columns: &[usize]) -> Self {
        ForestColumns { columns: columns.to_vec(), reference: DelayReference::Schedule }
    }
}

/// Flights at a moment, and the features that were fitted to them.
pub struct FlightRows<'a> {
    /// The flown flights.
    pub flights: Cow<'a, [TrainingFlight<'a>]>,
    /// The cancelled flights.
    pub cancelled: Cow<'a, [CancelledFlight<'a>]>,
    /// The moment at which they are looked at; `None` without events.
    pub moment: Option<Moment>,
    /// Their features.
    pub fitted: &'a FittedFeatures,
    /// The source of unknown distances.
    pub airports: &'a Airports,
}

impl<'a> FlightRows<'a> {
    /// The flights of which something is known at a moment.
    pub fn at(
        moment: Option<Moment>,
        examples: Examples<'a>,
        fitted: &'a FittedFeatures,
        airports: &'a Airports,
    ) -> Self {
        let is_known = |flight: &TrainingFlight<'_>| moment.is_none_or(|moment| flight.live(moment).is_some());
        let Examples { flown, cancelled } = examples;
        let flights = if flown.iter().all(is_known) {
            Cow::Borrowed(flown)
        } else {
            flown.iter().filter(|flight| is_known(flight)).copied().collect()
        };
        let cancelled = cancelled.iter().filter(|flight| flight.is_known_at(moment)).copied().collect();
        FlightRows { flights, cancelled, moment, fitted, airports }
    }
}

impl Rows for FlightRows<'_> {
    fn len(&self) -> usize {
        self.flights.len() + self.cancelled.len()
    }

    fn arrived_len(&self) -> usize {
        self.flights.len()
    }

    fn width(&self) -> usize {
        self.fitted.features.width()
    }

    fn encode(&self, row: usize, numbers: &mut Vec<f32>) -> FlightOutcome {
        let Some(flight) = self.flights.get(row) else {
            let cancelled = &self.cancelled[row - self.flights.len()];
            self.fitted.encode_cancelled(cancelled, self.moment, self.airports, numbers);
            return FlightOutcome::Cancelled;
        };
        self.fitted.encode(flight, self.moment, self.airports, numbers);
        flight.outcome()
    }
}

/// Rows that are encoded before they are quantised.
const BLOCK: usize = 64;

/// Upper bound on the rows from which the bin edges are computed, evenly spaced: a bin has 0.4 % of the rows, and the
/// error of a quantile is 0.2 %.
const SAMPLE_MAX: usize = 1 << 16;

/// Computes the edges of the bins.
pub(super) fn bins(rows: &dyn Rows) -> BinMapper {
    let mut sample = Vec::new();
    for row in (0..rows.arrived_len()).step_by(rows.arrived_len().div_ceil(SAMPLE_MAX).max(1)) {
        rows.encode(row, &mut sample);
    }
    BinMapper::fit(&sample, rows.width())
}

/// Quantises the rows of this process's workers: each worker has an equal share of all rows, in order.
pub(super) fn shards(
    rows: &dyn Rows,
    bins: &BinMapper,
    placement: WorkerPlacement,
) -> Result<BTreeMap<usize, Shard>, TrainError> {
    let peers = placement.processes * placement.workers;
    let end = |index: usize| rows.len() * index / peers;
    thread::scope(|scope| {
        let quantise = |index: usize| {
            let share = end(index)..end(index + 1);
            let handle = thread::Builder::new().spawn_scoped(scope, move || shard(rows, bins, share));
            (index, handle)
        };
        let first = placement.process * placement.workers;
        let quantising: Vec<_> = (first..first + placement.workers).map(quantise).collect();
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

fn shard(rows: &dyn Rows, bins: &BinMapper, share: Range<usize>) -> Result<Shard, TrainingSetError> {
    if share.len() > SHARD_ROWS_MAX {
        return Err(TrainingSetError::TOO_MANY);
    }
    let mut shard = Shard::with_capacity(bins, share.len(), share.start as u64);
    let (mut numbers, mut outcomes) = (Vec::with_capacity(BLOCK * rows.width()), Vec::with_capacity(BLOCK));
    for start in share.clone().step_by(BLOCK) {
        numbers.clear();
        outcomes.clear();
        outcomes.extend((start..share.end.min(start + BLOCK)).map(|row| rows.encode(row, &mut numbers)));
        shard.extend(bins, &numbers, &outcomes);
    }
    Ok(shard)
}

/// Encodes all rows of flights that arrived, four bytes a column. Every column may be split on.
pub(super) fn in_memory(rows: &dyn Rows) -> Result<TrainingSet, TrainingSetError> {
    let mut numbers = Vec::with_capacity(rows.arrived_len() * rows.width());
    let outcomes = (0..rows.arrived_len()).map(|row| rows.encode(row, &mut numbers)).collect::<Vec<_>>();
    TrainingSet::new(numbers, outcomes, rows.width(), (0..rows.width()).collect())
}
