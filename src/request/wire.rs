//! Reads, checks and writes each field of a request.

use std::{borrow::Cow, collections::BTreeMap};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat};
use engine::request::{Invalid, RequestId};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::schema::{Field, Request};
use crate::{
    flight::{
        DEP_DELAY_MINUTES, DISTANCE_MILES_MAX, FLIGHT_NUM_BYTES_MAX, Schedule, Weather, time,
        time::{MINUTES_PER_DAY, to_hhmm},
    },
    wire::{self, IsoTime, Raw, RawFields, Value},
};

/// The values of a request's fields.
pub(super) type RequestFields<'de> = RawFields<'de, Field, { Field::ALL.len() }>;

impl RequestFields<'_> {
    /// The id, if it is one.
    pub(super) fn id(&self) -> Option<RequestId> {
        match self.get(Field::Uuid) {
            Some(Value::Text(text)) => RequestId::new(text.as_ref()).ok(),
            _ => None,
        }
    }

    /// Reads and checks all fields.
    pub(super) fn into_request(mut self) -> Result<Request, Invalid> {
        let mut raw = |field: Field| self.take(field);
        let date = raw(Field::FlightDate).text()?;
        let request = Request {
            id: RequestId::new(raw(Field::Uuid).string()?)?,
            carrier: raw(Field::Carrier).code()?,
            origin: raw(Field::Origin).code()?,
            dest: raw(Field::Dest).code()?,
            date: parse_flight_date(&date)?,
            dep_delay: raw(Field::DepDelay).number()?,
            distance: raw(Field::Distance).number()?,
            flight_num: raw(Field::FlightNum).flight_num()?,
            schedule: wire::schedule(raw(Field::CrsDepTime), raw(Field::CrsArrTime))?,
            weather: raw(Field::Weather).weather()?,
            asked_at: raw(Field::Timestamp).timestamp(),
            as_of: raw(Field::AsOf).instant()?,
            follow: raw(Field::Follow).truth()?.unwrap_or(false),
            known: None,
        };
        request.check()?;
        Ok(request)
    }
}

impl Request {
    /// Checks every limit that needs no table: the same for the page, the scorer and `predict`.
    pub fn check(&self) -> Result<(), Invalid> {
        wire::check_year(Field::FlightDate.name(), self.date.year())?;
        if let Some(as_of) = self.as_of {
            wire::check_year(Field::AsOf.name(), as_of.year())?;
        }
        if self.dep_delay.is_some_and(|minutes| !DEP_DELAY_MINUTES.contains(&minutes)) {
            let (from, to) = (DEP_DELAY_MINUTES.start(), DEP_DELAY_MINUTES.end());
            return Err(Invalid::new(Field::DepDelay.name(), format!("must be {from} to {to} minutes")));
        }
        if self.distance.is_some_and(|miles| !(miles > 0.0 && miles <= DISTANCE_MILES_MAX)) {
            let reason = format!("must be above 0 and at most {DISTANCE_MILES_MAX} miles");
            return Err(Invalid::new(Field::Distance.name(), reason));
        }
        if self.origin == self.dest {
            return Err(Invalid::new(Field::Dest.name(), "must differ from Origin"));
        }
        if self.flight_num.as_ref().is_some_and(|number| number.len() > FLIGHT_NUM_BYTES_MAX) {
            return Err(Invalid::new(
                Field::FlightNum.name(),
                format!("must have at most {FLIGHT_NUM_BYTES_MAX} bytes"),
            ));
        }
        if self.schedule.is_some_and(|schedule| !schedule.is_valid()) {
            let reason = format!("must be, as CRSArrTime, below {MINUTES_PER_DAY} minutes of the day");
            return Err(Invalid::new(Field::CrsDepTime.name(), reason));
        }
        for (observation, value) in self.weather.iter().flat_map(Weather::iter) {
            let (limits, unit) = (observation.limits(), observation.unit());
            if !limits.contains(&value) {
                let reason = format!("must be {} to {} {unit}", limits.start(), limits.end());
                return Err(Invalid::new(observation.path(), reason));
            }
        }
        Ok(())
    }
}

/// Writes a request as the JSON of the wire contract, without a line break.
pub fn encode(request: &Request) -> String {
    // Strings, integers and optional floats always serialize; a float that is not finite becomes null.
    serde_json::to_string(&Message(request)).unwrap_or_default()
}

/// The message of the wire contract, its fields in the old front end's order.
///
/// `DayOfWeek` is 1 to 7 with Monday 1, as in the training data. The old front end wrongly sent 0 to 6.
struct Message<'a>(&'a Request);

impl Serialize for Message<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Request {
            id,
            carrier,
            origin,
            dest,
            date,
            dep_delay,
            distance,
            flight_num,
            schedule,
            weather,
            asked_at,
            as_of,
            follow,
            known: _,
        } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(Field::DepDelay.name(), dep_delay)?;
        map.serialize_entry(Field::Carrier.name(), carrier)?;
        map.serialize_entry(Field::FlightDate.name(), &date.format("%Y-%m-%d").to_string())?;
        map.serialize_entry(Field::Dest.name(), dest)?;
        map.serialize_entry(Field::FlightNum.name(), flight_num)?;
        map.serialize_entry(Field::Origin.name(), origin)?;
        map.serialize_entry(Field::Distance.name(), distance)?;
        map.serialize_entry("DayOfYear", &time::day_of_year(*date))?;
        map.serialize_entry("DayOfMonth", &time::day_of_month(*date))?;
        map.serialize_entry("DayOfWeek", &time::day_of_week(*date))?;
        let timestamp = asked_at.map(|at| at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string());
        map.serialize_entry(Field::Timestamp.name(), &timestamp)?;
        // The old front end had neither schedule nor weather: they are left out unless they are known.
        if let Some(Schedule { dep_min, arr_min }) = schedule {
            map.serialize_entry(Field::CrsDepTime.name(), &to_hhmm(*dep_min))?;
            map.serialize_entry(Field::CrsArrTime.name(), &to_hhmm(*arr_min))?;
        }
        if let Some(weather) = weather {
            let observed: BTreeMap<_, _> =
                weather.iter().map(|(observation, value)| (observation.name(), value)).collect();
            map.serialize_entry(Field::Weather.name(), &observed)?;
        }
        if let Some(as_of) = as_of {
            map.serialize_entry(Field::AsOf.name(), &as_of.to_rfc3339_opts(SecondsFormat::Millis, true))?;
        }
        if *follow {
            map.serialize_entry(Field::Follow.name(), follow)?;
        }
        map.serialize_entry(Field::Uuid.name(), id.as_str())?;
        map.end()
    }
}

/// Reads a date as in `2016-12-25`, or the date of any ISO time. A zone never shifts it.
pub fn parse_flight_date(text: &str) -> Result<NaiveDate, Invalid> {
    wire::parse_date(Field::FlightDate.name(), text)
}

impl Raw<'_> {
    /// A flight number as text. Old data has numbers, too.
    fn flight_num(self) -> Result<Option<String>, Invalid> {
        match self.value {
            Some(Value::Number(number)) if number.fract() == 0.0 && (0.0..1e9).contains(&number) => {
                Ok(Some(format!("{number:.0}")))
            }
            value => Ok(Raw { name: self.name, value }.optional_text()?.map(Cow::into_owned)),
        }
    }

    /// The weather. An object without observations is absent.
    fn weather(self) -> Result<Option<Weather>, Invalid> {
        let observed = match self.value {
            None => return Ok(None),
            Some(Value::Observations(observed)) => observed,
            Some(other) => return Err(Self::wrong_type(self.name, &other, "an object")),
        };
        let mut weather = Weather::UNOBSERVED;
        for (observation, value) in observed {
            let value = Raw { name: observation.path(), value: Some(value) }.number()?;
            // A value beyond the range of f32 becomes infinite, which is beyond every limit.
            weather = weather.with(observation, value.map(|value| value as f32));
        }
        Ok(Some(weather).filter(Weather::is_observed))
    }

    /// The local time of the client's clock, the zone dropped. An unreadable one is absent: no answer depends on it.
    fn timestamp(self) -> Option<NaiveDateTime> {
        let Some(Value::Text(text)) = self.value else { return None };
        let IsoTime { date, time, .. } = IsoTime::parse(text.trim())?;
        // Python's clients cannot read a date of the year 0.
        (date.year() > 0).then(|| date.and_time(time.unwrap_or(NaiveTime::MIN)))
    }
}
