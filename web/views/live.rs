//! The knowledge that an answer rests on, in sentences: the aeroplane, the airport's last hour, the flight's last days.
//!
//! Times are those of the clock at the airport of departure. A part that the document lacks, or has in another form,
//! has no sentence.

use chrono::{DateTime, NaiveDate, Utc};
use delaycast::{
    features::KnownInputs,
    flight::{time, zoned::to_local},
    history::zone,
    live::Moment,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::texts::{Texts, say};

/// Shortest mean delay that is not "on time", in minutes.
const ON_TIME_MINUTES: f64 = 1.0;

/// The knowledge.
#[derive(Debug, Serialize)]
pub(super) struct LiveView {
    /// `Known at 13:00 on 25 January`.
    pub(super) heading: String,
    pub(super) facts: Vec<String>,
    pub(super) note: Option<String>,
}

impl LiveView {
    /// Reads an answer's document; `None` if it tells nothing of the kind.
    pub(super) fn new(document: &Map<String, Value>, texts: Texts) -> Option<Self> {
        let live = Part(document.get("Live")?.as_object()?);
        let (origin, dest) = (document.get("Origin")?.as_str()?, document.get("Dest")?.as_str()?);
        let clock = Clock(origin);
        let facts = [
            own(&live, texts),
            live.part("Inbound").and_then(|inbound| aeroplane(&inbound, &clock, texts)),
            live.part("OriginHour").and_then(|hour| departures(&hour, origin, texts)),
            live.part("DestHour").and_then(|hour| arrivals(&hour, dest, texts)),
            live.part("Record").and_then(|record| self::record(&record, texts)),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        let as_of = live.date("AsOf")?;
        let day = texts.day_of_year(clock.day(as_of));
        let heading = say!(texts, "known-at", time = clock.time(as_of), day = day);
        let note = moment(document).is_none().then(|| say!(texts, "not-learned"));
        (!facts.is_empty()).then_some(LiveView { heading, facts, note })
    }
}

/// The moment of the forest that answered; `None` if it is given no events.
pub(super) fn moment(document: &Map<String, Value>) -> Option<Moment> {
    KnownInputs::of_label(document.get("Forest")?.as_str()?)?.moment
}

/// An object of the document.
struct Part<'a>(&'a Map<String, Value>);

impl<'a> Part<'a> {
    fn part(&self, field: &str) -> Option<Part<'a>> {
        self.0.get(field)?.as_object().map(Part)
    }

    fn text(&self, field: &str) -> Option<&'a str> {
        self.0.get(field)?.as_str()
    }

    fn number(&self, field: &str) -> Option<f64> {
        self.0.get(field)?.as_f64()
    }

    /// A count that is not 0.
    fn count(&self, field: &str) -> Option<f64> {
        self.number(field).filter(|count| *count > 0.0)
    }

    fn date(&self, field: &str) -> Option<DateTime<Utc>> {
        self.0.get(field)?.get("$date")?.as_str()?.parse().ok()
    }
}

/// The clock at an airport; UTC where its zone is not known.
struct Clock<'a>(&'a str);

impl Clock<'_> {
    fn time(&self, at: DateTime<Utc>) -> String {
        match self.0.parse().ok().and_then(zone) {
            Some(zone) => {
                let (_, minute) = to_local(zone, at);
                time::to_text(minute)
            }
            None => at.format("%H:%M UTC").to_string(),
        }
    }

    fn day(&self, at: DateTime<Utc>) -> NaiveDate {
        self.0.parse().ok().and_then(zone).map_or(at.date_naive(), |zone| to_local(zone, at).0)
    }
}

/// The moment of an answer, by the clock at the airport of departure.
pub(super) fn time_of(document: &Map<String, Value>) -> Option<String> {
    let as_of = Part(document.get("Live")?.as_object()?).date("AsOf")?;
    Some(Clock(document.get("Origin")?.as_str()?).time(as_of))
}

/// The state of a flight that has left, or will not.
pub(super) struct FlightState {
    /// As in `left 12 minutes late`.
    pub(super) words: String,
    /// True if nothing is left to forecast.
    pub(super) is_over: bool,
}

impl FlightState {
    /// Reads an answer's document; `None` before the flight has left.
    pub(super) fn of(document: &Map<String, Value>, texts: Texts) -> Option<Self> {
        let live = Part(document.get("Live")?.as_object()?);
        let delayed = |field: &str| Some(lateness(live.number(field)?, texts));
        let (words, is_over) = match live.text("State")? {
            "departed" => (say!(texts, "state-left", lateness = delayed("DepDelay")?), false),
            "arrived" => (say!(texts, "state-arrived", lateness = delayed("ArrDelay")?), true),
            "cancelled" => (say!(texts, "state-cancelled"), true),
            "diverted" => (say!(texts, "state-diverted"), true),
            _ => return None,
        };
        Some(FlightState { words, is_over })
    }
}

fn own(live: &Part<'_>, texts: Texts) -> Option<String> {
    let delayed = |field: &str| Some(lateness(live.number(field)?, texts));
    match live.text("State")? {
        "cancelled" => Some(say!(texts, "flight-cancelled")),
        "diverted" => Some(say!(texts, "flight-diverted")),
        "arrived" => Some(say!(texts, "flight-arrived", lateness = delayed("ArrDelay")?)),
        "departed" => Some(say!(texts, "flight-left", lateness = delayed("DepDelay")?)),
        _ => None,
    }
}

fn aeroplane(inbound: &Part<'_>, clock: &Clock<'_>, texts: Texts) -> Option<String> {
    let flight = format!("{} {}", inbound.text("Carrier")?, inbound.text("FlightNum")?);
    let airport = inbound.text("Origin")?;
    let plane = match inbound.text("Link") {
        Some("habit") => say!(texts, "plane-usually-comes", flight = flight, airport = airport),
        _ => say!(texts, "plane-comes", flight = flight, airport = airport),
    };
    let state = inbound.text("State")?;
    match state {
        "cancelled" => return Some(say!(texts, "plane-cancelled", plane = plane)),
        "diverted" => return Some(say!(texts, "plane-diverted", plane = plane)),
        _ => {}
    }
    let time = clock.time(inbound.date("Expected")?);
    let lateness = || Some(lateness(inbound.number("Delay")?, texts));
    let ground = ground(inbound, texts);
    Some(match state {
        "arrived" => {
            say!(texts, "plane-arrived", plane = plane, time = time, lateness = lateness()?, ground = ground)
        }
        "departed" => {
            say!(texts, "plane-departed", plane = plane, time = time, lateness = lateness()?, ground = ground)
        }
        _ => say!(texts, "plane-scheduled", plane = plane, time = time, ground = ground),
    })
}

/// The time that the aeroplane has on the ground; empty if it is not known.
fn ground(inbound: &Part<'_>, texts: Texts) -> String {
    let Some(minutes) = inbound.number("GroundMinutes") else { return String::new() };
    let in_words = texts.minutes(minutes.abs());
    match inbound.number("LeastGroundMinutes").filter(|least| *least > minutes) {
        _ if minutes < 0.0 => say!(texts, "plane-after", minutes = in_words),
        Some(least) => say!(texts, "plane-ground-least", minutes = in_words, least = texts.minutes(least)),
        None => say!(texts, "plane-ground", minutes = in_words),
    }
}

fn departures(hour: &Part<'_>, airport: &str, texts: Texts) -> Option<String> {
    let mut sentence = match hour.count("Departures") {
        Some(count) => {
            let lateness = lateness_on_average(hour.number("MeanDelay")?, texts);
            say!(texts, "hour-departures", count = count, airport = airport, lateness = lateness)
        }
        None => {
            hour.count("Cancelled").or_else(|| hour.count("Overdue"))?;
            say!(texts, "hour-no-departure", airport = airport)
        }
    };
    if let Some(count) = hour.count("Cancelled") {
        sentence += &say!(texts, "hour-cancelled", count = count);
    }
    if let Some(count) = hour.count("Overdue") {
        sentence += &say!(texts, "hour-overdue", count = count);
    }
    Some(sentence + ".")
}

fn arrivals(hour: &Part<'_>, airport: &str, texts: Texts) -> Option<String> {
    let (count, mean) = (hour.count("Arrivals")?, hour.number("MeanDelay")?);
    let lateness = lateness_on_average(mean, texts);
    Some(say!(texts, "hour-arrivals", count = count, airport = airport, lateness = lateness))
}

fn record(record: &Part<'_>, texts: Texts) -> Option<String> {
    let (count, mean) = (record.count("Arrivals")?, record.number("MeanDelay")?);
    Some(say!(texts, "record", count = count, lateness = lateness_on_average(mean, texts)))
}

pub(super) fn lateness(minutes: f64, texts: Texts) -> String {
    match minutes {
        0.0 => say!(texts, "late-not"),
        ..0.0 => say!(texts, "early-by", minutes = -minutes),
        _ => say!(texts, "late-by", minutes = minutes),
    }
}

fn lateness_on_average(minutes: f64, texts: Texts) -> String {
    let shown = if minutes.abs() < ON_TIME_MINUTES { 0.0 } else { minutes.round() };
    say!(texts, "on-average", lateness = lateness(shown, texts))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::Language;

    fn facts(live: Value) -> Vec<String> {
        let document = json!({ "Origin": "ORD", "Dest": "LGA", "Live": live });
        LiveView::new(document.as_object().unwrap(), Texts::of(Language::English))
            .map(|view| view.facts)
            .unwrap_or_default()
    }

    fn with_inbound(inbound: Value) -> String {
        let mut all = json!({
            "Carrier": "AA", "FlightNum": "371", "Origin": "LGA", "Link": "habit",
            "Scheduled": {"$date": "2008-01-25T18:00:00Z"},
        });
        for (field, value) in inbound.as_object().unwrap() {
            all[field] = value.clone();
        }
        let facts = facts(json!({ "AsOf": {"$date": "2008-01-25T18:00:00Z"}, "Inbound": all }));
        facts.concat()
    }

    #[test]
    fn an_answer_tells_what_it_rests_on() {
        let document = json!({
            "Origin": "ORD", "Dest": "LGA",
            "Live": {
                "AsOf": {"$date": "2008-01-25T18:00:00Z"}, "State": "departed", "DepDelay": 12,
                "OriginHour": {"Departures": 61, "MeanDelay": 8.0, "Late": 13, "Cancelled": 2, "Overdue": 14},
                "DestHour": {"Arrivals": 1, "MeanDelay": -0.4, "Late": 0},
                "Record": {"Arrivals": 9, "MeanDelay": -7.2, "Late": 2},
            },
        });
        let view = LiveView::new(document.as_object().unwrap(), Texts::of(Language::English)).unwrap();
        assert_eq!(view.heading, "Known at 12:00 on 25\u{a0}January");
        assert_eq!(
            view.facts,
            [
                "The flight has left, 12 minutes late.",
                "In the hour before, 61 flights left ORD, 8 minutes late on average; 2 were cancelled; 14 should have \
                 left and have not.",
                "1 flight arrived at LGA, on time on average.",
                "On its last 9 days this flight arrived 7 minutes early on average.",
            ]
        );
        let view = LiveView::new(document.as_object().unwrap(), Texts::of(Language::Spanish)).unwrap();
        assert_eq!(view.heading, "Lo que se sabía a las 12:00 del 25\u{a0}de enero");
        assert_eq!(
            view.facts,
            [
                "El vuelo ha salido con 12 minutos de retraso.",
                "En la hora anterior salieron 61 vuelos de ORD, con 8 minutos de retraso en promedio; se cancelaron 2; \
                 14 deberían haber salido y no lo han hecho.",
                "A LGA llegó 1 vuelo, puntual en promedio.",
                "En sus últimos 9 días este vuelo llegó con 7 minutos de adelanto en promedio.",
            ]
        );
    }

    #[test]
    fn the_aeroplane_is_somewhere() {
        let at = json!({"$date": "2008-01-25T18:26:00Z"});
        for (inbound, sentence) in [
            (
                json!({"State": "departed", "Link": "aeroplane", "Expected": at, "Delay": 26, "GroundMinutes": 34}),
                "The aeroplane comes as AA 371 from LGA, which is on its way: due at 12:26, 26 minutes late; that leaves \
                 34 minutes on the ground.",
            ),
            (
                json!({"State": "arrived", "Expected": at, "Delay": -1, "GroundMinutes": 1}),
                "The aeroplane usually comes as AA 371 from LGA, which has arrived at 12:26, 1 minute early; that leaves \
                 1 minute on the ground.",
            ),
            (
                json!({"State": "scheduled", "Expected": at, "Delay": 0, "GroundMinutes": -5}),
                "The aeroplane usually comes as AA 371 from LGA, which has not left yet and is due at 12:26; that is \
                 5 minutes after the departure is due.",
            ),
            (json!({"State": "cancelled"}), "The aeroplane usually comes as AA 371 from LGA, which is cancelled."),
        ] {
            assert_eq!(with_inbound(inbound), sentence);
        }
    }

    #[test]
    fn nothing_is_told_of_a_document_without_it_or_of_another_form() {
        let document = json!({ "Origin": "ORD", "Dest": "LGA" });
        assert!(LiveView::new(document.as_object().unwrap(), Texts::of(Language::English)).is_none());
        for live in [json!({}), json!(5), json!({"AsOf": "now", "State": "cancelled"}), json!({"OriginHour": []})] {
            assert_eq!(facts(live), Vec::<String>::new());
        }
    }
}
