//! The form: its fields as text, and the request or the errors that they make.
//!
//! Blanks around a value, lower case and `Atlanta (ATL)` are accepted; the rest is checked against the rules of
//! [`delaycast::request`] and the known airports.

use chrono::{NaiveDate, NaiveDateTime};
use delaycast::{
    airports::Airports,
    flight::Code,
    request::{Invalid, Request, RequestId, parse_flight_date},
};

use crate::body::Pairs;

/// The fields as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FlightForm {
    pub(crate) dep_delay: String,
    pub(crate) carrier: String,
    pub(crate) flight_date: String,
    pub(crate) origin: String,
    pub(crate) dest: String,
    pub(crate) flight_num: String,
}

impl FlightForm {
    /// The form's initial values, by the wire contract.
    pub(crate) fn initial() -> Self {
        FlightForm {
            dep_delay: "5".into(),
            carrier: "AA".into(),
            flight_date: "2016-12-25".into(),
            origin: "ATL".into(),
            dest: "SFO".into(),
            flight_num: String::new(),
        }
    }

    /// Reads the known fields and lists the malformed ones; other fields are ignored, as in the log.
    pub(crate) fn from_pairs(pairs: Pairs) -> (Self, Vec<Invalid>) {
        let (mut form, mut malformed, mut seen) = (FlightForm::default(), Vec::new(), Vec::new());
        for (name, value) in pairs {
            let Some((field, slot)) = form.slot(&name) else { continue };
            match value {
                Ok(_) if seen.contains(&field) => malformed.push(Invalid::new(field, "stands twice")),
                Ok(text) => *slot = text,
                Err(reason) => malformed.push(Invalid::new(field, reason)),
            }
            seen.push(field);
        }
        (form, malformed)
    }

    fn slot(&mut self, name: &str) -> Option<(&'static str, &mut String)> {
        Some(match name {
            "DepDelay" => ("DepDelay", &mut self.dep_delay),
            "Carrier" => ("Carrier", &mut self.carrier),
            "FlightDate" => ("FlightDate", &mut self.flight_date),
            "Origin" => ("Origin", &mut self.origin),
            "Dest" => ("Dest", &mut self.dest),
            "FlightNum" => ("FlightNum", &mut self.flight_num),
            _ => return None,
        })
    }

    /// Returns the request under a new random id, or all errors: `malformed` and one for each other wrong field.
    pub(crate) fn to_request(
        &self,
        malformed: Vec<Invalid>,
        airports: &Airports,
        asked_at: NaiveDateTime,
    ) -> Result<Request, Vec<Invalid>> {
        let mut errors = FieldErrors(Vec::new());
        malformed.into_iter().for_each(|invalid| errors.add(invalid));
        let carrier = errors.note(airline(&self.carrier, airports));
        let origin = errors.note(airport("Origin", &self.origin, airports));
        let dest = errors.note(airport("Dest", &self.dest, airports));
        let date = errors.note(flight_date(&self.flight_date));
        let dep_delay = errors.note(dep_delay(&self.dep_delay)).flatten();
        let flight_num = Some(self.flight_num.trim().to_owned()).filter(|number| !number.is_empty());
        let distance = origin.zip(dest).and_then(|(origin, dest)| distance(airports, origin, dest));
        // An unused code in place of a wrong one lets the other fields be checked.
        let or_stand_in = |code: Option<Code>, stand_in: &str| code.or_else(|| stand_in.parse().ok());
        let (Some(carrier), Some(origin), Some(dest)) =
            (or_stand_in(carrier, "?"), or_stand_in(origin, "?"), or_stand_in(dest, "!"))
        else {
            return Err(errors.0);
        };
        let request = Request {
            id: RequestId::random(),
            carrier,
            origin,
            dest,
            date: date.unwrap_or(placeholder_date()),
            dep_delay,
            distance,
            flight_num,
            // The form has neither.
            schedule: None,
            weather: None,
            asked_at: Some(asked_at),
        };
        check_all(request, errors)
    }
}

/// The errors, at most one for each field: the first.
struct FieldErrors(Vec<Invalid>);

impl FieldErrors {
    fn note<T>(&mut self, result: Result<T, Invalid>) -> Option<T> {
        result.map_err(|invalid| self.add(invalid)).ok()
    }

    fn add(&mut self, invalid: Invalid) {
        if !self.0.iter().any(|known| known.field == invalid.field) {
            self.0.push(invalid);
        }
    }
}

/// A valid date in place of a wrong one.
fn placeholder_date() -> NaiveDate {
    // The literal is a date of the calendar, so there is no default to fall back on.
    NaiveDate::from_ymd_opt(2016, 12, 25).unwrap_or_default()
}

/// Collects all errors of [`Request::check`], which stops at the first: a refused field is replaced by a valid value,
/// and the check is repeated.
fn check_all(mut request: Request, mut errors: FieldErrors) -> Result<Request, Vec<Invalid>> {
    while let Err(invalid) = request.check() {
        match invalid.field {
            "FlightDate" => request.date = placeholder_date(),
            "DepDelay" => request.dep_delay = None,
            "FlightNum" => request.flight_num = None,
            "Distance" => request.distance = None,
            // An error of the two airports: the other fields have been checked.
            _ => {
                errors.add(invalid);
                break;
            }
        }
        errors.add(invalid);
    }
    if errors.0.is_empty() { Ok(request) } else { Err(errors.0) }
}

fn distance(airports: &Airports, origin: Code, dest: Code) -> Option<f64> {
    // Two codes of one airport have distance 0, which a request must not carry.
    airports.distance_miles(origin, dest).map(f64::from).filter(|miles| *miles > 0.0)
}

fn airline(typed: &str, airports: &Airports) -> Result<Code, Invalid> {
    known_code("Carrier", typed, |code| airports.knows_airline(code), "an airline", "AA")
}

fn airport(field: &'static str, typed: &str, airports: &Airports) -> Result<Code, Invalid> {
    known_code(field, typed, |code| airports.knows_airport(code), "an airport", "ATL")
}

/// Returns the code in `ATL`, ` atl ` or `Atlanta (ATL)`.
fn known_code(
    field: &'static str,
    typed: &str,
    known: impl Fn(Code) -> bool,
    what: &str,
    example: &str,
) -> Result<Code, Invalid> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(Invalid::new(field, "is missing"));
    }
    codes_in(typed).find(|code| known(*code)).ok_or_else(|| {
        Invalid::new(field, format!("{} is not {what} we know; choose one of the list, as in {example}", quoted(typed)))
    })
}

/// Returns the codes that a text may mean: all of it first, as the BTS tables have codes such as `PA (1)`.
pub(crate) fn codes_in(typed: &str) -> impl Iterator<Item = Code> {
    let typed = typed.trim();
    let bracketed = typed.strip_suffix(')').and_then(|text| text.rsplit_once('('));
    let texts = [Some(typed), bracketed.map(|(_, code)| code.trim())];
    texts.into_iter().flatten().filter_map(|text| text.to_uppercase().parse().ok())
}

fn flight_date(typed: &str) -> Result<NaiveDate, Invalid> {
    match typed.trim() {
        "" => Err(Invalid::new("FlightDate", "is missing")),
        typed => parse_flight_date(typed),
    }
}

/// An empty text means that the flight has not left.
fn dep_delay(typed: &str) -> Result<Option<f64>, Invalid> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let wrong = || Invalid::new("DepDelay", format!("{} is not a number of minutes, as in 5 or -3", quoted(typed)));
    match typed.parse::<f64>() {
        Ok(minutes) if minutes.is_finite() => Ok(Some(minutes)),
        _ => Err(wrong()),
    }
}

/// Texts from outside are quoted in reasons up to this many characters.
const QUOTED_CHARS_MAX: usize = 40;

fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((at, _)) => format!("“{}…”", &text[..at]),
        None => format!("“{text}”"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use delaycast::{airports::Route, request::decode};
    use serde_json::json;

    use super::*;

    #[test]
    fn the_form_and_the_log_accept_the_same_texts() {
        let code = |text: &str| text.parse::<Code>().unwrap();
        let route = Route { origin: code("ATL"), dest: code("SFO"), miles: 2139.0 };
        let airports =
            Airports::new(BTreeMap::new(), BTreeMap::from([(code("AA"), "American".to_owned())]), [route], []);
        let texts = [
            ["5", "AA", "2016-12-25", "ATL", "SFO", "12"],
            [" 5.0 ", " aa", "2016-12-25T18:05Z", "atl ", "Sfo", " 12 "],
            ["", "Aa", " 20161225 ", " ATL", "sfo\t", ""],
            ["-3e0", "AA", "2016-12-25T00:00:00.000+0000", "ATL", "SFO", " "],
            ["five", "AA", "2016-12-25", "ATL", "SFO", ""],
            ["5", " ", "2016-12-25", "ATL", "SFO", ""],
            ["5", "AA", "25.12.2016", "ATL", "SFO", ""],
            ["5000", "AA", "2016-12-25", "ATL", "SFO", "12345678901234567"],
            ["5", "AA", "2016-12-25", "ATL", "atl", ""],
        ];
        for text in texts {
            let [dep_delay, carrier, flight_date, origin, dest, flight_num] = text.map(str::to_owned);
            let message = json!({
                "UUID": "u", "DepDelay": dep_delay, "Carrier": carrier, "FlightDate": flight_date, "Origin": origin,
                "Dest": dest, "FlightNum": flight_num,
            });
            let form = FlightForm { dep_delay, carrier, flight_date, origin, dest, flight_num };
            let typed = form.to_request(Vec::new(), &airports, NaiveDateTime::default());
            match (typed, decode(message.to_string().as_bytes())) {
                (Ok(typed), Ok(sent)) => {
                    let same =
                        Request { distance: typed.distance, asked_at: typed.asked_at, id: typed.id.clone(), ..sent };
                    assert_eq!(typed, same, "{text:?}");
                }
                (Err(_), Err(_)) => {}
                (typed, sent) => panic!("{text:?}: the page says {typed:?}, the log {sent:?}"),
            }
        }
    }
}
