//! The days that are trained on, and the later days that are evaluated on.
//!
//! 1. No day is on both sides, and every training day is before every day evaluated on: otherwise future
//!    flights would leak into the training.
//! 2. A selection that is impossible is an error that names its days; nothing is shortened silently.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::features::TrainingFlight;

/// A range of days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
}

impl Window {
    /// The days of some flights; `None` without flights.
    pub fn of(flights: &[TrainingFlight]) -> Option<Self> {
        let days = || flights.iter().map(|flight| flight.query().date);
        Some(Window { from: days().min()?, to: days().max()? })
    }
}

/// The reason why flights have no holdout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldoutError {
    /// There are no flights.
    #[error("no flight in the data has departed, arrived and a delay for both: import flown flights")]
    NoFlights,
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
    /// The flights are not in the order of their days, so no day divides them.
    #[error("the flights are not in the order of their days: sort them")]
    Unsorted,
}

/// The split of a training: flights to train on, and later ones to evaluate on.
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
    /// Splits flights in the order of their days, as those of a history are, at `from`; by default the last
    /// quarter of the days is held out.
    pub fn split(flights: &'a [TrainingFlight<'a>], from: Option<NaiveDate>) -> Result<Self, HoldoutError> {
        let window = Window::of(flights).ok_or(HoldoutError::NoFlights)?;
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

/// The first day of a window's last quarter, rounded so that the quarter is not too long.
fn last_quarter(window: Window) -> NaiveDate {
    let days = (window.to - window.from).num_days().unsigned_abs() + 1;
    window.from.checked_add_days(Days::new((days * 3).div_ceil(4))).unwrap_or(window.to)
}

/// Least number of training days before a month that is evaluated.
pub const TRAINING_DAYS_MIN: i64 = 28;

/// The requested days, both ends included; `None` leaves an end open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DateSelection {
    /// The first day to train on.
    pub train_from: Option<NaiveDate>,
    /// The last day to train on.
    pub train_to: Option<NaiveDate>,
    /// The first day to evaluate on.
    pub from: Option<NaiveDate>,
    /// The last day to evaluate on.
    pub to: Option<NaiveDate>,
}

/// The reason why flights cannot be split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// There are no flights.
    #[error("no flight in the data has departed, arrived and a delay for both: import flown flights")]
    NoFlights,
    /// One side has no flight.
    #[error(
        "there is no flight to {what} from {} to {}, for the data are of {} to {}: take other days, or give more data",
        days.from, days.to, window.from, window.to
    )]
    NothingTo {
        /// `train on` or `evaluate on`.
        what: &'static str,
        /// The days without a flight.
        days: Window,
        /// The days of all flights.
        window: Window,
    },
    /// A training day is not before every day evaluated on.
    #[error(
        "training on {} to {} reaches into what is evaluated on, {} to {}: end the training before {}",
        training.from, training.to, evaluation.from, evaluation.to, evaluation.from
    )]
    Overlap {
        /// The days to train on.
        training: Window,
        /// The days to evaluate on.
        evaluation: Window,
    },
    /// The model was trained on a day to evaluate on, or on a later one.
    #[error(
        "the model has learned the flights of {} to {}, and would be evaluated on {} to {}: \
         evaluate it on days after {}, or evaluate another model",
        learned.from, learned.to, evaluation.from, evaluation.to, learned.to
    )]
    Learned {
        /// The days that the model was trained on.
        learned: Window,
        /// The days to evaluate on.
        evaluation: Window,
    },
    /// The data end before the model's training does.
    #[error(
        "the model has learned the flights of {} to {}, and the data end on {}: give flights of later days with --data",
        learned.from, learned.to, window.to
    )]
    NothingLater {
        /// The days that the model was trained on.
        learned: Window,
        /// The days of all flights.
        window: Window,
    },
    /// No month has enough training days before it.
    #[error(
        "no month from {} to {} has {TRAINING_DAYS_MIN} days to train on before it, for the data begin on {}: \
         give more data, or take later months", days.from, days.to, window.from
    )]
    NoMonth {
        /// The requested days.
        days: Window,
        /// The days of all flights.
        window: Window,
    },
}

/// Flights to train on, and later ones to evaluate on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split<'a> {
    /// The flights to train on; empty only if the data have none of the days that a model was trained on.
    pub training: &'a [TrainingFlight<'a>],
    /// The flights to evaluate on.
    pub held_out: &'a [TrainingFlight<'a>],
}

/// Flights in the order of their days.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline<'a>(Vec<TrainingFlight<'a>>);

impl<'a> Timeline<'a> {
    /// Sorts flights by day; those of a day keep their order.
    pub fn new(mut flights: Vec<TrainingFlight<'a>>) -> Self {
        // Those of a history are sorted, and a sort allocates half of their memory.
        if !flights.is_sorted_by_key(|flight| flight.query().date) {
            flights.sort_by_key(|flight| flight.query().date);
        }
        Timeline(flights)
    }

    /// All flights.
    pub fn flights(&self) -> &[TrainingFlight<'a>] {
        &self.0
    }

    /// From the first day to the last.
    fn window(&self) -> Result<Window, SplitError> {
        let (first, last) = (self.0.first(), self.0.last());
        let (first, last) = first.zip(last).ok_or(SplitError::NoFlights)?;
        Ok(Window { from: first.query().date, to: last.query().date })
    }

    /// The flights of some days.
    fn between(&self, days: Window) -> &[TrainingFlight<'a>] {
        let start = self.0.partition_point(|flight| flight.query().date < days.from);
        let end = self.0.partition_point(|flight| flight.query().date <= days.to);
        &self.0[start..end.max(start)]
    }

    fn split_at(&self, training: Window, evaluation: Window) -> Result<Split<'_>, SplitError> {
        let window = self.window()?;
        if training.to >= evaluation.from {
            return Err(SplitError::Overlap { training, evaluation });
        }
        let split = Split { training: self.between(training), held_out: self.between(evaluation) };
        for (what, days, flights) in
            [("evaluate on", evaluation, split.held_out), ("train on", training, split.training)]
        {
            if flights.is_empty() {
                return Err(SplitError::NothingTo { what, days, window });
            }
        }
        Ok(split)
    }

    /// The split of a selection. By default the last quarter of the days is evaluated on, and all days before are
    /// trained on.
    pub fn split(&self, selection: &DateSelection) -> Result<Split<'_>, SplitError> {
        let window = self.window()?;
        let after_training = selection.train_to.and_then(|day| day.succ_opt());
        let from = selection.from.or(after_training).unwrap_or_else(|| last_quarter(window));
        let evaluation = Window { from, to: selection.to.unwrap_or(window.to) };
        let before = from.pred_opt().unwrap_or(from);
        let training =
            Window { from: selection.train_from.unwrap_or(window.from), to: selection.train_to.unwrap_or(before) };
        self.split_at(training, evaluation)
    }

    /// The split for a model that was trained on the days `learned`. By default all later days are evaluated on. The
    /// baselines are fitted to the flights of the learned days, as far as the data have them.
    pub fn after(&self, learned: Window, selection: &DateSelection) -> Result<Split<'_>, SplitError> {
        let window = self.window()?;
        let next = learned.to.succ_opt().unwrap_or(learned.to);
        let evaluation = Window { from: selection.from.unwrap_or(next), to: selection.to.unwrap_or(window.to) };
        if selection.from.is_none() && window.to <= learned.to {
            return Err(SplitError::NothingLater { learned, window });
        }
        if evaluation.from <= learned.to {
            return Err(SplitError::Learned { learned, evaluation });
        }
        let held_out = self.between(evaluation);
        if held_out.is_empty() {
            return Err(SplitError::NothingTo { what: "evaluate on", days: evaluation, window });
        }
        Ok(Split { training: self.between(learned), held_out })
    }

    /// One split for each calendar month of the selection, with all days before it to train on, at least
    /// [`TRAINING_DAYS_MIN`]. The first and the last month may be incomplete. Months without flights are left out.
    pub fn months(&self, selection: &DateSelection) -> Result<Vec<Split<'_>>, SplitError> {
        let window = self.window()?;
        let days = Window { from: selection.from.unwrap_or(window.from), to: selection.to.unwrap_or(window.to) };
        let train_from = selection.train_from.unwrap_or(window.from).max(window.from);
        let mut splits = Vec::new();
        let mut month = days.from.with_day(1).unwrap_or(days.from);
        while month <= days.to.min(window.to) {
            let next = month.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX);
            let end = next.checked_sub_days(Days::new(1)).unwrap_or(month);
            let evaluation = Window { from: month.max(days.from), to: end.min(days.to) };
            let before = evaluation.from.pred_opt().unwrap_or(evaluation.from);
            if (evaluation.from - train_from).num_days() >= TRAINING_DAYS_MIN && before <= window.to {
                splits.extend(self.split_at(Window { from: train_from, to: before }, evaluation).ok());
            }
            month = next;
        }
        if splits.is_empty() { Err(SplitError::NoMonth { days, window }) } else { Ok(splits) }
    }
}

#[cfg(test)]
mod tests;
