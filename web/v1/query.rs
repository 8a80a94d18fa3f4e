//! Reads the parameters of a query. All wrong ones are named at once, and unknown ones are wrong.

use chrono::NaiveDate;
use delaycast::{
    explore::OFFSET_MAX,
    flight::{Code, FLIGHT_NUM_MAX},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    body::urlencoded,
    field_error::{FieldError, quoted},
    problem::Problem,
};

/// Items of a page, unless `limit` says another number.
const LIMIT: u32 = 25;
/// Upper bound on the items of a page.
const LIMIT_MAX: u32 = 100;
/// Upper bound on the characters of a searched text.
const TEXT_CHARS_MAX: usize = 64;
/// Digits of a number in a query.
const DIGITS_MAX: usize = 9;

/// The parameters of a query.
pub(super) struct ApiQuery {
    pairs: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

/// The part of a list that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paging {
    /// The number of items before it.
    pub(super) start: u32,
    /// Upper bound on its items.
    pub(super) limit: u32,
}

impl ApiQuery {
    /// Reads a query that may have these parameters, each once.
    pub(super) fn read(query: &str, known: &[&str]) -> Result<Self, Box<Problem>> {
        let pairs = urlencoded(query, "query").map_err(Problem::invalid)?;
        let mut read = ApiQuery { pairs: Vec::new(), errors: Vec::new() };
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                let parameters = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                read.refuse("query", format!("{} is unknown; the parameters are {parameters}", quoted(&name)));
            } else if read.sent(&name).is_some() {
                read.refuse(&name, "stands twice".to_owned());
            } else {
                // Percent-decoding yields text or fails as a whole.
                read.pairs.push((name, value.unwrap_or_default()));
            }
        }
        Ok(read)
    }

    fn refuse(&mut self, name: &str, reason: String) {
        self.errors.push(FieldError::new(name.to_owned(), reason));
    }

    fn sent(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn value<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        read(self.sent(name)?).map_err(|reason| self.refuse(name, reason)).ok()
    }

    /// A text to search for.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.value(name, |text| match text.chars().count() {
            1..=TEXT_CHARS_MAX => Ok(text.to_owned()),
            _ => Err(format!("must have 1 to {TEXT_CHARS_MAX} characters")),
        })
    }

    /// A code in any case.
    pub(super) fn code(&mut self, name: &str) -> Option<Code> {
        self.value(name, |text| text.to_uppercase().parse().map_err(|_| "must be a code, as in AA or ATL".to_owned()))
    }

    /// A date.
    pub(super) fn date(&mut self, name: &str) -> Option<NaiveDate> {
        self.value(name, |text| {
            let day = text.parse().ok().filter(|day: &NaiveDate| text.len() == 10 && day.to_string() == text);
            day.ok_or_else(|| "must be a date, as in 2013-07-04".to_owned())
        })
    }

    /// A flight number.
    pub(super) fn flight_number(&mut self, name: &str) -> Option<u32> {
        self.number(name, 0, FLIGHT_NUM_MAX)
    }

    /// A number.
    pub(super) fn number(&mut self, name: &str, min: u32, max: u32) -> Option<u32> {
        self.value(name, |text| {
            let is_number = (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|number| is_number && (min..=max).contains(number));
            number.ok_or_else(|| format!("must be a number from {min} to {max}"))
        })
    }

    /// The part of a list.
    pub(super) fn paging(&mut self) -> Paging {
        let start = self.number("start", 0, OFFSET_MAX).unwrap_or(0);
        Paging { start, limit: self.limit() }
    }

    /// The number of items.
    pub(super) fn limit(&mut self) -> u32 {
        self.number("limit", 1, LIMIT_MAX).unwrap_or(LIMIT)
    }

    /// Fails if a parameter was wrong.
    pub(super) fn check(&self) -> Result<(), Box<Problem>> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::malformed(self.errors.clone())) }
    }

    /// Returns the link to a path with the same parameters, some of them replaced.
    pub(super) fn link(&self, path: &str, replaced: &[(&str, u32)]) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let kept = self.pairs.iter().filter(|(name, _)| replaced.iter().all(|(other, _)| name != other));
        let kept = kept.map(|(name, value)| format!("{name}={}", encoded(value)));
        let pairs: Vec<String> = kept.chain(replaced.iter().map(|(name, value)| format!("{name}={value}"))).collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }

    /// Returns the link to the next page of a list with `total` items; `None` at its end, or at the bound on `start`.
    pub(super) fn next(&self, path: &str, Paging { start, limit }: Paging, total: u64) -> Option<String> {
        let next = start + limit;
        (u64::from(next) < total && next <= OFFSET_MAX).then(|| self.link(path, &[("start", next), ("limit", limit)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_wrong_parameters_are_named_and_blank_ones_are_wrong() {
        let query = "Carrier=&FlightDate=2013-7-4&FlightNum=%2B1&start=10001&limit=0&q=&Carrier=AA&orign=JFK";
        let known = ["Carrier", "FlightDate", "FlightNum", "start", "limit", "q"];
        let mut query = ApiQuery::read(query, &known).unwrap();
        assert_eq!((query.code("Carrier"), query.date("FlightDate"), query.text("q")), (None, None, None));
        assert_eq!(query.flight_number("FlightNum"), None);
        query.paging();
        let problem = query.check().unwrap_err();
        let fields: Vec<&str> = problem.errors.iter().map(|error| &*error.field).collect();
        assert_eq!(fields, ["Carrier", "query", "Carrier", "FlightDate", "q", "FlightNum", "start", "limit"]);
        assert!(
            problem.errors[1].reason.to_string().contains("“orign” is unknown; the parameters are Carrier, FlightDate")
        );
    }

    #[test]
    fn a_next_page_keeps_the_parameters_until_the_end() {
        let mut query = ApiQuery::read("q=New+York%26&limit=10", &["q", "limit", "start"]).unwrap();
        let paging = query.paging();
        assert_eq!(query.next("/a", paging, 11).as_deref(), Some("/a?q=New%20York%26&start=10&limit=10"));
        assert_eq!(query.next("/a", paging, 10), None);
        assert_eq!(query.next("/a", Paging { start: 9_995, limit: 10 }, 20_000), None);
    }
}
