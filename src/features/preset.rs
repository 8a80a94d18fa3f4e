//! Presets, and the columns of each.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use self::ColumnSpec::{Index, Live, Mean, Plain, Weather};
use super::{
    columns::Column,
    encoders::WeatherValue,
    inputs::KnownInputs,
    live::LiveColumn,
    query::{Query, TrainingFlight},
    target_mean::{Outcome, TargetMean},
    vocabulary::Group::{
        self, Carrier, CarrierDest, CarrierOrigin, CarrierRoute, CarrierRouteHour, Dest, DestHour, FlightRoute, Origin,
        OriginHour, Route,
    },
};
use crate::live::Moment;

/// A choice of features and of the forest's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The features that did best on flights later than the training flights.
    Default,
    /// The nine features of the system that this one replaces, for comparison.
    #[serde(rename = "seed")]
    Legacy,
}

impl Preset {
    /// All presets.
    pub const ALL: [Preset; 2] = [Preset::Default, Preset::Legacy];

    /// The preset's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Preset::Default => "default",
            Preset::Legacy => "seed",
        }
    }

    /// The combinations of inputs for which forests are grown: those that occur in the flights.
    pub fn input_combinations(self, flights: &[TrainingFlight]) -> impl Iterator<Item = KnownInputs> {
        let known = self.usable_inputs(flights);
        let moments = self.moments(flights);
        KnownInputs::COMBINATIONS.into_iter().filter(move |inputs| {
            KnownInputs { moment: None, ..*inputs }.is_subset_of(known)
                && inputs.moment.is_none_or(|moment| moments.contains(&moment))
        })
    }

    /// The moments at which any of the flights was looked at, if the preset uses events.
    fn moments(self, flights: &[TrainingFlight]) -> Vec<Moment> {
        let is_seen = |moment: &Moment| flights.iter().any(|flight| flight.live(*moment).is_some());
        Moment::ALL.into_iter().filter(|moment| self == Preset::Default && is_seen(moment)).collect()
    }

    /// The inputs that the preset uses and any of the flights has, but events. All flights have a departure delay.
    fn usable_inputs(self, flights: &[TrainingFlight]) -> KnownInputs {
        let any =
            |has: fn(&Query) -> bool| self == Preset::Default && flights.iter().any(|flight| has(&flight.query()));
        let schedule = any(|query| query.schedule.is_some());
        let weather = schedule && any(|query| query.schedule.is_some() && query.weather.is_some());
        KnownInputs { dep_delay: true, schedule, moment: None, weather }
    }

    /// The preset's columns. Those of the schedule and the weather are left out if the flights have none.
    pub(super) fn column_specs(self, flights: &[TrainingFlight]) -> Vec<ColumnSpec> {
        let known = self.usable_inputs(flights);
        match self {
            Preset::Default => {
                let given = |is_given: bool, columns| if is_given { columns } else { &[][..] };
                let live: Vec<ColumnSpec> = LiveColumn::all().into_iter().map(Live).collect();
                [
                    REQUEST,
                    given(known.schedule, SCHEDULE),
                    given(known.weather, WEATHER),
                    given(!self.moments(flights).is_empty(), &live),
                ]
                .concat()
            }
            Preset::Legacy => LEGACY.to_vec(),
        }
    }
}

/// A column before it is fitted.
#[derive(Debug, Clone, Copy)]
pub(super) enum ColumnSpec {
    /// A column without an encoder.
    Plain(fn() -> Column),
    /// [`Column::Index`].
    Index(Group),
    /// A column computed from a target mean by the last of the groups; each group is the prior of the next.
    Mean(&'static [Group], Outcome, fn(TargetMean) -> Column),
    /// [`Column::Weather`].
    Weather(WeatherValue),
    /// [`Column::Live`].
    Live(LiveColumn),
}

impl ColumnSpec {
    /// The target mean from which the column is computed.
    pub(super) fn mean(&self) -> Option<(&'static [Group], Outcome)> {
        match *self {
            Mean(groups, outcome, _) => Some((groups, outcome)),
            _ => None,
        }
    }
}

const fn arr_delay(groups: &'static [Group]) -> ColumnSpec {
    Mean(groups, Outcome::ArrDelay, Column::Mean)
}

const fn time_recovered(groups: &'static [Group]) -> ColumnSpec {
    Mean(groups, Outcome::TimeRecovered, Column::Mean)
}

const fn expected_arr_delay(groups: &'static [Group]) -> ColumnSpec {
    Mean(groups, Outcome::TimeRecovered, Column::ExpectedArrDelay)
}

const fn slack(groups: &'static [Group]) -> ColumnSpec {
    Mean(groups, Outcome::Duration, Column::Slack)
}

const fn arr_delay_after_slack(groups: &'static [Group]) -> ColumnSpec {
    Mean(groups, Outcome::Duration, Column::ArrDelayAfterSlack)
}

/// Columns of the inputs that every request has, and of the departure delay. Days of the month and of the year are left
/// out: a forest cannot learn a season from one year, and a later flight would fall into the last day's leaf.
const REQUEST: &[ColumnSpec] = &[
    Plain(|| Column::DepDelay),
    expected_arr_delay(&[Route, CarrierRoute]),
    Plain(|| Column::Distance),
    Plain(|| Column::DayOfWeek),
    arr_delay(&[Carrier]),
    arr_delay(&[Origin]),
    arr_delay(&[Dest]),
    arr_delay(&[Route]),
    time_recovered(&[Route]),
    time_recovered(&[CarrierOrigin]),
    time_recovered(&[CarrierDest]),
];

/// Columns of the schedule.
const SCHEDULE: &[ColumnSpec] = &[
    Plain(|| Column::ScheduledDep),
    Plain(|| Column::ScheduledArr),
    Plain(|| Column::ScheduledDuration),
    slack(&[Route, CarrierRoute]),
    arr_delay_after_slack(&[Route, CarrierRoute]),
    arr_delay_after_slack(&[Route, CarrierRoute, CarrierRouteHour]),
    expected_arr_delay(&[Route, CarrierRoute, FlightRoute]),
    time_recovered(&[OriginHour]),
    time_recovered(&[DestHour]),
    arr_delay(&[OriginHour]),
    arr_delay(&[DestHour]),
    arr_delay(&[Route, CarrierRoute, FlightRoute]),
];

/// Columns of the weather. The wind direction is left out: its components made the forest worse on four splits of the
/// bundled flights.
const WEATHER: &[ColumnSpec] = &[
    Weather(WeatherValue::Temp),
    Weather(WeatherValue::DewPointSpread),
    Weather(WeatherValue::Humidity),
    Weather(WeatherValue::WindSpeed),
    Weather(WeatherValue::WindGust),
    Weather(WeatherValue::Precip),
    Weather(WeatherValue::Pressure),
    Weather(WeatherValue::Visibility),
];

const LEGACY: &[ColumnSpec] = &[
    Plain(|| Column::DepDelay),
    Plain(|| Column::Distance),
    Plain(|| Column::DayOfMonth),
    Plain(|| Column::DayOfWeek),
    Plain(|| Column::DayOfYear),
    Index(Carrier),
    Index(Origin),
    Index(Dest),
    Index(Route),
];

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The name is not that of a preset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no preset {0:?}: try default or seed")]
pub struct UnknownPreset(String);

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, UnknownPreset> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == name).ok_or_else(|| UnknownPreset(name.to_owned()))
    }
}
