//! Which days are trained on, and which later days are evaluated on.
//!
//! 1. No day is on both sides, and every day trained on is before every day evaluated on: who evaluates with earlier
//!    days than he trained on has let the future in.
//! 2. What was asked for and cannot be is an error that names the days; nothing is cut to fit in silence.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::{Window, holdout::last_quarter};
use crate::features::TrainingFlight;

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
    NoFlights,
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
    pub training: &'a [TrainingFlight],
    /// What is evaluated with.
    pub held_out: &'a [TrainingFlight],
}

/// Flights in the order of their days.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline(Vec<TrainingFlight>);

impl Timeline {
    /// Sorts flights by day; those of a day keep their order.
    pub fn new(mut flights: Vec<TrainingFlight>) -> Self {
        flights.sort_by_key(|flight| flight.query.date);
        Timeline(flights)
    }

    /// All flights.
    pub fn flights(&self) -> &[TrainingFlight] {
        &self.0
    }

    /// From the first day to the last.
    fn window(&self) -> Result<Window, SplitError> {
        let (first, last) = (self.0.first(), self.0.last());
        let (first, last) = first.zip(last).ok_or(SplitError::NoFlights)?;
        Ok(Window { from: first.query.date, to: last.query.date })
    }

    /// The flights of some days.
    fn between(&self, days: Window) -> &[TrainingFlight] {
        let start = self.0.partition_point(|flight| flight.query.date < days.from);
        let end = self.0.partition_point(|flight| flight.query.date <= days.to);
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
mod tests {
    use super::*;
    use crate::features::tests::flight;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Two flights a day from `from` to `to`, in disorder.
    fn timeline(from: &str, to: &str) -> Timeline {
        let mut flights = Vec::new();
        for date in day(from).iter_days().take_while(|date| *date <= day(to)) {
            for carrier in ["AA", "B6"] {
                let mut flight = flight(carrier, "JFK", 0.0, 0.0);
                flight.query.date = date;
                flights.insert(flights.len() / 2, flight);
            }
        }
        Timeline::new(flights)
    }

    fn sides(split: &Split<'_>) -> [String; 4] {
        let ends = |flights: &[TrainingFlight]| {
            let window = Window::of(flights).unwrap();
            [window.from.to_string(), window.to.to_string()]
        };
        let ([a, b], [c, d]) = (ends(split.training), ends(split.held_out));
        [a, b, c, d]
    }

    #[test]
    fn the_default_is_the_split_of_training_and_the_ends_may_be_moved() {
        let year = timeline("2013-01-01", "2013-12-31");
        let default = year.split(&Wanted::default()).unwrap();
        assert_eq!(sides(&default), ["2013-01-01", "2013-10-01", "2013-10-02", "2013-12-31"]);
        assert_eq!((default.training.len(), default.held_out.len()), (2 * 274, 2 * 91));
        let wanted = |train_from, train_to, from, to| {
            let day = |text: &str| (!text.is_empty()).then(|| day(text));
            Wanted { train_from: day(train_from), train_to: day(train_to), from: day(from), to: day(to) }
        };
        let cases = [
            (wanted("", "", "2013-07-01", "2013-07-31"), ["2013-01-01", "2013-06-30", "2013-07-01", "2013-07-31"]),
            (wanted("2013-02-01", "2013-02-28", "", ""), ["2013-02-01", "2013-02-28", "2013-03-01", "2013-12-31"]),
            (
                wanted("2013-02-01", "2013-02-28", "2013-06-01", "2013-06-02"),
                ["2013-02-01", "2013-02-28", "2013-06-01", "2013-06-02"],
            ),
        ];
        for (wanted, expected) in cases {
            assert_eq!(sides(&year.split(&wanted).unwrap()), expected);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_days() {
        let year = timeline("2013-01-01", "2013-12-31");
        let (some, none) = (|text: &str| Some(day(text)), Wanted::default());
        let cases = [
            (Wanted { from: some("2013-01-01"), ..none }, "train on from 2013-01-01 to 2012-12-31"),
            (Wanted { from: some("2014-01-01"), ..none }, "evaluate on from 2014-01-01 to 2013-12-31"),
            (
                Wanted { from: some("2013-05-01"), train_to: some("2013-05-01"), ..none },
                "end the training before 2013-05-01",
            ),
            (Wanted { from: some("2013-05-01"), to: some("2013-04-01"), ..none }, "from 2013-05-01 to 2013-04-01"),
            (Wanted { train_from: some("2013-11-01"), ..none }, "from 2013-11-01 to 2013-10-01"),
        ];
        for (wanted, words) in cases {
            let message = year.split(&wanted).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
        assert_eq!(Timeline::new(vec![]).split(&none), Err(SplitError::NoFlights));
        // One day cannot be on both sides.
        assert!(timeline("2013-01-01", "2013-01-01").split(&none).is_err());
    }

    #[test]
    fn a_model_is_evaluated_on_what_it_has_not_learned() {
        let year = timeline("2013-01-01", "2013-12-31");
        let learned = Window { from: day("2012-01-01"), to: day("2013-09-30") };
        let after = year.after(learned, &Wanted::default()).unwrap();
        assert_eq!(sides(&after), ["2013-01-01", "2013-09-30", "2013-10-01", "2013-12-31"]);

        let wanted = Wanted { from: Some(day("2013-09-30")), ..Wanted::default() };
        let message = year.after(learned, &wanted).unwrap_err().to_string();
        assert!(message.contains("learned the flights of 2012-01-01 to 2013-09-30"), "{message}");
        assert!(message.contains("evaluated on 2013-09-30 to 2013-12-31"), "{message}");
        let all = Window { to: day("2013-12-31"), ..learned };
        let message = year.after(all, &Wanted::default()).unwrap_err().to_string();
        assert!(message.contains("the data end on 2013-12-31"), "{message}");

        // Of what it has learned nothing may be at hand.
        let before = Window { from: day("2011-01-01"), to: day("2011-12-31") };
        assert!(year.after(before, &Wanted::default()).unwrap().training.is_empty());
    }

    #[test]
    fn each_month_is_tested_with_all_days_before_it() {
        let flights = timeline("2013-01-10", "2013-04-05");
        let months =
            |wanted: &Wanted| flights.months(wanted).map(|splits| splits.iter().map(sides).collect::<Vec<_>>());
        // February begins 22 days after the data do: too few.
        assert_eq!(
            months(&Wanted::default()).unwrap(),
            [
                ["2013-01-10", "2013-02-28", "2013-03-01", "2013-03-31"],
                ["2013-01-10", "2013-03-31", "2013-04-01", "2013-04-05"],
            ]
        );
        let within = Wanted { from: Some(day("2013-03-15")), to: Some(day("2013-03-20")), ..Wanted::default() };
        assert_eq!(months(&within).unwrap(), [["2013-01-10", "2013-03-14", "2013-03-15", "2013-03-20"]]);
        let early = Wanted { to: Some(day("2013-02-20")), ..Wanted::default() };
        assert!(months(&early).unwrap_err().to_string().contains("28 days"));
    }
}
