//! What came true.

use crate::{features::TrainingFlight, flight::DelayClass};

/// The class of each flight, and its day as a number from 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Truth {
    classes: Vec<DelayClass>,
    day_numbers: Vec<u32>,
    days_len: usize,
}

impl Truth {
    /// Of flights in the order of their days.
    pub fn of(flights: &[TrainingFlight]) -> Self {
        let mut truth = Truth { classes: flights.iter().map(TrainingFlight::class).collect(), ..Truth::default() };
        for day in flights.chunk_by(|a, b| a.query().date == b.query().date) {
            // There are fewer days than flights, and fewer flights than a u32 counts.
            truth.day_numbers.resize(truth.day_numbers.len() + day.len(), truth.days_len as u32);
            truth.days_len += 1;
        }
        truth
    }

    /// Appends what came true on later days.
    pub fn append(&mut self, later: &Truth) {
        let days_before = self.days_len as u32;
        self.classes.extend(&later.classes);
        self.day_numbers.extend(later.day_numbers.iter().map(|day| day + days_before));
        self.days_len += later.days_len;
    }

    /// The class of each flight.
    pub fn classes(&self) -> &[DelayClass] {
        &self.classes
    }

    /// The number of each flight's day.
    pub fn day_numbers(&self) -> &[u32] {
        &self.day_numbers
    }

    /// How many days there are.
    pub fn days_len(&self) -> usize {
        self.days_len
    }
}
