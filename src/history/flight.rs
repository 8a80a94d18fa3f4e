//! Flights of the past, and how they ended.

use std::cmp::Ordering;

use chrono::NaiveDate;

use crate::flight::Code;

/// The way in which a flight ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlightStatus {
    /// It landed at its destination. Only such flights are trained on.
    Flown,
    /// It did not depart.
    Cancelled,
    /// It landed at another airport.
    Diverted,
}

/// A flight of the past. Delays are minutes, negative when early; times of day are minutes since local midnight,
/// below 1,440; no number is infinite or NaN. 96 bytes in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Flight {
    /// The local day of departure.
    pub date: NaiveDate,
    /// The airline.
    pub carrier: Code,
    /// The flight's number, at most [`FLIGHT_NUM_MAX`](crate::flight::FLIGHT_NUM_MAX).
    pub flight_num: Option<u32>,
    /// The registration of the aeroplane.
    pub tail_num: Option<Code>,
    /// The airport of departure.
    pub origin: Code,
    /// The scheduled destination.
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
    /// The way in which it ended.
    pub status: FlightStatus,
}

impl Flight {
    /// Creates a flown flight without further values.
    pub fn unknown(date: NaiveDate, carrier: Code, origin: Code, dest: Code) -> Self {
        Flight {
            date,
            carrier,
            flight_num: None,
            tail_num: None,
            origin,
            dest,
            crs_dep_min: None,
            crs_arr_min: None,
            crs_elapsed_min: None,
            dep_delay: None,
            arr_delay: None,
            air_time_min: None,
            distance: None,
            status: FlightStatus::Flown,
        }
    }

    /// Compares in the order of a history: by date, carrier, number, route, then by all other fields. The order is
    /// total, so that two imports of the same flights write the same file.
    pub fn cmp_all(&self, other: &Self) -> Ordering {
        let key = |flight: &Self| {
            (
                (flight.date, flight.carrier, flight.flight_num, flight.origin, flight.dest),
                (flight.crs_dep_min, flight.crs_arr_min, flight.tail_num, flight.status),
            )
        };
        let numbers = |flight: &Self| {
            [flight.crs_elapsed_min, flight.dep_delay, flight.arr_delay, flight.air_time_min, flight.distance]
        };
        key(self).cmp(&key(other)).then_with(|| {
            let pairs = numbers(self).into_iter().zip(numbers(other));
            pairs.map(cmp_number).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        })
    }
}

fn cmp_number(pair: (Option<f32>, Option<f32>)) -> Ordering {
    match pair {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_takes_96_bytes() {
        assert_eq!(size_of::<Flight>(), 96);
    }
}
