//! The numbers in a row, and how they come about.

use chrono::Datelike;
use serde::{Deserialize, Serialize};

use super::{FrequencyIndex, Known, TargetMean, WeatherColumn};
use crate::explanation::Factor;

/// A number in the row, and how it comes about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Column {
    /// Minutes behind the schedule at departure.
    DepDelay,
    /// Miles.
    Distance,
    /// 1–31.
    DayOfMonth,
    /// 1–7, Monday 1.
    DayOfWeek,
    /// 1–366.
    DayOfYear,
    /// Scheduled departure, minutes since local midnight.
    ScheduledDep,
    /// Scheduled arrival, minutes since local midnight.
    ScheduledArr,
    /// From scheduled departure to scheduled arrival by the two clocks, in minutes.
    ScheduledDuration,
    /// Values numbered by frequency.
    Index(FrequencyIndex),
    /// The mean of an outcome over the training flights with the same value.
    Mean(TargetMean),
    /// Minutes behind the schedule at departure, less the mean that such flights made up on the way.
    ExpectedArrDelay(TargetMean),
    /// The scheduled duration, less the mean duration of such flights: what this one may be expected to make up.
    Slack(TargetMean),
    /// Minutes behind the schedule at departure, less the slack.
    ArrDelayAfterSlack(TargetMean),
    /// The weather where the flight starts, in the hour of its scheduled departure.
    Weather(WeatherColumn),
}

impl Column {
    /// Whether the column cannot be known before departure.
    pub fn needs_dep_delay(&self) -> bool {
        matches!(self, Column::DepDelay | Column::ExpectedArrDelay(_) | Column::ArrDelayAfterSlack(_))
    }

    /// Whether the column cannot be known without the schedule. The weather is that of the scheduled hour.
    pub fn needs_schedule(&self) -> bool {
        match self {
            Column::ScheduledDep | Column::ScheduledArr | Column::ScheduledDuration | Column::Weather(_) => true,
            Column::Index(index) => index.group.needs_schedule(),
            _ => self.mean().is_some_and(TargetMean::needs_schedule),
        }
    }

    /// Whether the column cannot be known without the weather.
    pub fn needs_weather(&self) -> bool {
        matches!(self, Column::Weather(_))
    }

    /// What it tells a person something of. The delay that a flight is expected to arrive with is its departure delay for the
    /// most part: what the airline makes up on the route is minutes.
    pub fn factor(&self) -> Factor {
        match self {
            Column::DepDelay | Column::ExpectedArrDelay(_) | Column::ArrDelayAfterSlack(_) => Factor::DepDelay,
            Column::Distance => Factor::Distance,
            Column::DayOfWeek => Factor::DayOfWeek,
            Column::DayOfMonth | Column::DayOfYear => Factor::FlightDate,
            Column::ScheduledDep | Column::ScheduledArr | Column::ScheduledDuration | Column::Slack(_) => {
                Factor::Schedule
            }
            Column::Weather(_) => Factor::Weather,
            Column::Index(FrequencyIndex { group, .. }) | Column::Mean(TargetMean { group, .. }) => group.factor(),
        }
    }

    /// The column's name, as models show it.
    pub fn name(&self) -> String {
        match self {
            Column::Index(index) => format!("{:?}Index", index.group),
            Column::Mean(mean) => format!("{:?}Of{:?}", mean.outcome, mean.group),
            Column::ExpectedArrDelay(mean) => format!("ExpectedArrDelayBy{:?}", mean.group),
            Column::Slack(mean) => format!("SlackBy{:?}", mean.group),
            Column::ArrDelayAfterSlack(mean) => format!("ArrDelayAfterSlackBy{:?}", mean.group),
            Column::Weather(weather) => format!("{:?}", weather.value),
            plain => format!("{plain:?}"),
        }
    }

    /// The target mean that the column is made with.
    pub(super) fn mean(&self) -> Option<&TargetMean> {
        match self {
            Column::Mean(mean)
            | Column::ExpectedArrDelay(mean)
            | Column::Slack(mean)
            | Column::ArrDelayAfterSlack(mean) => Some(mean),
            _ => None,
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        match self {
            Column::Index(index) => index.is_sound(),
            Column::Weather(weather) => weather.is_sound(),
            _ => self.mean().is_none_or(TargetMean::is_sound),
        }
    }

    /// The column's number for a flight, as far as it is known: NaN where it is not.
    pub(super) fn value(&self, known: &Known<'_>) -> f32 {
        self.value_with(known, |mean| mean.of(known))
    }

    /// The same, with the target mean looked up otherwise.
    pub(super) fn value_with(&self, known: &Known<'_>, mean: impl FnOnce(&TargetMean) -> f32) -> f32 {
        let Known { query, distance, schedule } = *known;
        let dep_delay = query.dep_delay.unwrap_or(f32::NAN);
        let scheduled = |of: fn(super::Schedule) -> f32| schedule.map_or(f32::NAN, of);
        let duration = || scheduled(super::Schedule::between_clocks_min);
        // Days are far below 2^24, so they are exact.
        match self {
            Column::DepDelay => dep_delay,
            Column::Distance => distance,
            Column::DayOfMonth => query.date.day() as f32,
            Column::DayOfWeek => query.date.weekday().number_from_monday() as f32,
            Column::DayOfYear => query.date.ordinal() as f32,
            Column::ScheduledDep => scheduled(|schedule| f32::from(schedule.dep_min)),
            Column::ScheduledArr => scheduled(|schedule| f32::from(schedule.arr_min)),
            Column::ScheduledDuration => duration(),
            Column::Index(index) => index.of(known),
            Column::Mean(of) => mean(of),
            Column::ExpectedArrDelay(of) => dep_delay - mean(of),
            Column::Slack(of) => duration() - mean(of),
            Column::ArrDelayAfterSlack(of) => dep_delay - (duration() - mean(of)),
            Column::Weather(weather) => weather.of(known),
        }
    }
}
