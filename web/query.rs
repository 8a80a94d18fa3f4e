//! Reads the parameters of a query and of a path, for pages and for the API. All wrong ones are named at once.

use chrono::NaiveDate;
use delaycast::{
    explore::OFFSET_MAX,
    flight::{Code, FLIGHT_NUM_MAX},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    body::{percent_decoded, urlencoded},
    field_error::{FieldError, quoted},
    flight_form::codes_in,
    problem::Problem,
    texts::{Message, message},
};

/// Items of a page of the API, unless `limit` says another number.
const LIMIT: u32 = 25;
/// Upper bound on the items of a page of the API.
const LIMIT_MAX: u32 = 100;
/// Upper bound on the characters of a searched text.
const TEXT_CHARS_MAX: usize = 64;
/// Upper bound on the digits of a number.
const DIGITS_MAX: usize = 9;

/// The sender of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    /// A form or a link of a page. A blank parameter counts as absent, as in a form that is sent with empty fields. Of
    /// a repeated one the last counts, unknown ones are ignored, and a code may stand in brackets behind a name.
    Page,
    /// A client of the API. Each parameter is known and stands once, so that a misspelt one is not ignored.
    Client,
}

/// The parameters of a query, and those that are wrong.
pub(crate) struct Query {
    sender: Sender,
    pairs: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

/// The part of a list that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paging {
    /// The number of items before it.
    pub(crate) start: u32,
    /// Upper bound on its items.
    pub(crate) limit: u32,
}

impl Query {
    /// Reads the query of a page.
    pub(crate) fn of_page(query: &str) -> Result<Self, Box<Problem>> {
        let pairs = urlencoded(query, "query").map_err(|invalid| Problem::invalid_exploration(vec![invalid]))?;
        // Percent-decoding yields text or fails as a whole.
        let pairs = pairs.into_iter().map(|(name, value)| (name, value.unwrap_or_default().trim().to_owned()));
        let filled = pairs.filter(|(_, value)| !value.is_empty()).collect();
        Ok(Query { sender: Sender::Page, pairs: filled, errors: Vec::new() })
    }

    /// Reads the query of a client, which may have these parameters, each once.
    pub(crate) fn of_client(query: &str, known: &[&str]) -> Result<Self, Box<Problem>> {
        let pairs = urlencoded(query, "query").map_err(Problem::invalid)?;
        let mut read = Query { sender: Sender::Client, pairs: Vec::new(), errors: Vec::new() };
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                let parameters = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let reason = format!("{} is unknown; the parameters are {parameters}", quoted(&name));
                read.errors.push(FieldError::new("query", reason));
            } else if read.sent(&name).is_some() {
                read.errors.push(FieldError::new(name, message!("twice")));
            } else {
                read.pairs.push((name, value.unwrap_or_default()));
            }
        }
        Ok(read)
    }

    /// The value of a parameter as it was sent.
    pub(crate) fn sent(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn value<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, Message>) -> Option<T> {
        let value = read(self.sent(name)?);
        value.map_err(|reason| self.errors.push(FieldError::format(name, reason))).ok()
    }

    /// A text to search for.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.value(name, |text| match text.chars().count() {
            1..=TEXT_CHARS_MAX => Ok(text.to_owned()),
            _ => Err(message!("wrong-length", most = TEXT_CHARS_MAX.to_string())),
        })
    }

    /// A code in any case.
    pub(crate) fn code(&mut self, name: &'static str) -> Option<Code> {
        let sender = self.sender;
        self.value(name, |text| {
            let code = match sender {
                Sender::Page => codes_in(text).next(),
                Sender::Client => text.to_uppercase().parse().ok(),
            };
            code.ok_or_else(|| message!("not-code"))
        })
    }

    /// A date.
    pub(crate) fn date(&mut self, name: &'static str) -> Option<NaiveDate> {
        self.value(name, read_date)
    }

    /// A flight number.
    pub(crate) fn flight_number(&mut self, name: &'static str) -> Option<u32> {
        self.value(name, |text| {
            let number = read_number(text, 0, FLIGHT_NUM_MAX);
            number.ok_or_else(|| message!("not-flight-number", most = FLIGHT_NUM_MAX.to_string()))
        })
    }

    /// A year.
    pub(crate) fn year(&mut self, name: &'static str) -> Option<u16> {
        self.value(name, |text| text.parse().map_err(|_| message!("not-year")))
    }

    /// A number.
    pub(crate) fn number(&mut self, name: &'static str, min: u32, max: u32) -> Option<u32> {
        self.value(name, |text| {
            let (least, most) = (min.to_string(), max.to_string());
            read_number(text, min, max).ok_or_else(|| message!("wrong-number", least = least, most = most))
        })
    }

    /// The number of items before the part of a list.
    pub(crate) fn start(&mut self) -> u32 {
        let start = self.value("start", |text| {
            read_number(text, 0, OFFSET_MAX).ok_or_else(|| message!("not-start", most = OFFSET_MAX.to_string()))
        });
        start.unwrap_or(0)
    }

    /// The number of items of the part of a list.
    pub(crate) fn limit(&mut self) -> u32 {
        self.number("limit", 1, LIMIT_MAX).unwrap_or(LIMIT)
    }

    /// The part of a list.
    pub(crate) fn paging(&mut self) -> Paging {
        Paging { start: self.start(), limit: self.limit() }
    }

    /// Adds an error for a parameter that must be there and is not.
    pub(crate) fn require<T>(&mut self, name: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && self.sent(name).is_none() {
            self.errors.push(FieldError::missing(name));
        }
        value
    }

    /// Fails if a parameter was wrong.
    pub(crate) fn check(&self) -> Result<(), Box<Problem>> {
        match self.sender {
            _ if self.errors.is_empty() => Ok(()),
            Sender::Page => Err(Problem::invalid_exploration(self.errors.clone())),
            Sender::Client => Err(Problem::malformed(self.errors.clone())),
        }
    }

    /// Returns the link to a path with the same parameters, some of them replaced.
    pub(crate) fn link(&self, path: &str, replaced: &[(&str, u32)]) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let kept = self.pairs.iter().filter(|(name, _)| replaced.iter().all(|(other, _)| name != other));
        let kept = kept.map(|(name, value)| format!("{name}={}", encoded(value)));
        let pairs: Vec<String> = kept.chain(replaced.iter().map(|(name, value)| format!("{name}={value}"))).collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }

    /// Returns the link to the next page of a list with `total` items; `None` at its end, or at the bound on `start`.
    pub(crate) fn next(&self, path: &str, Paging { start, limit }: Paging, total: u64) -> Option<String> {
        let next = start + limit;
        (u64::from(next) < total && next <= OFFSET_MAX).then(|| self.link(path, &[("start", next), ("limit", limit)]))
    }
}

fn read_number(text: &str, min: u32, max: u32) -> Option<u32> {
    let is_number = (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && (min..=max).contains(number))
}

fn read_date(text: &str) -> Result<NaiveDate, Message> {
    // The form of the page, of the API and of the old system; its links have no others.
    let day = text.parse().ok().filter(|day: &NaiveDate| day.to_string() == text);
    day.ok_or_else(|| message!("not-day"))
}

/// Reads a code in the path of a page. Text that cannot be one is not known either.
pub(crate) fn path_code(segment: Option<&String>) -> Result<Option<Code>, Box<Problem>> {
    let text = percent_decoded(segment.map_or("", String::as_str), "path");
    let text = text.map_err(|invalid| Problem::invalid_exploration(vec![invalid]))?;
    Ok(text.trim().to_uppercase().parse().ok())
}

/// Reads a date in the path of a page.
pub(crate) fn path_date(segment: Option<&String>) -> Result<NaiveDate, Box<Problem>> {
    let date = read_date(segment.map_or("", String::as_str));
    date.map_err(|reason| Problem::invalid_exploration(vec![FieldError::format("date", reason)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(query: &Query) -> Vec<String> {
        let problem = query.check().unwrap_err();
        problem.errors.iter().map(|error| error.field.to_string()).collect()
    }

    #[test]
    fn the_parameters_of_a_page_are_read_and_all_wrong_ones_named() {
        let mut query = Query::of_page("Carrier=+jetblue+(b6)&FlightDate=2013-07-04&FlightNum=&start=15&x=1").unwrap();
        assert_eq!(query.code("Carrier").unwrap().as_str(), "B6");
        assert_eq!(query.date("FlightDate").unwrap().to_string(), "2013-07-04");
        assert_eq!((query.flight_number("FlightNum"), query.code("Origin"), query.start()), (None, None, 15));
        assert!(query.check().is_ok());

        let sent =
            "Carrier=%C3%A9&FlightDate=4+July&FlightNum=-1&start=10001&Year=x&Model=".to_owned() + &"x".repeat(65);
        let mut query = Query::of_page(&sent).unwrap();
        assert_eq!((query.code("Carrier"), query.date("FlightDate"), query.year("Year")), (None, None, None));
        assert_eq!((query.flight_number("FlightNum"), query.start(), query.text("Model")), (None, 0, None));
        assert_eq!(query.require("Dest", None::<Code>), None);
        assert_eq!(wrong(&query), ["Carrier", "FlightDate", "Year", "FlightNum", "start", "Model", "Dest"]);
        assert!(Query::of_page("a=%").is_err());
    }

    #[test]
    fn all_wrong_parameters_of_a_client_are_named_and_blank_ones_are_wrong() {
        let query = "Carrier=&FlightDate=2013-7-4&FlightNum=%2B1&start=10001&limit=0&q=&Carrier=AA&orign=JFK";
        let known = ["Carrier", "FlightDate", "FlightNum", "start", "limit", "q"];
        let mut query = Query::of_client(query, &known).unwrap();
        assert_eq!((query.code("Carrier"), query.date("FlightDate"), query.text("q")), (None, None, None));
        assert_eq!(query.flight_number("FlightNum"), None);
        query.paging();
        assert_eq!(wrong(&query), ["Carrier", "query", "Carrier", "FlightDate", "q", "FlightNum", "start", "limit"]);
        let reason = query.check().unwrap_err().errors[1].reason.to_string();
        assert!(reason.contains("“orign” is unknown; the parameters are Carrier, FlightDate"), "{reason}");
        let mut query = Query::of_client("Carrier=jetblue+(b6)", &known).unwrap();
        assert_eq!((query.code("Carrier"), wrong(&query)), (None, vec!["Carrier".to_owned()]));
    }

    #[test]
    fn a_next_page_keeps_the_parameters_until_the_end() {
        let mut query = Query::of_client("q=New+York%26&limit=10", &["q", "limit", "start"]).unwrap();
        let paging = query.paging();
        assert_eq!(query.next("/a", paging, 11).as_deref(), Some("/a?q=New%20York%26&start=10&limit=10"));
        assert_eq!(query.next("/a", paging, 10), None);
        assert_eq!(query.next("/a", Paging { start: 9_995, limit: 10 }, 20_000), None);
    }
}
