//! Counts of a set of flights: by class of delay, cancelled, diverted; and their mean arrival delay.

use rusqlite::Row;

use crate::{
    flight::{CLASS_CUTS_MINUTES, CLASSES, DelayClass},
    history::{Flight, FlightStatus},
};

/// The columns of sums in a table.
pub(super) const COLUMNS: &str = "flights, cancelled, diverted, class_0, class_1, class_2, class_3, arr_minutes";

/// The sums of rows that have [`COLUMNS`].
pub(super) const OF_SUMS: &str = "coalesce(sum(flights), 0), coalesce(sum(cancelled), 0), coalesce(sum(diverted), 0), \
    coalesce(sum(class_0), 0), coalesce(sum(class_1), 0), coalesce(sum(class_2), 0), coalesce(sum(class_3), 0), \
    coalesce(sum(arr_minutes), 0.0)";

/// The number of [`COLUMNS`].
pub(super) const COLUMN_COUNT: usize = 8;

/// The sums over rows of the table `flight`, called `f`. A flown flight alone has an arrival delay that counts.
pub(super) fn of_flights() -> String {
    let [early, on_time, late] = CLASS_CUTS_MINUTES;
    let flown = format!("f.status = {}", status_number(FlightStatus::Flown));
    let class = |condition: String| format!("coalesce(sum({flown} AND {condition}), 0)");
    [
        "count(*)".to_owned(),
        format!("coalesce(sum(f.status = {}), 0)", status_number(FlightStatus::Cancelled)),
        format!("coalesce(sum(f.status = {}), 0)", status_number(FlightStatus::Diverted)),
        class(format!("f.arr_delay < {early}")),
        class(format!("f.arr_delay >= {early} AND f.arr_delay < {on_time}")),
        class(format!("f.arr_delay >= {on_time} AND f.arr_delay < {late}")),
        class(format!("f.arr_delay >= {late}")),
        format!("coalesce(sum(CASE WHEN {flown} THEN f.arr_delay END), 0.0)"),
    ]
    .join(", ")
}

/// The number of a status in the table of flights.
pub(super) fn status_number(status: FlightStatus) -> i64 {
    match status {
        FlightStatus::Flown => 0,
        FlightStatus::Cancelled => 1,
        FlightStatus::Diverted => 2,
    }
}

/// The status of a number in the table of flights.
pub(super) fn status_of(number: i64) -> FlightStatus {
    match number {
        1 => FlightStatus::Cancelled,
        2 => FlightStatus::Diverted,
        _ => FlightStatus::Flown,
    }
}

/// A count that a build has written, which is not negative.
pub(super) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Counts of a set of flights.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// All flights that were scheduled.
    pub flights: u64,
    /// Flights that did not depart.
    pub cancelled: u64,
    /// Flights that landed elsewhere.
    pub diverted: u64,
    /// Flights that arrived, by class of their delay.
    pub classes: [u64; CLASSES],
    /// The sum of their arrival delays in minutes.
    pub arr_minutes: f64,
}

impl Figures {
    /// Adds a flight.
    pub fn add(&mut self, flight: &Flight) {
        self.flights += 1;
        match flight.status {
            FlightStatus::Cancelled => self.cancelled += 1,
            FlightStatus::Diverted => self.diverted += 1,
            FlightStatus::Flown => {
                if let Some(minutes) = flight.arr_delay {
                    self.classes[DelayClass::of_delay(minutes).index()] += 1;
                    self.arr_minutes += f64::from(minutes);
                }
            }
        }
    }

    /// Adds the flights of other figures.
    pub fn merge(&mut self, other: &Self) {
        self.flights += other.flights;
        self.cancelled += other.cancelled;
        self.diverted += other.diverted;
        for (sum, more) in self.classes.iter_mut().zip(other.classes) {
            *sum += more;
        }
        self.arr_minutes += other.arr_minutes;
    }

    /// The number of flights that arrived.
    pub fn arrived(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// The mean arrival delay in minutes of the flights that arrived; `None` without one.
    pub fn mean_arr_delay(&self) -> Option<f64> {
        let arrived = self.arrived();
        (arrived > 0).then(|| self.arr_minutes / arrived as f64)
    }

    /// The share of a class among the flights that arrived; `None` without one.
    pub fn share(&self, class: DelayClass) -> Option<f64> {
        let arrived = self.arrived();
        (arrived > 0).then(|| self.classes[class.index()] as f64 / arrived as f64)
    }

    /// The share of flights that arrived less than 30 minutes late among those that arrived.
    pub fn share_not_very_late(&self) -> Option<f64> {
        self.share(DelayClass::VeryLate).map(|late| 1.0 - late)
    }

    /// The share of cancelled flights among all; `None` without one.
    pub fn share_cancelled(&self) -> Option<f64> {
        (self.flights > 0).then(|| self.cancelled as f64 / self.flights as f64)
    }

    /// Reads the sums from a row, from column `at` on.
    pub(super) fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let count = |column: usize| -> rusqlite::Result<u64> { Ok(count(row.get(at + column)?)) };
        Ok(Figures {
            flights: count(0)?,
            cancelled: count(1)?,
            diverted: count(2)?,
            classes: [count(3)?, count(4)?, count(5)?, count(6)?],
            arr_minutes: row.get(at + 7)?,
        })
    }
}
