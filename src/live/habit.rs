//! The last days of a flight: its arrivals, and the flight that feeds it. A state remembers them, as a question would
//! have to look at dozens of legs for them, and they hardly change from one question to the next.

use std::cell::RefCell;

use foldhash::HashMap;

use super::event::{FlightId, Millis, Minutes};

/// Upper bound on the flights of which something is remembered, at most 64 bytes each: the flights of two days of the
/// United States. All are forgotten when more are asked about.
const REMEMBERED_MAX: usize = 1 << 16;

/// The arrivals of a flight on its last days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record {
    /// Arrivals.
    pub arrivals: i32,
    /// The sum of their delays in minutes.
    pub delay: i32,
    /// Arrivals that were 15 minutes late or more.
    pub late: i32,
}

/// The flight that most often brought the aeroplane of another, and how many times it did.
pub(super) type Feeder = (FlightId, u8);

/// Values by flight and scheduled departure, each with the moment from which on it holds: that of the last event of the
/// legs that it was computed of. The owner forgets all when one of these legs may have changed.
#[derive(Debug)]
pub(super) struct Remembered<V>(RefCell<HashMap<(FlightId, Minutes), (Millis, V)>>);

impl<V> Default for Remembered<V> {
    fn default() -> Self {
        Remembered(RefCell::default())
    }
}

impl<V: Copy> Remembered<V> {
    /// Returns the value as of a moment, if it is remembered.
    pub(super) fn get(&self, flight: FlightId, departs: Minutes, as_of: Millis) -> Option<V> {
        let values = self.0.borrow();
        let (from, value) = values.get(&(flight, departs))?;
        (*from <= as_of).then_some(*value)
    }

    /// Remembers a value, which holds from a moment on.
    pub(super) fn set(&self, flight: FlightId, departs: Minutes, from: Millis, value: V) {
        let mut values = self.0.borrow_mut();
        if values.len() >= REMEMBERED_MAX {
            values.clear();
        }
        values.insert((flight, departs), (from, value));
    }

    /// Forgets all values.
    pub(super) fn clear(&mut self) {
        self.0.get_mut().clear();
    }
}
