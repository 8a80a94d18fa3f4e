//! Reads questions about the history: the parameters of a query and of a path. All wrong ones are named at once.

use chrono::NaiveDate;
use delaycast::{
    explore::OFFSET_MAX,
    flight::{Code, FLIGHT_NUM_MAX},
};

use crate::{
    body::{percent_decoded, urlencoded},
    field_error::FieldError,
    flight_form::codes_in,
    problem::Problem,
    texts::{Message, message},
};

/// Upper bound on the bytes of a searched text.
const TEXT_BYTES_MAX: usize = 64;

/// The parameters of a query. A blank one counts as absent, as in a form that is sent with empty fields.
pub(crate) struct HistoryQuery {
    pairs: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl HistoryQuery {
    pub(crate) fn read(query: &str) -> Result<Self, Box<Problem>> {
        let pairs = urlencoded(query, "query").map_err(|invalid| Problem::invalid_exploration(vec![invalid]))?;
        // Percent-decoding yields text or fails as a whole.
        let pairs = pairs.into_iter().map(|(name, value)| (name, value.unwrap_or_default().trim().to_owned()));
        Ok(HistoryQuery { pairs: pairs.filter(|(_, value)| !value.is_empty()).collect(), errors: Vec::new() })
    }

    /// The value of a parameter as it was sent; the last one if it is repeated.
    pub(crate) fn sent(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn value<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, Message>) -> Option<T> {
        match read(self.sent(name)?) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.errors.push(FieldError::format(name, reason));
                None
            }
        }
    }

    /// A text to search for.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.value(name, |text| match text.len() {
            0..=TEXT_BYTES_MAX => Ok(text.to_owned()),
            _ => Err(message!("too-many-bytes", bytes = TEXT_BYTES_MAX.to_string())),
        })
    }

    /// A code in any case, alone or in brackets behind a name.
    pub(crate) fn code(&mut self, name: &'static str) -> Option<Code> {
        self.value(name, |text| codes_in(text).next().ok_or_else(|| message!("not-code")))
    }

    /// A date.
    pub(crate) fn date(&mut self, name: &'static str) -> Option<NaiveDate> {
        self.value(name, read_date)
    }

    /// A flight number.
    pub(crate) fn flight_number(&mut self, name: &'static str) -> Option<u32> {
        self.value(name, |text| {
            let number = text.parse().ok().filter(|number| *number <= FLIGHT_NUM_MAX);
            number.ok_or_else(|| message!("not-flight-number", most = FLIGHT_NUM_MAX.to_string()))
        })
    }

    /// A year.
    pub(crate) fn year(&mut self, name: &'static str) -> Option<u16> {
        self.value(name, |text| text.parse().map_err(|_| message!("not-year")))
    }

    /// The number of results before the page.
    pub(crate) fn start(&mut self) -> u32 {
        let start = self.value("start", |text| match text.parse() {
            Ok(start) if start <= OFFSET_MAX => Ok(start),
            Ok(_) => Err(message!("start-too-far", most = OFFSET_MAX.to_string())),
            Err(_) => Err(message!("not-start")),
        });
        start.unwrap_or(0)
    }

    /// Adds an error for a parameter that must be there and is not.
    pub(crate) fn require<T>(&mut self, name: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && self.sent(name).is_none() {
            self.errors.push(FieldError::missing(name));
        }
        value
    }

    /// Fails if a parameter was wrong.
    pub(crate) fn check(self) -> Result<(), Box<Problem>> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid_exploration(self.errors)) }
    }
}

fn read_date(text: &str) -> Result<NaiveDate, Message> {
    // The forms of the page and of the old system; its links have no others.
    let day = text.get(..10).filter(|_| text.len() == 10).and_then(|day| day.parse().ok());
    day.ok_or_else(|| message!("not-day"))
}

/// Reads a code in a path. Text that cannot be one is not known either.
pub(crate) fn path_code(segment: Option<&String>) -> Result<Option<Code>, Box<Problem>> {
    let text = percent_decoded(segment.map_or("", String::as_str), "path");
    let text = text.map_err(|invalid| Problem::invalid_exploration(vec![invalid]))?;
    Ok(text.trim().to_uppercase().parse().ok())
}

/// Reads a date in a path.
pub(crate) fn path_date(segment: Option<&String>) -> Result<NaiveDate, Box<Problem>> {
    let date = read_date(segment.map_or("", String::as_str));
    date.map_err(|reason| Problem::invalid_exploration(vec![FieldError::format("date", reason)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_and_all_wrong_ones_named() {
        let mut query = HistoryQuery::read("Carrier=+jetblue+(b6)&FlightDate=2013-07-04&FlightNum=&start=15").unwrap();
        assert_eq!(query.code("Carrier").unwrap().as_str(), "B6");
        assert_eq!(query.date("FlightDate").unwrap().to_string(), "2013-07-04");
        assert_eq!((query.flight_number("FlightNum"), query.code("Origin"), query.start()), (None, None, 15));
        assert!(query.check().is_ok());

        let wrong =
            "Carrier=%C3%A9&FlightDate=4+July&FlightNum=-1&start=10001&Year=x&Model=".to_owned() + &"x".repeat(65);
        let mut query = HistoryQuery::read(&wrong).unwrap();
        assert_eq!((query.code("Carrier"), query.date("FlightDate"), query.year("Year")), (None, None, None));
        assert_eq!((query.flight_number("FlightNum"), query.start(), query.text("Model")), (None, 0, None));
        assert_eq!(query.require("Dest", None::<Code>), None);
        let problem = query.check().unwrap_err();
        let fields: Vec<&str> = problem.errors.iter().map(|error| &*error.field).collect();
        assert_eq!(fields, ["Carrier", "FlightDate", "Year", "FlightNum", "start", "Model", "Dest"]);
        assert!(HistoryQuery::read("a=%").is_err());
    }
}
