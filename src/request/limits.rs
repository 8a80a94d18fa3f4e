//! What a request may say. Every limit is here.

use chrono::Datelike;

use super::{Invalid, Request};
use crate::flight::{
    DEP_DELAY_MINUTES, DISTANCE_MILES_MAX, FLIGHT_NUM_BYTES_MAX, Schedule, Weather, YEARS, time_of_day::MINUTES_PER_DAY,
};

/// A message is at most this long; a longer one is a dead letter.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
pub(super) fn check(request: &Request) -> Result<(), Invalid> {
    if !YEARS.contains(&request.date.year()) {
        return Err(Invalid::new("FlightDate", format!("the year must be {} to {}", YEARS.start(), YEARS.end())));
    }
    if let Some(minutes) = request.dep_delay
        && !DEP_DELAY_MINUTES.contains(&minutes)
    {
        let (from, to) = (DEP_DELAY_MINUTES.start(), DEP_DELAY_MINUTES.end());
        return Err(Invalid::new("DepDelay", format!("must be {from} to {to} minutes")));
    }
    if let Some(miles) = request.distance
        && !(miles > 0.0 && miles <= DISTANCE_MILES_MAX)
    {
        return Err(Invalid::new("Distance", format!("must be above 0 and at most {DISTANCE_MILES_MAX} miles")));
    }
    if request.origin == request.dest {
        return Err(Invalid::new("Dest", "must differ from Origin"));
    }
    if request.flight_num.as_ref().is_some_and(|number| number.len() > FLIGHT_NUM_BYTES_MAX) {
        return Err(Invalid::new("FlightNum", format!("must have at most {FLIGHT_NUM_BYTES_MAX} bytes")));
    }
    let past_midnight = |schedule: Schedule| schedule.dep_min.max(schedule.arr_min) >= MINUTES_PER_DAY;
    if request.schedule.is_some_and(past_midnight) {
        return Err(Invalid::new(
            "CRSDepTime",
            format!("must be, as CRSArrTime, below {MINUTES_PER_DAY} minutes of the day"),
        ));
    }
    for (observation, value) in request.weather.iter().flat_map(Weather::iter) {
        let (limits, unit) = (observation.limits(), observation.unit());
        if !limits.contains(&value) {
            let reason = format!("must be {} to {} {unit}", limits.start(), limits.end());
            return Err(Invalid::new(observation.path(), reason));
        }
    }
    Ok(())
}
