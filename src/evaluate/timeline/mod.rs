//! Which days are trained on, and which later days are evaluated on.
//!
//! 1. No day is on both sides, and every day trained on is before every day evaluated on: who evaluates with earlier
//!    days than he trained on has let the future in.
//! 2. What was asked for and cannot be is an error that names the days; nothing is cut to fit in silence.

use chrono::{Datelike, Days, Months, NaiveDate};

use crate::{
    evaluate::{Window, holdout::last_quarter},
    features::TrainingFlight,
};

/// A month is tested only if there are at least this many days to train on before it.
pub const TRAINING_DAYS_MIN: i64 = 28;

/// Which days are wanted; both ends included, each may be open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The first day to train on.
    pub train_from: Option<NaiveDate>,
    /// The last day to train on.
    pub train_to: Option<NaiveDate>,
    /// The first day to evaluate on.
    pub from: Option<NaiveDate>,
    /// The last day to evaluate on.
    pub to: Option<NaiveDate>,
}

/// Why there is nothing to evaluate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// Nothing to split.
    #[error("no flight in the data has departed, arrived and a delay for both: import flown flights")]
    NothingToFit,
    /// No flight on one side.
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
    /// A day would be on both sides, or before one that was trained on.
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
    /// The model has seen what it would be evaluated on.
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
    /// No month has enough days before it.
    #[error(
        "no month from {} to {} has {TRAINING_DAYS_MIN} days to train on before it, for the data begin on {}: \
         give more data, or take later months", days.from, days.to, window.from
    )]
    NoMonth {
        /// The days asked for.
        days: Window,
        /// The days to choose from.
        window: Window,
    },
}

/// Flights to train on, and later ones to evaluate with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split<'a> {
    /// What is trained on; empty only beside a model that was trained on flights that are not at hand.
    pub training: &'a [TrainingFlight<'a>],
    /// What is evaluated with.
    pub held_out: &'a [TrainingFlight<'a>],
}

/// Flights in the order of their days.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline<'a>(Vec<TrainingFlight<'a>>);

impl<'a> Timeline<'a> {
    /// Sorts flights by day; those of a day keep their order.
    pub fn new(mut flights: Vec<TrainingFlight<'a>>) -> Self {
        // As a history has them. To sort them again would take half as much memory as they do.
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
        let (first, last) = first.zip(last).ok_or(SplitError::NothingToFit)?;
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

    /// What is wanted; by default the last quarter of the days is evaluated on, and all before is trained on.
    pub fn split(&self, wanted: &Wanted) -> Result<Split<'_>, SplitError> {
        let window = self.window()?;
        let after_training = wanted.train_to.and_then(|day| day.succ_opt());
        let from = wanted.from.or(after_training).unwrap_or_else(|| last_quarter(window));
        let evaluation = Window { from, to: wanted.to.unwrap_or(window.to) };
        let before = from.pred_opt().unwrap_or(from);
        let training = Window { from: wanted.train_from.unwrap_or(window.from), to: wanted.train_to.unwrap_or(before) };
        self.split_at(training, evaluation)
    }

    /// What a model that has learned some days is evaluated on: by default all days after. What is at hand of the days
    /// that it has learned is there to fit the baselines to.
    pub fn after(&self, learned: Window, wanted: &Wanted) -> Result<Split<'_>, SplitError> {
        let window = self.window()?;
        let next = learned.to.succ_opt().unwrap_or(learned.to);
        let evaluation = Window { from: wanted.from.unwrap_or(next), to: wanted.to.unwrap_or(window.to) };
        if wanted.from.is_none() && window.to <= learned.to {
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

    /// Each month of what is wanted, with all days before it to train on, at least [`TRAINING_DAYS_MIN`]. Months are
    /// those of the calendar; the first and the last may be tested in part. Those without flights are left out.
    pub fn months(&self, wanted: &Wanted) -> Result<Vec<Split<'_>>, SplitError> {
        let window = self.window()?;
        let days = Window { from: wanted.from.unwrap_or(window.from), to: wanted.to.unwrap_or(window.to) };
        let train_from = wanted.train_from.unwrap_or(window.from).max(window.from);
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
