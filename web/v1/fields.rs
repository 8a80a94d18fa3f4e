//! Reads the body of a question: the fields of the wire contract, each in its JSON type.
//!
//! The form reads most of them, so that a question is completed and checked as on the page. The others go through the
//! decoder of the log's messages: what it refuses here, the scorer would refuse later.

use delaycast::{
    flight::Observation,
    request::{Field, Request, decode},
};
use engine::request::{Invalid, MalformedKind};
use serde_json::{Map, Value, json};

use crate::{
    body::Pairs,
    field_error::{FieldError, quoted},
    flight_form::{CHOICE, FlightForm, PHRASE},
};

/// The JSON types of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    TextOrInteger,
    Number,
    Boolean,
    Observations,
}

/// The fields of a question.
const FIELDS: [(&str, Kind); 14] = [
    (PHRASE, Kind::Text),
    (CHOICE, Kind::Text),
    (Field::Carrier.name(), Kind::Text),
    (Field::FlightNum.name(), Kind::TextOrInteger),
    (Field::FlightDate.name(), Kind::Text),
    (Field::Origin.name(), Kind::Text),
    (Field::Dest.name(), Kind::Text),
    (Field::DepDelay.name(), Kind::Number),
    (Field::Distance.name(), Kind::Number),
    (Field::CrsDepTime.name(), Kind::TextOrInteger),
    (Field::CrsArrTime.name(), Kind::TextOrInteger),
    (Field::Weather.name(), Kind::Observations),
    (Field::AsOf.name(), Kind::Text),
    (Field::Follow.name(), Kind::Boolean),
];

/// The fields that the form does not have.
const BESIDE_THE_FORM: [Field; 4] = [Field::Distance, Field::CrsArrTime, Field::Weather, Field::AsOf];

impl Kind {
    fn takes(self, value: &Value) -> bool {
        match self {
            Kind::Text => value.is_string(),
            Kind::TextOrInteger => value.is_string() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Kind::Number => value.is_number(),
            Kind::Boolean => value.is_boolean(),
            Kind::Observations => value.is_object(),
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Kind::Text => "a string",
            Kind::TextOrInteger => "a string or a whole number",
            Kind::Number => "a number",
            Kind::Boolean => "true or false",
            Kind::Observations => "an object of numbers",
        }
    }
}

/// A question as it was sent.
pub(super) struct SentQuestion {
    /// The fields of the form.
    pub(super) form: FlightForm,
    /// A request with the fields that the form does not have, if there are any.
    beside: Option<Request>,
}

impl SentQuestion {
    /// Sets the fields of a request that the form does not have.
    pub(super) fn complete(&self, request: &mut Request) {
        let Some(beside) = &self.beside else { return };
        request.schedule = beside.schedule.or(request.schedule);
        request.distance = beside.distance.or(request.distance);
        request.weather = beside.weather.or(request.weather);
        request.as_of = beside.as_of.or(request.as_of);
    }

    /// Reads the members of a body. All wrong fields are named at once, the first error of each.
    pub(super) fn read(members: &[(String, Value)]) -> Result<Self, Vec<FieldError>> {
        let mut errors: Vec<FieldError> = Vec::new();
        let (mut known, mut pairs) = (Map::new(), Pairs::new());
        for (name, value) in members {
            match FIELDS.iter().find(|(field, _)| field == name) {
                None => errors.push(unknown(name)),
                Some(_) if known.contains_key(name) => errors.push(FieldError::new(name.clone(), "stands twice")),
                Some((_, kind)) if !value.is_null() && !kind.takes(value) => {
                    errors.push(FieldError::new(name.clone(), format!("must be {}", kind.in_words())));
                }
                Some(_) => drop(known.insert(name.clone(), value.clone())),
            }
        }
        known.retain(|_, value| !value.is_null());
        errors.extend(wrong_observations(&known));
        let has_arrival = known.contains_key(Field::CrsArrTime.name());
        for (name, value) in &known {
            // With both times there is a schedule, and none is looked for.
            let is_beside = BESIDE_THE_FORM.iter().any(|field| field.name() == name)
                || (has_arrival && name == Field::CrsDepTime.name());
            if !is_beside {
                pairs.push((name.clone(), Ok(text_of(value))));
            }
        }
        let (form, _) = FlightForm::from_pairs(pairs);
        let beside = read_beside(&known).map_err(|invalid| errors.extend(invalid.into_iter().map(Into::into)));
        match beside {
            Ok(beside) if errors.is_empty() => Ok(SentQuestion { form, beside }),
            _ => Err(errors),
        }
    }
}

fn unknown(name: &str) -> FieldError {
    let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    FieldError::new("body", format!("{} is unknown; the fields are {}", quoted(name), names.join(", ")))
}

fn text_of(value: &Value) -> String {
    match (value, value.as_f64()) {
        (Value::String(text), _) => text.clone(),
        // As whole numbers are written in JSON, 5.0 is one.
        (_, Some(number)) if number.fract() == 0.0 => format!("{number:.0}"),
        _ => value.to_string(),
    }
}

/// The decoder ignores unknown observations, and takes numbers in strings.
fn wrong_observations(known: &Map<String, Value>) -> Vec<FieldError> {
    let observations = known.get(Field::Weather.name()).and_then(Value::as_object);
    let wrong = observations.into_iter().flatten().filter_map(|(name, value)| {
        if !Observation::ALL.iter().any(|observation| observation.name() == name) {
            let names = Observation::ALL.map(Observation::name).join(", ");
            return Some(format!("{} is unknown; the observations are {names}", quoted(name)));
        }
        let is_number = value.is_number() || value.is_null();
        (!is_number).then(|| format!("{name} must be a number"))
    });
    wrong.map(|reason| FieldError::new(Field::Weather.name(), reason)).collect()
}

/// Decodes the fields that the form does not have in a message of any flight; `None` if there are none.
fn read_beside(known: &Map<String, Value>) -> Result<Option<Request>, Vec<Invalid>> {
    let groups = BESIDE_THE_FORM.map(|field| match field {
        Field::CrsArrTime => vec![field.name(), Field::CrsDepTime.name()],
        _ => vec![field.name()],
    });
    let sent = groups.iter().filter(|group| known.contains_key(group[0]));
    let (mut errors, mut all) = (Vec::new(), any_flight());
    let mut is_any = false;
    for group in sent {
        is_any = true;
        let mut alone = any_flight();
        for name in group {
            if let Some(value) = known.get(*name) {
                alone.insert((*name).to_owned(), value.clone());
                all.insert((*name).to_owned(), value.clone());
            }
        }
        errors.extend(decoded(alone).err());
    }
    match (is_any, errors.is_empty()) {
        (false, _) => Ok(None),
        (true, true) => decoded(all).map(Some).map_err(|invalid| vec![invalid]),
        (true, false) => Err(errors),
    }
}

fn any_flight() -> Map<String, Value> {
    let message = json!({ "UUID": "-", "Carrier": "?", "Origin": "?", "Dest": "!", "FlightDate": "2016-12-25" });
    if let Value::Object(message) = message { message } else { Map::new() }
}

fn decoded(message: Map<String, Value>) -> Result<Request, Invalid> {
    decode(Value::Object(message).to_string().as_bytes()).map_err(|malformed| {
        let field = if let MalformedKind::Field(field) = malformed.kind { field } else { "body" };
        let prefix = format!("{field}: ");
        Invalid::new(field, malformed.reason.strip_prefix(&prefix).unwrap_or(&malformed.reason))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{body::json_object, v1::reply::OPENAPI};

    fn errors(body: &str) -> Vec<String> {
        let read = SentQuestion::read(&json_object(body).unwrap());
        let errors = read.err().unwrap_or_default();
        errors.iter().map(|error| format!("{}: {}", error.field, error.reason)).collect()
    }

    #[test]
    fn the_fields_are_those_of_the_contract_and_of_the_openapi_document() {
        let fields: BTreeSet<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        let of_contract = Field::NAMES.iter().copied().filter(|name| !["UUID", "Timestamp"].contains(name));
        assert_eq!(fields, of_contract.chain([PHRASE, CHOICE]).collect());
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let properties = |schema: &str| document["components"]["schemas"][schema]["properties"].clone();
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
        assert_eq!(names(&properties("NewQuestion")), fields.iter().map(|name| (*name).to_owned()).collect());
        let observations = Observation::ALL.map(|observation| observation.name().to_owned());
        assert_eq!(names(&properties("Weather")), observations.into());
    }

    #[test]
    fn all_wrong_fields_are_named_at_once() {
        let body = r#"{"Carrier": 5, "Unknown": 1, "FlightNum": 1.5, "Follow": "true", "Distance": -1, "AsOf": "noon",
            "CRSArrTime": 1745, "Weather": {"Temp": 1000}, "Origin": "JFK", "Origin": "LGA"}"#;
        let errors = errors(body);
        let fields: Vec<&str> = errors.iter().map(|error| error.split(':').next().unwrap()).collect();
        let expected =
            ["Carrier", "body", "FlightNum", "Follow", "Origin", "Distance", "CRSDepTime", "Weather.Temp", "AsOf"];
        assert_eq!(fields, expected, "{errors:?}");
        assert!(errors[1].starts_with("body: “Unknown” is unknown; the fields are Flight, Choice, Carrier"));
    }

    #[test]
    fn observations_are_known_numbers() {
        assert_eq!(errors(r#"{"Weather": {"Temp": "41"}}"#), ["Weather: Temp must be a number"]);
        assert!(errors(r#"{"Weather": {"Tmp": 41}}"#)[0].starts_with("Weather: “Tmp” is unknown"));
        assert!(errors(r#"{"Weather": {"Temp": 41, "Precip": null}, "DepDelay": 5.5, "FlightNum": 7.0}"#).is_empty());
    }

    #[test]
    fn fields_that_the_form_does_not_have_are_set_and_others_kept() {
        let read = |body: &str| SentQuestion::read(&json_object(body).unwrap()).ok().unwrap();
        let sent = read(
            r#"{"Distance": 761, "CRSDepTime": "0905", "CRSArrTime": 1130, "AsOf": "2026-07-04T10:00:00Z",
                "Weather": {"WindSpeed": 23}, "FlightNum": 7.0, "DepDelay": -3, "Follow": false}"#,
        );
        let mut request = decode(Value::Object(any_flight()).to_string().as_bytes()).unwrap();
        sent.complete(&mut request);
        let schedule = request.schedule.unwrap();
        assert_eq!((schedule.dep_min, schedule.arr_min, request.distance), (545, 690, Some(761.0)));
        assert!(request.weather.is_some() && request.as_of.is_some());
        assert_eq!((sent.form.text(Field::FlightNum), sent.form.text(Field::DepDelay)), ("7", "-3"));
        assert_eq!((sent.form.text(Field::CrsDepTime), sent.form.text(Field::Follow)), ("", "false"));
        let before = request.clone();
        read(r#"{"CRSDepTime": 905}"#).complete(&mut request);
        assert_eq!(request, before);
    }
}
