//! The vocabulary of the domain: codes, delay classes, times of day, schedules, weather, the calendar and value ranges.
//!
//! These modules import nothing else of the crate, so that requests, answers, histories and features can all use them.

pub mod calendar;
mod class;
mod code;
pub mod limits;
pub mod time_of_day;
mod weather;

pub use class::{CLASS_CUTS_MINUTES, CLASSES, DelayClass, Probabilities};
pub use code::{Code, NotACode};
pub use limits::{DEP_DELAY_MINUTES, DISTANCE_MILES_MAX, FLIGHT_NUM_BYTES_MAX, FLIGHT_NUM_MAX, YEARS};
pub use time_of_day::Schedule;
pub use weather::{Observation, Weather};
