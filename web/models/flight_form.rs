//! The form: what was typed, and the request that it makes, or everything that is wrong with it.
//!
//! People's habits are forgiven (blanks around, lower case, `Atlanta (ATL)`); what remains is held against the rules of
//! [`delaycast::request`] and against the atlas.

use chrono::{NaiveDate, NaiveDateTime};
use delaycast::{
    atlas::Atlas,
    code::Code,
    request::{Invalid, Request, RequestId, parse_flight_date},
};

use super::quoted;
use crate::body::Pairs;

/// What was typed, field by field, as it was typed.
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
    /// What the form shows at first, by the wire contract.
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

    /// Takes the fields that are ours, and says which of them are unclear; others are ignored, as in the log.
    pub(crate) fn from_pairs(pairs: Pairs) -> (Self, Vec<Invalid>) {
        let (mut form, mut unclear, mut seen) = (FlightForm::default(), Vec::new(), Vec::new());
        for (name, value) in pairs {
            let Some((field, slot)) = form.slot(&name) else { continue };
            match value {
                Ok(_) if seen.contains(&field) => unclear.push(Invalid::new(field, "stands twice")),
                Ok(text) => *slot = text,
                Err(reason) => unclear.push(Invalid::new(field, reason)),
            }
            seen.push(field);
        }
        (form, unclear)
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

    /// The request, under a new random id, or all that is wrong: `unclear` and one reason for each other wrong field.
    pub(crate) fn to_request(
        &self,
        unclear: Vec<Invalid>,
        atlas: &Atlas,
        asked_at: NaiveDateTime,
    ) -> Result<Request, Vec<Invalid>> {
        let mut faults = Faults(Vec::new());
        unclear.into_iter().for_each(|invalid| faults.add(invalid));
        let carrier = faults.note(airline(&self.carrier, atlas));
        let origin = faults.note(airport("Origin", &self.origin, atlas));
        let dest = faults.note(airport("Dest", &self.dest, atlas));
        let date = faults.note(flight_date(&self.flight_date));
        let dep_delay = faults.note(dep_delay(&self.dep_delay)).flatten();
        let flight_num = Some(self.flight_num.trim().to_owned()).filter(|number| !number.is_empty());
        let distance = origin.zip(dest).and_then(|(origin, dest)| distance(atlas, origin, dest));
        // In the place of a code that is wrong, so that the rest is checked all the same: one that nobody has.
        let or_stand_in = |code: Option<Code>, stand_in: &str| code.or_else(|| stand_in.parse().ok());
        let (Some(carrier), Some(origin), Some(dest)) =
            (or_stand_in(carrier, "?"), or_stand_in(origin, "?"), or_stand_in(dest, "!"))
        else {
            return Err(faults.0);
        };
        let request = Request {
            id: RequestId::random(),
            carrier,
            origin,
            dest,
            date: date.unwrap_or(harmless_date()),
            dep_delay,
            distance,
            flight_num,
            // The form asks for neither.
            schedule: None,
            weather: None,
            asked_at: Some(asked_at),
        };
        check_all(request, faults)
    }
}

/// Wrong fields, at most one reason each: the first.
struct Faults(Vec<Invalid>);

impl Faults {
    fn note<T>(&mut self, result: Result<T, Invalid>) -> Option<T> {
        result.map_err(|invalid| self.add(invalid)).ok()
    }

    fn add(&mut self, invalid: Invalid) {
        if !self.0.iter().any(|known| known.field == invalid.field) {
            self.0.push(invalid);
        }
    }
}

/// A date in the place of one that is wrong.
fn harmless_date() -> NaiveDate {
    // The literal is a date of the calendar, so there is no default to fall back on.
    NaiveDate::from_ymd_opt(2016, 12, 25).unwrap_or_default()
}

/// Holds the request against [`Request::check`], which stops at the first fault: what it refuses is noted and replaced
/// by something harmless, until it has nothing more to say.
fn check_all(mut request: Request, mut faults: Faults) -> Result<Request, Vec<Invalid>> {
    while let Err(invalid) = request.check() {
        match invalid.field {
            "FlightDate" => request.date = harmless_date(),
            "DepDelay" => request.dep_delay = None,
            "FlightNum" => request.flight_num = None,
            "Distance" => request.distance = None,
            // Two codes: whatever they are, nothing else is left to be said of them.
            _ => {
                faults.add(invalid);
                break;
            }
        }
        faults.add(invalid);
    }
    if faults.0.is_empty() { Ok(request) } else { Err(faults.0) }
}

fn distance(atlas: &Atlas, origin: Code, dest: Code) -> Option<f64> {
    // Two codes for one place are nothing apart, which no request may say.
    atlas.distance_miles(origin, dest).map(f64::from).filter(|miles| *miles > 0.0)
}

fn airline(typed: &str, atlas: &Atlas) -> Result<Code, Invalid> {
    known_code("Carrier", typed, |code| atlas.knows_airline(code), "an airline", "AA")
}

fn airport(field: &'static str, typed: &str, atlas: &Atlas) -> Result<Code, Invalid> {
    known_code(field, typed, |code| atlas.knows_airport(code), "an airport", "ATL")
}

/// Finds the code in `ATL`, ` atl ` or `Atlanta (ATL)`.
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

/// The codes that a text may mean: all of it first, as the BTS tables have codes such as `PA (1)`.
pub(super) fn codes_in(typed: &str) -> impl Iterator<Item = Code> {
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

/// Empty is no delay known: the flight has not left.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use delaycast::{atlas::Route, request::decode};
    use serde_json::json;

    use super::*;

    #[test]
    fn the_page_and_the_log_take_the_same_texts() {
        let code = |text: &str| text.parse::<Code>().unwrap();
        let route = Route { origin: code("ATL"), dest: code("SFO"), miles: 2139.0 };
        let atlas = Atlas::new(BTreeMap::new(), BTreeMap::from([(code("AA"), "American".to_owned())]), [route], []);
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
            let typed = form.to_request(Vec::new(), &atlas, NaiveDateTime::default());
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
