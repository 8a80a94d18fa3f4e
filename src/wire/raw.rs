//! The values of a message's fields, and how each is read as the type that its field has.

use std::{borrow::Cow, marker::PhantomData};

use chrono::{DateTime, NaiveDate, Utc};
use engine::request::Invalid;

use super::{iso::IsoTime, table::Table};
use crate::flight::{Code, NotACode, Observation, Schedule, YEARS, time::from_hhmm};

/// The value of a field before its type is checked.
#[derive(Debug)]
pub(crate) enum Value<'de> {
    Number(f64),
    Text(Cow<'de, str>),
    /// The observations in the object `Weather`.
    Observations(Vec<(Observation, Value<'de>)>),
    Truth(bool),
    /// A value of another type, by the type's name.
    Other(&'static str),
}

impl Value<'_> {
    /// The name of the value's type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::Observations(_) => "an object",
            Value::Truth(_) => "a boolean",
            Value::Other(kind) => kind,
        }
    }
}

/// The values of the known fields, indexed by the table `F`.
pub(crate) struct RawFields<'de, F, const N: usize> {
    values: [Option<Value<'de>>; N],
    table: PhantomData<F>,
}

impl<'de, F: Table<N>, const N: usize> RawFields<'de, F, N> {
    /// No values.
    pub(super) fn none() -> Self {
        RawFields { values: [const { None }; N], table: PhantomData }
    }

    pub(super) fn set(&mut self, field: F, value: Option<Value<'de>>) {
        self.values[field.index()] = value;
    }

    /// A field's value; `None` if it is absent or null.
    pub(crate) fn get(&self, field: F) -> Option<&Value<'de>> {
        self.values[field.index()].as_ref()
    }

    /// The same by value, once, with the field's name.
    pub(crate) fn take(&mut self, field: F) -> Raw<'de> {
        Raw { name: field.name(), value: self.values[field.index()].take() }
    }
}

/// A field's value as it is in the message, with the name that errors give the field.
pub(crate) struct Raw<'de> {
    pub(crate) name: &'static str,
    pub(crate) value: Option<Value<'de>>,
}

impl<'de> Raw<'de> {
    pub(crate) fn required<T>(name: &'static str, value: Option<T>) -> Result<T, Invalid> {
        value.ok_or_else(|| Invalid::new(name, "is missing"))
    }

    pub(crate) fn wrong_type(name: &'static str, found: &Value<'_>, wanted: &str) -> Invalid {
        Invalid::new(name, format!("must be {wanted}, not {}", found.kind()))
    }

    fn optional_string(self) -> Result<Option<Cow<'de, str>>, Invalid> {
        match self.value {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(Self::wrong_type(self.name, &other, "a string")),
        }
    }

    /// A string, unchanged.
    pub(crate) fn string(self) -> Result<Cow<'de, str>, Invalid> {
        let name = self.name;
        Self::required(name, self.optional_string()?)
    }

    /// A string without surrounding blanks. An empty one is absent.
    pub(crate) fn optional_text(self) -> Result<Option<Cow<'de, str>>, Invalid> {
        let trim = |text: Cow<'de, str>| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        };
        Ok(self.optional_string()?.map(trim).filter(|text| !text.is_empty()))
    }

    pub(crate) fn text(self) -> Result<Cow<'de, str>, Invalid> {
        let name = self.name;
        Self::required(name, self.optional_text()?)
    }

    /// A code, which may be in lower case.
    pub(crate) fn optional_code(self) -> Result<Option<Code>, Invalid> {
        let name = self.name;
        let Some(mut text) = self.optional_text()? else { return Ok(None) };
        if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            text = Cow::Owned(text.to_uppercase());
        }
        text.parse().map_err(|error: NotACode| Invalid::new(name, error.to_string())).map(Some)
    }

    pub(crate) fn code(self) -> Result<Code, Invalid> {
        let name = self.name;
        Self::required(name, self.optional_code()?)
    }

    pub(crate) fn number(self) -> Result<Option<f64>, Invalid> {
        match self.value {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number)),
            Some(Value::Text(text)) if is_absent_number(&text) => Ok(None),
            Some(Value::Text(text)) => {
                let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
                number.ok_or_else(|| Self::wrong_type(self.name, &Value::Text(text), "a number")).map(Some)
            }
            Some(other) => Err(Self::wrong_type(self.name, &other, "a number")),
        }
    }

    /// A boolean, or the string of one.
    pub(crate) fn truth(self) -> Result<Option<bool>, Invalid> {
        let wrong = Invalid::new(self.name, "must be true or false");
        match self.value {
            None => Ok(None),
            Some(Value::Truth(truth)) => Ok(Some(truth)),
            Some(Value::Text(text)) => match text.trim() {
                "" => Ok(None),
                text if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
                text if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
                _ => Err(wrong),
            },
            Some(other) => Err(Self::wrong_type(self.name, &other, "true or false")),
        }
    }

    /// The instant of an ISO time with an offset.
    pub(crate) fn instant(self) -> Result<Option<DateTime<Utc>>, Invalid> {
        let name = self.name;
        let Some(text) = self.optional_text()? else { return Ok(None) };
        let time = IsoTime::parse(&text);
        let time = time.ok_or_else(|| Invalid::new(name, "must be an ISO time, as in 2016-12-25T18:05:00Z"))?;
        let no_offset = || Invalid::new(name, "must have an offset from UTC, as in 2016-12-25T18:05:00Z or +01:00");
        time.instant().ok_or_else(no_offset).map(Some)
    }

    /// A time of day as BTS writes it, as a number or in digits: 5 and `0005` are five past midnight.
    fn time_of_day(self) -> Result<Option<u16>, Invalid> {
        let hhmm = match self.value {
            None => return Ok(None),
            // A float beyond i32 saturates, which is no time of day.
            Some(Value::Number(number)) if number.fract() == 0.0 => Some(number as i32),
            Some(Value::Number(_)) => None,
            Some(Value::Text(text)) if is_absent_number(&text) => return Ok(None),
            Some(Value::Text(text)) => {
                let text = text.trim();
                text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
            }
            Some(other) => return Err(Self::wrong_type(self.name, &other, "a number or a string")),
        };
        let wrong = || Invalid::new(self.name, "must be a local time of day as hhmm, as in 1745");
        hhmm.and_then(from_hhmm).ok_or_else(wrong).map(Some)
    }
}

/// Checks the year of a field's date or time.
pub(crate) fn check_year(name: &'static str, year: i32) -> Result<(), Invalid> {
    match YEARS.contains(&year) {
        true => Ok(()),
        false => Err(Invalid::new(name, format!("the year must be {} to {}", YEARS.start(), YEARS.end()))),
    }
}

/// Returns whether a string stands for no number: a blank one, or NaN as Jackson writes it.
fn is_absent_number(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.eq_ignore_ascii_case("nan")
}

/// Reads a schedule, which has both times or is absent.
pub(crate) fn schedule(dep: Raw<'_>, arr: Raw<'_>) -> Result<Option<Schedule>, Invalid> {
    const BOTH: &str = "is missing: a schedule has both, CRSDepTime and CRSArrTime";
    let (dep_name, arr_name) = (dep.name, arr.name);
    match (dep.time_of_day()?, arr.time_of_day()?) {
        (Some(dep_min), Some(arr_min)) => Ok(Some(Schedule { dep_min, arr_min })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(Invalid::new(arr_name, BOTH)),
        (None, Some(_)) => Err(Invalid::new(dep_name, BOTH)),
    }
}

/// Reads the date of a field as in `2016-12-25`, or the date of any ISO time. A zone never shifts it.
pub(crate) fn parse_date(name: &'static str, text: &str) -> Result<NaiveDate, Invalid> {
    let wrong = || Invalid::new(name, "must be a date of the calendar, as in 2016-12-25");
    IsoTime::parse(text.trim()).map(|time| time.date).ok_or_else(wrong)
}
