//! Splitting a window by time.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::features::TrainingFlight;

/// Days, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
}

impl Window {
    /// The days of some flights.
    pub fn of(flights: &[TrainingFlight]) -> Option<Self> {
        let days = || flights.iter().map(|flight| flight.query().date);
        Some(Window { from: days().min()?, to: days().max()? })
    }
}

/// Why there is no holdout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldoutError {
    /// Nothing to split.
    #[error("no flight in the data has departed, arrived and a delay for both: import flown flights")]
    NothingToFit,
    /// One side would be empty.
    #[error(
        "a holdout from {from} leaves nothing on one side, for the flights are of {} to {}: \
         take a day after the first and not after the last", window.from, window.to
    )]
    OneSided {
        /// The first day held out.
        from: NaiveDate,
        /// The days of all flights.
        window: Window,
    },
    /// They are parted where a day begins.
    #[error("the flights are not in the order of their days: sort them")]
    Unsorted,
}

/// Flights to train on, and later ones to evaluate with.
#[derive(Debug, Clone, PartialEq)]
pub struct Holdout<'a> {
    /// The flights before the holdout's first day.
    pub training: &'a [TrainingFlight<'a>],
    /// The others.
    pub held_out: &'a [TrainingFlight<'a>],
    /// The first day held out.
    pub from: NaiveDate,
}

impl<'a> Holdout<'a> {
    /// Splits flights, which are in the order of their days as a history's are, at `from`; without it, the last quarter of the days is
    /// held out.
    pub fn split(flights: &'a [TrainingFlight<'a>], from: Option<NaiveDate>) -> Result<Self, HoldoutError> {
        let window = Window::of(flights).ok_or(HoldoutError::NothingToFit)?;
        if !flights.is_sorted_by_key(|flight| flight.query().date) {
            return Err(HoldoutError::Unsorted);
        }
        let from = from.unwrap_or_else(|| last_quarter(window));
        let (training, held_out) = flights.split_at(flights.partition_point(|flight| flight.query().date < from));
        if training.is_empty() || held_out.is_empty() {
            return Err(HoldoutError::OneSided { from, window });
        }
        Ok(Holdout { training, held_out, from })
    }
}

/// The first day of a window's last quarter, rounded so that the quarter is not longer than that.
pub(super) fn last_quarter(window: Window) -> NaiveDate {
    let days = (window.to - window.from).num_days().unsigned_abs() + 1;
    window.from.checked_add_days(Days::new((days * 3).div_ceil(4))).unwrap_or(window.to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::tests::flight;

    fn year() -> Vec<TrainingFlight<'static>> {
        let first = NaiveDate::from_ymd_opt(2013, 1, 1).unwrap();
        let on = |day| {
            let mut flight = flight("AA", "JFK", 0.0, 0.0);
            flight.change(|query| query.date = first + Days::new(day));
            flight
        };
        (0..365).map(on).collect()
    }

    #[test]
    fn the_last_quarter_of_the_days_is_held_out() {
        let year = year();
        let holdout = Holdout::split(&year, None).unwrap();
        assert_eq!(holdout.from, NaiveDate::from_ymd_opt(2013, 10, 2).unwrap());
        assert_eq!((holdout.training.len(), holdout.held_out.len()), (274, 91));
        let last_trained_on = holdout.training.iter().map(|flight| flight.query().date).max();
        assert!(
            last_trained_on < Some(holdout.from) && holdout.held_out.iter().all(|f| f.query().date >= holdout.from)
        );
    }

    #[test]
    fn a_side_without_flights_is_refused() {
        let day = |text: &str| Some(text.parse().unwrap());
        assert!(Holdout::split(&year(), day("2013-12-31")).is_ok());
        for from in ["2013-01-01", "2014-01-01"] {
            assert!(matches!(Holdout::split(&year(), day(from)), Err(HoldoutError::OneSided { .. })), "{from}");
        }
        assert_eq!(
            Holdout::split(&year()[..1], None),
            Err(HoldoutError::OneSided {
                from: NaiveDate::from_ymd_opt(2013, 1, 2).unwrap(),
                window: Window::of(&year()[..1]).unwrap(),
            })
        );
        assert_eq!(Holdout::split(&[], None), Err(HoldoutError::NothingToFit));
        let backwards: Vec<TrainingFlight> = year().into_iter().rev().collect();
        assert_eq!(Holdout::split(&backwards, None), Err(HoldoutError::Unsorted));
    }
}
