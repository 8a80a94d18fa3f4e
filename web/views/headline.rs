//! The headline of an answer's document, and the flight that it is about: what each page of answers shows.

use chrono::NaiveDate;
use delaycast::{
    airports::Airports,
    flight::{CLASSES, DelayClass, time},
    request::{Field, parse_flight_date},
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    live::FlightState,
    statement::Statement,
    words::{airline_name, airport_name, capitalized, class_name, numbers_by_class},
};
use crate::{
    flight_form::FlightForm,
    texts::{Texts, say},
};

/// The statement of an answer with its probability; without one, the most probable class.
pub(super) struct Headline {
    pub(super) text: String,
    /// The flight is over, and the text says how.
    pub(super) is_over: bool,
}

impl Headline {
    /// Reads an answer's document; fields may be missing.
    pub(super) fn of(document: &Map<String, Value>, texts: Texts) -> Self {
        let class = class(document);
        let over = FlightState::of(document, texts).filter(|state| state.is_over);
        let is_over = over.is_some();
        let shares = probabilities(document).filter(|_| class.is_some());
        // A no-break space keeps the number and its unit on one line.
        let unbroken = |label: String| label.replace(" minut", "\u{a0}minut");
        let text = match (over, shares, class) {
            (Some(over), ..) => capitalized(&over.words),
            (None, Some(shares), _) => {
                let statement = Statement::of(&shares);
                let chance = texts.percent(statement.probability(&shares) * 100.0);
                match statement {
                    Statement::Soon => say!(texts, "headline-soon", chance = chance),
                    Statement::Late => say!(texts, "headline-late", chance = chance),
                }
            }
            (None, None, Some(class)) => say!(texts, "headline-class", class = unbroken(class_name(class, texts))),
            (None, None, None) => say!(texts, "headline-unknown"),
        };
        Headline { text, is_over }
    }
}

/// The flight that an answer is about, with names.
pub(super) struct AskedFlight {
    /// `American Airlines Inc. 123`, or the code.
    pub(super) airline: String,
    pub(super) origin: AirportView,
    pub(super) dest: AirportView,
}

impl AskedFlight {
    pub(super) fn of(asked: &FlightForm, airports: &Airports) -> Self {
        let airport = |field| {
            let code = asked.text(field);
            AirportView { code: code.to_owned(), name: airport_name(code, airports).map(str::to_owned) }
        };
        let airline = airline_name(asked.text(Field::Carrier), airports).unwrap_or(asked.text(Field::Carrier));
        AskedFlight {
            airline: format!("{airline} {}", asked.text(Field::FlightNum)).trim_end().to_owned(),
            origin: airport(Field::Origin),
            dest: airport(Field::Dest),
        }
    }
}

/// An airport, and its name if it is known.
#[derive(Debug, Serialize)]
pub(super) struct AirportView {
    code: String,
    name: Option<String>,
}

impl AirportView {
    pub(super) fn to_text(&self) -> String {
        self.name.as_ref().map_or_else(|| self.code.clone(), |name| format!("{name} ({})", self.code))
    }
}

pub(super) fn class(document: &Map<String, Value>) -> Option<DelayClass> {
    let prediction = document.get("Prediction")?.as_f64()?;
    DelayClass::ALL.into_iter().find(|class| class.wire_value() == prediction)
}

pub(super) fn probabilities(document: &Map<String, Value>) -> Option<[f64; CLASSES]> {
    let shares = numbers_by_class(document.get("Probabilities")?)?;
    shares.iter().all(|share| (0.0..=1.0).contains(share)).then_some(shares)
}

/// `19:45` for 1945.
pub(super) fn time_of_day(hhmm: &Value) -> Option<String> {
    time::from_hhmm(i32::try_from(hhmm.as_i64()?).ok()?).map(time::to_text)
}

/// Returns the day of departure. It is `{"$date": "2016-12-25T00:00:00Z"}`, or text where the old batch has written it.
pub(super) fn flight_date(document: &Map<String, Value>) -> Option<NaiveDate> {
    let value = document.get(Field::FlightDate.name())?;
    let text = value.get("$date").unwrap_or(value).as_str()?;
    // Only the day counts.
    parse_flight_date(text.get(..10)?).ok()
}

/// Returns the form of an answered request, from the document's fields of the same names.
pub(super) fn asked(document: &Map<String, Value>) -> FlightForm {
    FlightForm::of(|field| {
        let value = document.get(field.name()).unwrap_or(&Value::Null);
        match field {
            Field::Follow => value.as_bool().filter(|follow| *follow).map(|_| "true".to_owned()).unwrap_or_default(),
            Field::CrsDepTime => time_of_day(value).unwrap_or_default(),
            Field::DepDelay => value.as_f64().map(|minutes| minutes.to_string()).unwrap_or_default(),
            Field::FlightDate => flight_date(document).map(|date| date.to_string()).unwrap_or_default(),
            _ => value.as_str().unwrap_or_default().to_owned(),
        }
    })
}
