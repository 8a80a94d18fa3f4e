//! Which columns a preset has.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    Column, Given,
    Group::{
        self, Carrier, CarrierDest, CarrierOrigin, CarrierRoute, CarrierRouteHour, Dest, DestHour, FlightRoute, Origin,
        OriginHour, Route,
    },
    Outcome, Query, TrainingFlight, WeatherValue,
    fit::Recipe::{self, Index, Mean, Plain, Weather},
};

/// A choice of features and of the forest's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// What did best on flights later than those trained on.
    Default,
    /// The nine features of the system that this one replaces, for comparison.
    Seed,
}

impl Preset {
    /// All presets.
    pub const ALL: [Preset; 2] = [Preset::Default, Preset::Seed];

    /// The preset's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Preset::Default => "default",
            Preset::Seed => "seed",
        }
    }

    /// What forests are grown for: schedule and weather are of use only if there are flights that have them.
    pub fn givens(self, flights: &[TrainingFlight]) -> impl Iterator<Item = Given> {
        let known = self.known_of(flights);
        Given::ALL.into_iter().filter(move |given| given.is_within(known))
    }

    /// What the preset makes use of and any of the flights has; the departure delay all have.
    fn known_of(self, flights: &[TrainingFlight]) -> Given {
        let any =
            |has: fn(&Query) -> bool| self == Preset::Default && flights.iter().any(|flight| has(&flight.query()));
        let schedule = any(|query| query.schedule.is_some());
        let weather = schedule && any(|query| query.schedule.is_some() && query.weather.is_some());
        Given { dep_delay: true, schedule, weather }
    }

    /// What the preset's columns are fitted by; some are of use only with the flights' schedules, or their weather.
    pub(super) fn recipes(self, flights: &[TrainingFlight]) -> Vec<Recipe> {
        let known = self.known_of(flights);
        match self {
            Preset::Default => {
                [REQUEST, if known.schedule { SCHEDULE } else { &[] }, if known.weather { WEATHER } else { &[] }]
                    .concat()
            }
            Preset::Seed => SEED.to_vec(),
        }
    }
}

const fn arr_delay(groups: &'static [Group]) -> Recipe {
    Mean(groups, Outcome::ArrDelay, Column::Mean)
}

const fn made_up(groups: &'static [Group]) -> Recipe {
    Mean(groups, Outcome::MadeUp, Column::Mean)
}

const fn expected_arr_delay(groups: &'static [Group]) -> Recipe {
    Mean(groups, Outcome::MadeUp, Column::ExpectedArrDelay)
}

const fn slack(groups: &'static [Group]) -> Recipe {
    Mean(groups, Outcome::Duration, Column::Slack)
}

const fn arr_delay_after_slack(groups: &'static [Group]) -> Recipe {
    Mean(groups, Outcome::Duration, Column::ArrDelayAfterSlack)
}

/// What a request always says. Days of the month and of the year are left out: a forest cannot learn a season from one
/// year, and a later flight would fall into the last day's leaf.
const REQUEST: &[Recipe] = &[
    Plain(|| Column::DepDelay),
    expected_arr_delay(&[Route, CarrierRoute]),
    Plain(|| Column::Distance),
    Plain(|| Column::DayOfWeek),
    arr_delay(&[Carrier]),
    arr_delay(&[Origin]),
    arr_delay(&[Dest]),
    arr_delay(&[Route]),
    made_up(&[Route]),
    made_up(&[CarrierOrigin]),
    made_up(&[CarrierDest]),
];

/// What follows from the schedule.
const SCHEDULE: &[Recipe] = &[
    Plain(|| Column::ScheduledDep),
    Plain(|| Column::ScheduledArr),
    Plain(|| Column::ScheduledDuration),
    slack(&[Route, CarrierRoute]),
    arr_delay_after_slack(&[Route, CarrierRoute]),
    arr_delay_after_slack(&[Route, CarrierRoute, CarrierRouteHour]),
    expected_arr_delay(&[Route, CarrierRoute, FlightRoute]),
    made_up(&[OriginHour]),
    made_up(&[DestHour]),
    arr_delay(&[OriginHour]),
    arr_delay(&[DestHour]),
    arr_delay(&[Route, CarrierRoute, FlightRoute]),
];

/// What follows from the weather. Where the wind comes from is left out: its eastward and northward parts made the forest worse on four
/// splits of the bundled flights.
const WEATHER: &[Recipe] = &[
    Weather(WeatherValue::Temp),
    Weather(WeatherValue::DewPointSpread),
    Weather(WeatherValue::Humidity),
    Weather(WeatherValue::WindSpeed),
    Weather(WeatherValue::WindGust),
    Weather(WeatherValue::Precip),
    Weather(WeatherValue::Pressure),
    Weather(WeatherValue::Visibility),
];

const SEED: &[Recipe] = &[
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

/// A name that no preset has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no preset {0:?}: try default or seed")]
pub struct UnknownPreset(String);

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, UnknownPreset> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == name).ok_or_else(|| UnknownPreset(name.to_owned()))
    }
}
