//! The form: its address, its fields as text, and the request or the errors that they make.
//!
//! It has the fields of the wire contract, the scheduled departure, and a phrase (`Flight`), which
//! [`crate::completion`] reads. Blanks around a value, lower case and `Atlanta (ATL)` are accepted; the rest is checked
//! against the rules of [`delaycast::request`] and the known airports.

use chrono::{NaiveDate, NaiveDateTime};
use delaycast::{
    airports::Airports,
    flight::{Code, DEP_DELAY_MINUTES, FLIGHT_NUM_BYTES_MAX, YEARS, time},
    request::{Field, Request, parse_flight_date},
};
use engine::request::{Invalid, RequestId};

use crate::{
    body::Pairs,
    field_error::{FieldError, quoted},
    texts::{Message, message},
    weather_form::WeatherForm,
};

/// The fields of the form that are those of a request.
const FIELDS: [Field; 8] = [
    Field::DepDelay,
    Field::Carrier,
    Field::FlightDate,
    Field::Origin,
    Field::Dest,
    Field::FlightNum,
    Field::CrsDepTime,
    Field::Follow,
];

/// The name of the field with a phrase.
pub(crate) const PHRASE: &str = "Flight";
/// The name of the buttons that choose one of several meanings: `Origin=JFK`, or `Origin=JFK&Dest=BOS`.
pub(crate) const CHOICE: &str = "Choice";

/// The texts of the fields as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FlightForm {
    /// In the order of [`FIELDS`].
    texts: [String; FIELDS.len()],
    /// A phrase that names the flight.
    pub(crate) phrase: String,
    /// The airports were chosen among those that the phrase may mean.
    pub(crate) is_chosen: bool,
    /// The weather at the departure.
    pub(crate) weather: WeatherForm,
}

impl FlightForm {
    /// The form's initial values: a flight tomorrow that has not left.
    pub(crate) fn initial(today: NaiveDate) -> Self {
        let mut form = FlightForm::default();
        form.default_to_tomorrow(today);
        form
    }

    /// Sets the day of departure to tomorrow unless it has one.
    pub(crate) fn default_to_tomorrow(&mut self, today: NaiveDate) {
        if self.text(Field::FlightDate).trim().is_empty() {
            self.set(Field::FlightDate, today.succ_opt().unwrap_or(today).to_string());
        }
    }

    /// Returns whether a phrase was typed.
    pub(crate) fn has_phrase(&self) -> bool {
        !self.phrase.trim().is_empty()
    }

    /// The names of its fields, and of the phrase.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        [PHRASE].into_iter().chain(FIELDS.into_iter().map(Field::name))
    }

    /// The field of this name in any case.
    pub(crate) fn field_named(name: &str) -> Option<&'static str> {
        Self::names().find(|known| known.eq_ignore_ascii_case(name))
    }

    /// A form with a text for each of its fields.
    pub(crate) fn of(text: impl Fn(Field) -> String) -> Self {
        FlightForm { texts: FIELDS.map(text), ..FlightForm::default() }
    }

    /// The fields and their texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (Field, &str)> {
        FIELDS.into_iter().zip(self.texts.iter().map(String::as_str))
    }

    /// Replaces the text of a field.
    pub(crate) fn set(&mut self, field: Field, text: impl Into<String>) {
        if let Some((_, known)) = FIELDS.into_iter().zip(&mut self.texts).find(|(known, _)| *known == field) {
            *known = text.into();
        }
    }

    /// The code of an airline or an airport that a field names.
    pub(crate) fn code(&self, field: Field) -> Option<Code> {
        codes_in(self.text(field)).next()
    }

    /// The day of departure, if it can be read.
    pub(crate) fn date(&self) -> Option<NaiveDate> {
        flight_date(self.text(Field::FlightDate)).ok()
    }

    /// The scheduled departure in minutes since midnight; `None` without one.
    pub(crate) fn departs(&self) -> Result<Option<u16>, FieldError> {
        departs(self.text(Field::CrsDepTime))
    }

    /// The text of a field; empty if the form does not have the field.
    pub(crate) fn text(&self, field: Field) -> &str {
        self.texts().find(|(known, _)| *known == field).map_or("", |(_, text)| text)
    }

    /// Reads the known fields and lists the malformed ones; other fields are ignored, as in the log.
    pub(crate) fn from_pairs(pairs: Pairs) -> (Self, Vec<FieldError>) {
        let (mut form, mut malformed, mut seen) = (FlightForm::default(), Vec::new(), Vec::new());
        let mut choice = String::new();
        for (name, value) in pairs {
            let known = FIELDS.into_iter().zip(&mut form.texts).find(|(field, _)| field.name() == name);
            let (field, text) = match known {
                Some((field, text)) => (field.name(), text),
                None if name == PHRASE => (PHRASE, &mut form.phrase),
                None if name == CHOICE => (CHOICE, &mut choice),
                None => match form.weather.field(&name) {
                    Some(field) => field,
                    None => continue,
                },
            };
            match value {
                Ok(_) if seen.contains(&field) => malformed.push(FieldError::new(field, message!("twice"))),
                Ok(value) => *text = value,
                Err(reason) => malformed.push(FieldError::new(field, reason)),
            }
            seen.push(field);
        }
        for (name, value) in choice.split('&').filter_map(|part| part.split_once('=')) {
            if let Some(field) = [Field::Origin, Field::Dest].into_iter().find(|field| field.name() == name) {
                form.set(field, value);
                form.is_chosen = true;
            }
        }
        (form, malformed)
    }

    /// Returns the request under a new random id, or all errors: `malformed` and one for each other wrong field.
    pub(crate) fn to_request(
        &self,
        malformed: Vec<FieldError>,
        airports: &Airports,
        asked_at: NaiveDateTime,
    ) -> Result<Request, Vec<FieldError>> {
        let mut errors = FieldErrors(Vec::new());
        malformed.into_iter().for_each(|error| errors.add(error));
        let carrier = errors.note(airline(self.text(Field::Carrier), airports));
        let origin = errors.note(airport(Field::Origin, self.text(Field::Origin), airports));
        let dest = errors.note(airport(Field::Dest, self.text(Field::Dest), airports));
        let date = errors.note(flight_date(self.text(Field::FlightDate)));
        let dep_delay = errors.note(dep_delay(self.text(Field::DepDelay))).flatten();
        let follow = errors.note(follow(self.text(Field::Follow))).unwrap_or_default();
        errors.note(self.departs());
        let weather = self.weather.to_weather().map_err(|wrong| wrong.into_iter().for_each(|it| errors.add(it)));
        let flight_num = Some(self.text(Field::FlightNum).trim().to_owned()).filter(|number| !number.is_empty());
        let distance = origin.zip(dest).and_then(|(origin, dest)| distance(airports, origin, dest));
        // An unused code in place of a wrong one lets the other fields be checked.
        let or_stand_in = |code: Option<Code>, stand_in: &str| code.or_else(|| stand_in.parse().ok());
        let (Some(carrier), Some(origin), Some(dest)) =
            (or_stand_in(carrier, "?"), or_stand_in(origin, "?"), or_stand_in(dest, "!"))
        else {
            return Err(errors.0);
        };
        let date = date.unwrap_or(placeholder_date());
        let request = Request {
            // Of a followed flight it comes from the events.
            dep_delay: dep_delay.filter(|_| !follow),
            distance,
            follow,
            flight_num,
            asked_at: Some(asked_at),
            weather: weather.ok().flatten(),
            ..Request::new(RequestId::random(), carrier, origin, dest, date)
        };
        check_all(request, errors)
    }
}

/// The errors, at most one for each field: the first.
struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    fn note<T>(&mut self, result: Result<T, FieldError>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    fn add(&mut self, error: FieldError) {
        if !self.0.iter().any(|known| known.field == error.field) {
            self.0.push(error);
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
fn check_all(mut request: Request, mut errors: FieldErrors) -> Result<Request, Vec<FieldError>> {
    while let Err(invalid) = request.check() {
        match Field::of_name(invalid.field) {
            Some(Field::FlightDate) => request.date = placeholder_date(),
            Some(field) if request.clear(field) => {}
            // An error of the two airports: the other fields have been checked.
            _ => {
                errors.add(of_check(invalid));
                break;
            }
        }
        errors.add(of_check(invalid));
    }
    if errors.0.is_empty() { Ok(request) } else { Err(errors.0) }
}

/// The errors of [`Request::check`] in all languages; those of fields that the form does not have stay as they are.
fn of_check(invalid: Invalid) -> FieldError {
    let reason = match Field::of_name(invalid.field) {
        Some(Field::FlightDate) => wrong_year(),
        Some(Field::DepDelay) => {
            let (least, most) = (DEP_DELAY_MINUTES.start().to_string(), DEP_DELAY_MINUTES.end().to_string());
            message!("wrong-delay", least = least, most = most)
        }
        Some(Field::Dest) => message!("same-airport"),
        Some(Field::FlightNum) => message!("number-too-long", bytes = FLIGHT_NUM_BYTES_MAX),
        _ => return invalid.into(),
    };
    FieldError::new(invalid.field, reason)
}

fn wrong_year() -> Message {
    message!("wrong-year", first = YEARS.start().to_string(), last = YEARS.end().to_string())
}

fn distance(airports: &Airports, origin: Code, dest: Code) -> Option<f64> {
    // Two codes of one airport have distance 0, which a request must not carry.
    airports.distance_miles(origin, dest).map(f64::from).filter(|miles| *miles > 0.0)
}

fn airline(typed: &str, airports: &Airports) -> Result<Code, FieldError> {
    let unknown = |typed| message!("unknown-airline", typed = typed);
    known_code(Field::Carrier, typed, |code| airports.knows_airline(code), unknown)
}

fn airport(field: Field, typed: &str, airports: &Airports) -> Result<Code, FieldError> {
    let unknown = |typed| message!("unknown-airport", typed = typed);
    known_code(field, typed, |code| airports.knows_airport(code), unknown)
}

/// Returns the code in `ATL`, ` atl ` or `Atlanta (ATL)`.
fn known_code(
    field: Field,
    typed: &str,
    known: impl Fn(Code) -> bool,
    unknown: impl Fn(String) -> Message,
) -> Result<Code, FieldError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(FieldError::missing(field.name()));
    }
    let wrong = || FieldError::new(field.name(), unknown(quoted(typed)));
    codes_in(typed).find(|code| known(*code)).ok_or_else(wrong)
}

/// Returns the codes that a text may mean: all of it first, as the BTS tables have codes such as `PA (1)`.
pub(crate) fn codes_in(typed: &str) -> impl Iterator<Item = Code> {
    let typed = typed.trim();
    let bracketed = typed.strip_suffix(')').and_then(|text| text.rsplit_once('('));
    let texts = [Some(typed), bracketed.map(|(_, code)| code.trim())];
    texts.into_iter().flatten().filter_map(|text| text.to_uppercase().parse().ok())
}

fn flight_date(typed: &str) -> Result<NaiveDate, FieldError> {
    let field = Field::FlightDate.name();
    match typed.trim() {
        "" => Err(FieldError::missing(field)),
        typed => parse_flight_date(typed).map_err(|_| FieldError::format(field, message!("not-date"))),
    }
}

/// An empty text means that the flight has not left.
fn dep_delay(typed: &str) -> Result<Option<f64>, FieldError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let wrong = || FieldError::format(Field::DepDelay.name(), message!("not-minutes", typed = quoted(typed)));
    match typed.parse::<f64>() {
        Ok(minutes) if minutes.is_finite() => Ok(Some(minutes)),
        _ => Err(wrong()),
    }
}

/// The scheduled departure as browsers send it, `14:30`, or as BTS writes it, `1430`.
fn departs(typed: &str) -> Result<Option<u16>, FieldError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let digits = match typed.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => format!("{hours}{minutes}"),
        Some(_) => String::new(),
        None => typed.to_owned(),
    };
    let is_number = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let minute = digits.parse().ok().filter(|_| is_number).and_then(time::from_hhmm);
    let wrong = || FieldError::format(Field::CrsDepTime.name(), message!("not-time", typed = quoted(typed)));
    minute.map(Some).ok_or_else(wrong)
}

/// The value of a checkbox, which browsers leave out unless it is checked.
fn follow(typed: &str) -> Result<bool, FieldError> {
    match typed.trim() {
        text if text.is_empty() || text.eq_ignore_ascii_case("false") => Ok(false),
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        _ => Err(FieldError::format(Field::Follow.name(), message!("not-truth"))),
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
            ["5", "AA", "2016-12-25", "ATL", "SFO", "12", ""],
            [" 5.0 ", " aa", "2016-12-25T18:05Z", "atl ", "Sfo", " 12 ", ""],
            ["", "Aa", " 20161225 ", " ATL", "sfo\t", "", ""],
            ["-3e0", "AA", "2016-12-25T00:00:00.000+0000", "ATL", "SFO", " ", ""],
            ["", "AA", "2016-12-25", "ATL", "SFO", "", "true"],
            ["", "AA", "2016-12-25", "ATL", "SFO", "", " False "],
            ["", "AA", "2016-12-25", "ATL", "SFO", "", "yes"],
            ["five", "AA", "2016-12-25", "ATL", "SFO", "", ""],
            ["5", " ", "2016-12-25", "ATL", "SFO", "", ""],
            ["5", "AA", "25.12.2016", "ATL", "SFO", "", ""],
            ["5000", "AA", "2016-12-25", "ATL", "SFO", "12345678901234567", ""],
            ["5", "AA", "2016-12-25", "ATL", "atl", "", ""],
        ];
        for text in texts {
            let [dep_delay, carrier, date, origin, dest, number, follow] = text;
            let form = FlightForm {
                texts: [dep_delay, carrier, date, origin, dest, number, "", follow].map(str::to_owned),
                ..FlightForm::default()
            };
            let mut message = json!({ "UUID": "u" });
            form.texts().for_each(|(field, text)| message[field.name()] = text.into());
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
