//! A flight of the past.

use chrono::NaiveDate;

use crate::code::Code;

/// How a flight ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It arrived where it was meant to: only such flights are trained on.
    Flown,
    /// It never left.
    Cancelled,
    /// It landed elsewhere.
    Diverted,
}

/// A flight of the past. Delays are minutes, negative when early; times of day are minutes since local midnight.
#[derive(Debug, Clone, PartialEq)]
pub struct Flight {
    /// The local day of departure.
    pub date: NaiveDate,
    /// The airline.
    pub carrier: Code,
    /// The flight's number.
    pub flight_num: Option<u32>,
    /// The aeroplane.
    pub tail_num: Option<Code>,
    /// Where it started.
    pub origin: Code,
    /// Where it was to land.
    pub dest: Code,
    /// Scheduled departure, local time of day.
    pub crs_dep_min: Option<u16>,
    /// Scheduled arrival, local time of day.
    pub crs_arr_min: Option<u16>,
    /// Scheduled duration in minutes.
    pub crs_elapsed_min: Option<f32>,
    /// Departure delay.
    pub dep_delay: Option<f32>,
    /// Arrival delay; a flown flight has one.
    pub arr_delay: Option<f32>,
    /// Minutes in the air.
    pub air_time_min: Option<f32>,
    /// Distance in miles.
    pub distance: Option<f32>,
    /// How it ended.
    pub fate: Fate,
}
