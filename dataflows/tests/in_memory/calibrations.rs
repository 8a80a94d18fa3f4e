//! Events for the readings of sensors: a reading is scored with the last calibration of its sensor.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use engine::{
    live::{EventTime, Live},
    request::{Malformed, MalformedKind},
};

use super::domain::{Reading, Readings};

/// A calibration: the time at which it was known, and its offset.
pub type Calibration = (EventTime, i64);

#[derive(Default)]
pub struct Calibrations(BTreeMap<String, Vec<Calibration>>);

/// The number of times that a sensor has lost all its calibrations.
pub static EMPTIED: AtomicUsize = AtomicUsize::new(0);

impl Live for Readings {
    type Subject = String;
    type Event = Calibration;
    type State = Calibrations;

    const EVENT_BYTES_MAX: usize = 200;

    fn decode_event(message: &[u8]) -> Result<(String, Calibration), Malformed> {
        serde_json::from_slice(message).map_err(|error| Malformed::new(None, MalformedKind::NotJson, error.to_string()))
    }

    fn known_at(event: &Calibration) -> EventTime {
        event.0
    }

    /// A sensor's name may end with the time until which it is kept, as in `S@5000`.
    fn kept_until(subject: &String) -> EventTime {
        subject.split_once('@').map_or(EventTime::MAX, |(_, until)| until.parse().expect("a time"))
    }

    fn set(state: &mut Calibrations, subject: String, events: Vec<Calibration>) {
        assert!(events.is_sorted() && events.windows(2).all(|pair| pair[0] != pair[1]), "{events:?}");
        if events.is_empty() {
            EMPTIED.fetch_add(1, Ordering::Relaxed);
            state.0.remove(&subject);
        } else {
            state.0.insert(subject, events);
        }
    }

    fn observe(state: &Calibrations, request: &mut Reading, _: EventTime) {
        if let Some((_, offset)) = state.0.get(&request.sensor).and_then(|events| events.last()) {
            request.value += *offset as f64;
        }
    }
}

/// Returns the message of a calibration.
#[allow(dead_code, reason = "for those with events")]
pub fn calibration(sensor: &str, at: EventTime, offset: i64) -> Vec<u8> {
    format!(r#"["{sensor}", [{at}, {offset}]]"#).into_bytes()
}
