//! What a forest is trained on.

use crate::{
    airports::Airports,
    features::{FittedFeatures, TrainingFlight},
    flight::{CLASSES, DelayClass},
};

/// Rows of numbers with the class of each. A number is finite, or NaN where it is missing. Rows are numbered from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSet {
    rows: Vec<f32>,
    classes: Vec<DelayClass>,
    width: usize,
    /// The columns that may be split on.
    columns: Vec<usize>,
}

/// Rows that cannot be trained on, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unusable training rows: {0}")]
pub struct UnusableRows(pub(super) &'static str);

impl UnusableRows {
    /// More than a shard can hold.
    pub const TOO_MANY: UnusableRows =
        UnusableRows("a worker would hold more than 67,108,864 of them: train with more workers");
}

impl TrainingSet {
    /// Takes rows of `width` numbers each, one class a row, and the columns that may be split on.
    pub fn new(
        rows: Vec<f32>,
        classes: Vec<DelayClass>,
        width: usize,
        columns: Vec<usize>,
    ) -> Result<Self, UnusableRows> {
        if classes.is_empty() || rows.len() != classes.len() * width {
            return Err(UnusableRows("there must be at least one, and one class for each"));
        }
        if u32::try_from(classes.len()).is_err() {
            return Err(UnusableRows("there are more than 2^32"));
        }
        if columns.is_empty() || columns.iter().any(|&column| column >= width) {
            return Err(UnusableRows("there must be a column to split on, and each must be there"));
        }
        if rows.iter().any(|number| number.is_infinite()) {
            return Err(UnusableRows("a number is infinite"));
        }
        Ok(TrainingSet { rows, classes, width, columns })
    }

    /// Encodes the flights that the features were fitted to; `columns` may be split on.
    pub fn of_flights(
        fitted: &FittedFeatures,
        airports: &Airports,
        flights: &[TrainingFlight],
        columns: Vec<usize>,
    ) -> Result<Self, UnusableRows> {
        let width = fitted.features.width();
        let mut rows = Vec::with_capacity(flights.len() * width);
        for flight in flights {
            fitted.encode(flight, airports, &mut rows);
        }
        Self::new(rows, flights.iter().map(TrainingFlight::class).collect(), width, columns)
    }

    /// The same rows with other columns to split on.
    pub fn with_columns(&self, columns: Vec<usize>) -> Result<Self, UnusableRows> {
        Self::new(self.rows.clone(), self.classes.clone(), self.width, columns)
    }

    /// How many rows there are; at least one.
    pub fn rows_len(&self) -> usize {
        self.classes.len()
    }

    /// How many numbers a row has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All rows, one after the other.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// A number of a row.
    pub fn value(&self, row: u32, column: usize) -> f32 {
        self.rows[row as usize * self.width + column]
    }

    /// The class of each row.
    pub fn classes(&self) -> &[DelayClass] {
        &self.classes
    }

    /// The columns that may be split on.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// How many rows have each class.
    pub fn class_counts(&self) -> [u64; CLASSES] {
        count_classes(&self.classes)
    }
}

/// How often each class occurs.
pub fn count_classes(classes: &[DelayClass]) -> [u64; CLASSES] {
    let mut counts = [0; CLASSES];
    for class in classes {
        counts[class.index()] += 1;
    }
    counts
}
