//! Flown flights.

mod flight;

pub use flight::{Fate, Flight};
