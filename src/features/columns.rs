//! The columns of a row, and how each is computed.

use serde::{Deserialize, Serialize};

use super::{
    encoders::{FrequencyIndex, LookupTable, WeatherColumn},
    live::LiveColumn,
    target_mean::TargetMean,
    vocabulary::{Group, ResolvedQuery, Vocabulary},
};
use crate::{
    explanation::Factor,
    flight::{Schedule, time},
};

/// A column of a row, with its fitted encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Column {
    /// Departure delay in minutes.
    DepDelay,
    /// Distance in miles.
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
    /// Scheduled departure to scheduled arrival, each in its own time zone, in minutes.
    ScheduledDuration,
    /// Categories numbered by frequency.
    Index(FrequencyIndex),
    /// Mean of an outcome by group.
    Mean(TargetMean),
    /// Departure delay minus the mean time recovered by group.
    ExpectedArrDelay(TargetMean),
    /// Scheduled duration minus the mean duration by group: the time that the flight can be expected to recover.
    Slack(TargetMean),
    /// Departure delay minus the slack.
    ArrDelayAfterSlack(TargetMean),
    /// A value of the weather at the origin in the hour of the scheduled departure.
    Weather(WeatherColumn),
    /// A number of the knowledge at the moment of the question.
    Live(LiveColumn),
}

impl Column {
    /// Returns whether the column is unknown before departure.
    pub fn needs_dep_delay(&self) -> bool {
        matches!(self, Column::DepDelay | Column::ExpectedArrDelay(_) | Column::ArrDelayAfterSlack(_))
    }

    /// Returns whether the column is unknown without the schedule. So is the weather, which is that of the scheduled
    /// hour.
    pub fn needs_schedule(&self) -> bool {
        match self {
            Column::ScheduledDep | Column::ScheduledArr | Column::ScheduledDuration | Column::Weather(_) => true,
            Column::Live(_) => true,
            Column::Index(index) => index.group.needs_schedule(),
            _ => self.mean().is_some_and(TargetMean::needs_schedule),
        }
    }

    /// Returns whether the column is unknown without the weather.
    pub fn needs_weather(&self) -> bool {
        matches!(self, Column::Weather(_))
    }

    /// Returns whether the column is unknown without events.
    pub fn needs_live(&self) -> bool {
        matches!(self, Column::Live(_))
    }

    /// The factor to which explanations credit the column. The expected arrival delay counts for the departure delay,
    /// which dominates it: the time recovered on a route is a few minutes.
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
            Column::Live(live) => live.factor(),
            Column::Index(FrequencyIndex { group, .. }) | Column::Mean(TargetMean { group, .. }) => group.factor(),
        }
    }

    /// The column's name in `delaycast models show` and in reports.
    pub fn name(&self) -> String {
        match self {
            Column::Index(index) => format!("{:?}Index", index.group),
            Column::Mean(mean) => format!("{}Of{:?}", mean.outcome.name(), mean.group),
            Column::ExpectedArrDelay(mean) => format!("ExpectedArrDelayBy{:?}", mean.group),
            Column::Slack(mean) => format!("SlackBy{:?}", mean.group),
            Column::ArrDelayAfterSlack(mean) => format!("ArrDelayAfterSlackBy{:?}", mean.group),
            Column::Weather(weather) => format!("{:?}", weather.value),
            Column::Live(live) => live.name(),
            plain => format!("{plain:?}"),
        }
    }

    /// The target mean from which the column is computed.
    fn mean(&self) -> Option<&TargetMean> {
        match self {
            Column::Mean(mean)
            | Column::ExpectedArrDelay(mean)
            | Column::Slack(mean)
            | Column::ArrDelayAfterSlack(mean) => Some(mean),
            _ => None,
        }
    }

    /// The column's lookup tables, each with the group by whose ids it is indexed.
    pub(super) fn tables(&self) -> Vec<(Group, &LookupTable)> {
        match self {
            Column::Index(index) => vec![(index.group, &index.table)],
            _ => self.mean().map(TargetMean::tables).unwrap_or_default(),
        }
    }

    /// The same tables, to be filled.
    pub(super) fn tables_mut(&mut self) -> Vec<&mut LookupTable> {
        match self {
            Column::Index(index) => vec![&mut index.table],
            Column::Mean(mean)
            | Column::ExpectedArrDelay(mean)
            | Column::Slack(mean)
            | Column::ArrDelayAfterSlack(mean) => mean.tables_mut(),
            _ => Vec::new(),
        }
    }

    pub(super) fn is_valid(&self, vocabulary: &Vocabulary) -> bool {
        let numbers = match self {
            Column::Weather(weather) => weather.is_valid(),
            Column::Live(live) => live.is_valid(),
            _ => self.mean().is_none_or(TargetMean::is_valid),
        };
        numbers && self.tables().iter().all(|(group, table)| table.is_valid(vocabulary.len(*group)))
    }

    /// The column's value for a flight; NaN where it is unknown.
    pub(super) fn value(&self, resolved: &ResolvedQuery<'_>) -> f32 {
        self.value_with(resolved, |mean| mean.of(resolved))
    }

    /// The same, with another lookup of the target mean.
    pub(super) fn value_with(&self, resolved: &ResolvedQuery<'_>, mean: impl FnOnce(&TargetMean) -> f32) -> f32 {
        let ResolvedQuery { query, distance, schedule, .. } = *resolved;
        let dep_delay = query.dep_delay.unwrap_or(f32::NAN);
        let scheduled = |of: fn(Schedule) -> f32| schedule.map_or(f32::NAN, of);
        let duration = || scheduled(Schedule::clock_difference_min);
        // Days are far below 2^24, so they are exact.
        match self {
            Column::DepDelay => dep_delay,
            Column::Distance => distance,
            Column::DayOfMonth => time::day_of_month(query.date) as f32,
            Column::DayOfWeek => time::day_of_week(query.date) as f32,
            Column::DayOfYear => time::day_of_year(query.date) as f32,
            Column::ScheduledDep => scheduled(|schedule| f32::from(schedule.dep_min)),
            Column::ScheduledArr => scheduled(|schedule| f32::from(schedule.arr_min)),
            Column::ScheduledDuration => duration(),
            Column::Index(index) => index.of(resolved),
            Column::Mean(of) => mean(of),
            Column::ExpectedArrDelay(of) => dep_delay - mean(of),
            Column::Slack(of) => duration() - mean(of),
            Column::ArrDelayAfterSlack(of) => dep_delay - (duration() - mean(of)),
            Column::Weather(weather) => weather.of(resolved),
            Column::Live(live) => live.value(resolved.live.as_ref()),
        }
    }
}
