//! The rows and outcomes that a forest is trained on.

use crate::{
    airports::Airports,
    features::{FittedFeatures, TrainingFlight},
    flight::{CLASSES, DelayClass, FlightOutcome},
};

/// Rows of numbers with the outcome of each; none was cancelled. A number is finite, or NaN where it is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSet {
    rows: Vec<f32>,
    outcomes: Vec<FlightOutcome>,
    classes: Vec<DelayClass>,
    width: usize,
    /// The columns that may be split on.
    columns: Vec<usize>,
}

/// The reason why rows cannot be trained on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unusable training rows: {0}")]
pub struct TrainingSetError(pub(super) &'static str);

impl TrainingSetError {
    /// More rows than a shard can hold.
    pub const TOO_MANY: TrainingSetError =
        TrainingSetError("a worker would hold more than 67,108,864 of them: train with more workers");
}

impl TrainingSet {
    /// Checks row-major rows of `width` numbers with one outcome or class each, and the columns that may be split on.
    pub fn new(
        rows: Vec<f32>,
        outcomes: Vec<impl Into<FlightOutcome>>,
        width: usize,
        columns: Vec<usize>,
    ) -> Result<Self, TrainingSetError> {
        let outcomes: Vec<FlightOutcome> = outcomes.into_iter().map(Into::into).collect();
        let classes: Vec<DelayClass> = outcomes.iter().filter_map(|outcome| outcome.class()).collect();
        if classes.len() < outcomes.len() {
            return Err(TrainingSetError("a flight was cancelled, and has no class"));
        }
        if classes.is_empty() || rows.len() != classes.len() * width {
            return Err(TrainingSetError("there must be at least one, and one outcome for each"));
        }
        if u32::try_from(classes.len()).is_err() {
            return Err(TrainingSetError("there are more than 2^32"));
        }
        if columns.is_empty() || columns.iter().any(|&column| column >= width) {
            return Err(TrainingSetError("there must be a column to split on, and each must be there"));
        }
        if rows.iter().any(|number| number.is_infinite()) {
            return Err(TrainingSetError("a number is infinite"));
        }
        Ok(TrainingSet { rows, outcomes, classes, width, columns })
    }

    /// Encodes the flights that the features were fitted to; `columns` may be split on.
    pub fn from_flights(
        fitted: &FittedFeatures,
        airports: &Airports,
        flights: &[TrainingFlight],
        columns: Vec<usize>,
    ) -> Result<Self, TrainingSetError> {
        let width = fitted.features.width();
        let mut rows = Vec::with_capacity(flights.len() * width);
        for flight in flights {
            fitted.encode(flight, None, airports, &mut rows);
        }
        Self::new(rows, flights.iter().map(TrainingFlight::outcome).collect(), width, columns)
    }

    /// The same rows with other columns to split on.
    pub fn with_columns(&self, columns: Vec<usize>) -> Result<Self, TrainingSetError> {
        Self::new(self.rows.clone(), self.outcomes.clone(), self.width, columns)
    }

    /// The number of rows; at least one.
    pub fn rows_len(&self) -> usize {
        self.classes.len()
    }

    /// The number of columns of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All rows, row-major.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// The number in a column of a row.
    pub fn value(&self, row: u32, column: usize) -> f32 {
        self.rows[row as usize * self.width + column]
    }

    /// The outcome of each row.
    pub fn outcomes(&self) -> &[FlightOutcome] {
        &self.outcomes
    }

    /// The class of each row.
    pub fn classes(&self) -> &[DelayClass] {
        &self.classes
    }

    /// The columns that may be split on.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The number of rows of each class.
    pub fn class_counts(&self) -> [u64; CLASSES] {
        count_classes(&self.classes)
    }
}

/// Returns the number of occurrences of each class.
pub fn count_classes(classes: &[DelayClass]) -> [u64; CLASSES] {
    let mut counts = [0; CLASSES];
    for class in classes {
        counts[class.index()] += 1;
    }
    counts
}
