//! A small domain for the tests of the dataflows: the readings of sensors, whose score is a level. The tests in
//! `tests/` include this file, too.

#![allow(dead_code, reason = "each test takes its share")]

use std::borrow::Cow;

use engine::{
    answer::ModelVersion,
    document::{Document, Value},
    domain::{Answer, Collections, Dimension, Domain, EventTime, Field, Follow},
    model::Scorer,
    request::{Invalid, Malformed, MalformedKind, RequestId},
};

/// The domain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Readings;

/// A reading of a sensor at a place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    pub(crate) id: RequestId,
    pub(crate) sensor: String,
    pub(crate) place: String,
    pub(crate) value: f64,
}

/// The level of a reading: the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Low,
    Normal,
    High,
}

impl Level {
    pub(crate) const ALL: [Level; 3] = [Level::Low, Level::Normal, Level::High];

    /// Returns the level of a value: normal from 0 to below 30.
    pub(crate) fn of(value: f64) -> Self {
        match value {
            ..0.0 => Level::Low,
            0.0..30.0 => Level::Normal,
            _ => Level::High,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Level::Low => "low",
            Level::Normal => "normal",
            Level::High => "high",
        }
    }
}

/// The dimensions of a stored answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Labels {
    pub(crate) level: Level,
    pub(crate) sensor: String,
    pub(crate) place: String,
}

impl Domain for Readings {
    type Request = Reading;
    type Score = Level;
    type Labels = Labels;

    const MESSAGE_BYTES_MAX: usize = 65_536;
    const FIELDS: &'static [&'static str] = &["UUID", "Sensor", "Place", "Value"];
    const COLLECTIONS: Collections = Collections::new("readings", ["levels", "rejections", "shadows"]);
    const DIMENSIONS: &'static [Dimension] = &[
        Dimension { field: "Level", is_open: false },
        Dimension { field: "Sensor", is_open: true },
        Dimension { field: "Place", is_open: true },
    ];

    const FOLLOW: Option<&'static dyn Follow<Self>> = Some(&FollowReadings);

    fn decode(message: &[u8]) -> Result<Reading, Malformed> {
        let malformed = |kind, reason: String| Malformed::new(None, kind, reason);
        if message.is_empty() {
            return Err(malformed(MalformedKind::Empty, "the message is empty".to_owned()));
        }
        if message.len() > Self::MESSAGE_BYTES_MAX {
            return Err(malformed(MalformedKind::TooLong, format!("the message has {} bytes", message.len())));
        }
        let text = str::from_utf8(message)
            .map_err(|error| malformed(MalformedKind::NotUtf8, format!("not UTF-8 at byte {}", error.valid_up_to())))?;
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|error| malformed(MalformedKind::NotJson, error.to_string()))?;
        let text = |field| fields.get(field).and_then(serde_json::Value::as_str).map(str::to_owned);
        let missing = |field| Invalid::new(field, "is missing");
        let id = text("UUID").ok_or_else(|| missing("UUID")).and_then(RequestId::new);
        let id = id.map_err(|invalid| malformed(MalformedKind::Field("UUID"), invalid.to_string()))?;
        let read = || {
            let (sensor, place) = (text("Sensor").ok_or_else(|| missing("Sensor"))?, text("Place").unwrap_or_default());
            let value = fields.get("Value").ok_or_else(|| missing("Value"))?;
            let value = value.as_f64().ok_or_else(|| Invalid::new("Value", "must be a number"))?;
            Ok(Reading { id: id.clone(), sensor, place, value })
        };
        read().map_err(|invalid: Invalid| {
            Malformed::new(Some(id.clone()), MalformedKind::Field(invalid.field), invalid.to_string())
        })
    }

    fn id(request: &Reading) -> &RequestId {
        &request.id
    }

    fn document(answer: &Answer<Readings>) -> Document<'_> {
        let Answer { request: Reading { id, sensor, place, value }, score, model, scored_at } = answer;
        vec![
            ("_id", Value::text(id.as_str())),
            ("UUID", Value::text(id.as_str())),
            ("Sensor", Value::text(sensor)),
            ("Place", Value::text(place)),
            ("Value", Value::Double(*value)),
            ("Level", Value::text(score.name())),
            ("ModelVersion", Value::text(model.as_str())),
            ("ScoredAt", Value::Date(*scored_at)),
        ]
    }

    fn labels(fields: &[Field<'_>]) -> Option<Labels> {
        let [level, sensor, place] = fields else { return None };
        let level = Level::ALL.into_iter().find(|known| Some(known.name()) == level.text())?;
        Some(Labels { level, sensor: sensor.text()?.to_owned(), place: place.text()?.to_owned() })
    }

    fn label(labels: &Labels, dimension: usize) -> Cow<'_, str> {
        Cow::Borrowed(match dimension {
            0 => labels.level.name(),
            1 => &labels.sensor,
            _ => &labels.place,
        })
    }
}

/// Readings at the place `followed` are followed until they are 1000 or more.
pub(crate) struct FollowReadings;

impl Follow<Readings> for FollowReadings {
    fn is_wanted(&self, request: &Reading) -> bool {
        request.place == "followed"
    }

    fn moment(&self, _: &Reading, read_at: EventTime) -> EventTime {
        read_at
    }

    fn ask_again(&self, _: &mut Reading, _: EventTime, now: EventTime) -> EventTime {
        now
    }

    fn told(&self, answer: &Answer<Readings>) -> Vec<f64> {
        vec![answer.request.value]
    }

    fn is_news(&self, last: &[f64], now: &[f64]) -> bool {
        last.iter().zip(now).any(|(last, now)| (last - now).abs() >= 10.0)
    }

    fn is_final(&self, answer: &Answer<Readings>) -> bool {
        answer.request.value >= 1000.0
    }
}

/// Returns the message of a reading that is followed.
pub(crate) fn followed(id: &str, sensor: &str, value: f64) -> Vec<u8> {
    format!(r#"{{"UUID": "{id}", "Sensor": "{sensor}", "Place": "followed", "Value": {value}}}"#).into_bytes()
}

/// Returns a well-formed message.
pub(crate) fn message(id: &str, value: f64) -> Vec<u8> {
    format!(r#"{{"UUID": "{id}", "Sensor": "S1", "Place": "north", "Value": {value}}}"#).into_bytes()
}

/// A model that gives every request the same level.
pub(crate) struct Constant {
    pub(crate) version: ModelVersion,
    pub(crate) level: Level,
}

impl Scorer<Readings> for Constant {
    fn version(&self) -> &ModelVersion {
        &self.version
    }

    fn score(&self, requests: &[Reading], scores: &mut Vec<Level>) {
        scores.extend(requests.iter().map(|_| self.level));
    }
}
