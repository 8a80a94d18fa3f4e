//! The knowledge that an answer rests on, in sentences: the aeroplane, the airport's last hour, the flight's last days.
//!
//! Times are those of the clock at the airport of departure. A part that the document lacks, or has in another form,
//! has no sentence.

use chrono::{DateTime, Utc};
use delaycast::{
    features::KnownInputs,
    flight::{time, zoned::to_local},
    history::zone,
    live::Moment,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::words::minutes_in_words;

/// Shortest mean delay that is not "on time", in minutes.
const ON_TIME_MINUTES: f64 = 1.0;

/// The remark below what a model has not learned from.
const NOTE: &str =
    "The chances above do not take this into account: the model that gave them is trained without events.";

/// The knowledge.
#[derive(Debug, Serialize)]
pub(super) struct LiveView {
    /// `Known at 13:00 on 25 January`.
    pub(super) heading: String,
    pub(super) facts: Vec<String>,
    pub(super) note: Option<&'static str>,
}

impl LiveView {
    /// Reads an answer's document; `None` if it tells nothing of the kind.
    pub(super) fn new(document: &Map<String, Value>) -> Option<Self> {
        let live = Part(document.get("Live")?.as_object()?);
        let (origin, dest) = (document.get("Origin")?.as_str()?, document.get("Dest")?.as_str()?);
        let clock = Clock(origin);
        let facts = [
            own(&live),
            live.part("Inbound").and_then(|inbound| aeroplane(&inbound, &clock)),
            live.part("OriginHour").and_then(|hour| departures(&hour, origin)),
            live.part("DestHour").and_then(|hour| arrivals(&hour, dest)),
            live.part("Record").and_then(|record| self::record(&record)),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        let as_of = live.date("AsOf")?;
        let heading = format!("Known at {} on {}", clock.time(as_of), clock.day(as_of));
        let note = moment(document).is_none().then_some(NOTE);
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

    fn day(&self, at: DateTime<Utc>) -> String {
        let date = self.0.parse().ok().and_then(zone).map_or(at.date_naive(), |zone| to_local(zone, at).0);
        date.format("%-d\u{a0}%B").to_string()
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
    pub(super) fn of(document: &Map<String, Value>) -> Option<Self> {
        let live = Part(document.get("Live")?.as_object()?);
        let delayed = |verb: &str, field: &str| Some(format!("{verb} {}", lateness(live.number(field)?)));
        let (words, is_over) = match live.text("State")? {
            "departed" => (delayed("left", "DepDelay")?, false),
            "arrived" => (delayed("arrived", "ArrDelay")?, true),
            "cancelled" => ("cancelled".to_owned(), true),
            "diverted" => ("goes to another airport".to_owned(), true),
            _ => return None,
        };
        Some(FlightState { words, is_over })
    }
}

fn own(live: &Part<'_>) -> Option<String> {
    let sentence = |verb: &str, delay: f64| format!("The flight has {verb}, {}.", lateness(delay));
    match live.text("State")? {
        "cancelled" => Some("The flight is cancelled.".to_owned()),
        "diverted" => Some("The flight goes to another airport.".to_owned()),
        "arrived" => Some(sentence("arrived", live.number("ArrDelay")?)),
        "departed" => Some(sentence("left", live.number("DepDelay")?)),
        _ => None,
    }
}

fn aeroplane(inbound: &Part<'_>, clock: &Clock<'_>) -> Option<String> {
    let flight = format!("{} {}", inbound.text("Carrier")?, inbound.text("FlightNum")?);
    let flight = format!("{flight} from {}", inbound.text("Origin")?);
    let usually = if inbound.text("Link") == Some("habit") { "usually " } else { "" };
    let coming = format!("The aeroplane {usually}comes as {flight}");
    let time = |field: &str| inbound.date(field).map(|at| clock.time(at));
    let sentence = match inbound.text("State")? {
        "cancelled" => return Some(format!("{coming}, which is cancelled.")),
        "diverted" => return Some(format!("{coming}, which goes to another airport.")),
        "arrived" => {
            format!("{coming}, which has arrived at {}, {}", time("Expected")?, lateness(inbound.number("Delay")?))
        }
        "departed" => {
            format!(
                "{coming}, which is on its way: due at {}, {}",
                time("Expected")?,
                lateness(inbound.number("Delay")?)
            )
        }
        _ => format!("{coming}, which has not left yet and is due at {}", time("Expected")?),
    };
    let ground = match inbound.number("GroundMinutes") {
        Some(minutes) if minutes >= 0.0 => {
            let least = inbound.number("LeastGroundMinutes").filter(|least| *least > minutes);
            let least =
                least.map(|least| format!(", and the airline usually takes at least {}", minutes_in_words(least)));
            format!("; that leaves {} on the ground{}", minutes_in_words(minutes), least.unwrap_or_default())
        }
        Some(minutes) => format!("; that is {} after the departure is due", minutes_in_words(-minutes)),
        None => String::new(),
    };
    Some(format!("{sentence}{ground}."))
}

fn departures(hour: &Part<'_>, airport: &str) -> Option<String> {
    let mut sentence = match hour.count("Departures") {
        Some(count) => {
            let mean = hour.number("MeanDelay")?;
            format!("In the hour before, {} left {airport}, {}", flights(count), lateness_on_average(mean))
        }
        None => {
            hour.count("Cancelled").or_else(|| hour.count("Overdue"))?;
            format!("In the hour before, no flight left {airport}")
        }
    };
    if let Some(count) = hour.count("Cancelled") {
        sentence += &format!("; {count} {} cancelled", if count == 1.0 { "was" } else { "were" });
    }
    if let Some(count) = hour.count("Overdue") {
        sentence += &format!("; {count} should have left and {} not", if count == 1.0 { "has" } else { "have" });
    }
    Some(sentence + ".")
}

fn arrivals(hour: &Part<'_>, airport: &str) -> Option<String> {
    let (count, mean) = (hour.count("Arrivals")?, hour.number("MeanDelay")?);
    Some(format!("{} arrived at {airport}, {}.", flights(count), lateness_on_average(mean)))
}

fn record(record: &Part<'_>) -> Option<String> {
    let (count, mean) = (record.count("Arrivals")?, record.number("MeanDelay")?);
    let days = if count == 1.0 { "On its last day".to_owned() } else { format!("On its last {count} days") };
    Some(format!("{days} this flight arrived {}.", lateness_on_average(mean)))
}

fn flights(count: f64) -> String {
    format!("{count} flight{}", if count == 1.0 { "" } else { "s" })
}

pub(super) fn lateness(minutes: f64) -> String {
    match minutes {
        0.0 => "on time".to_owned(),
        ..0.0 => format!("{} early", minutes_in_words(-minutes)),
        _ => format!("{} late", minutes_in_words(minutes)),
    }
}

fn lateness_on_average(minutes: f64) -> String {
    if minutes.abs() < ON_TIME_MINUTES {
        return "on time on average".to_owned();
    }
    format!("{} on average", lateness(minutes.round()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(live: Value) -> Vec<String> {
        let document = json!({ "Origin": "ORD", "Dest": "LGA", "Live": live });
        LiveView::new(document.as_object().unwrap()).map(|view| view.facts).unwrap_or_default()
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
        let view = LiveView::new(document.as_object().unwrap()).unwrap();
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
        assert!(LiveView::new(json!({ "Origin": "ORD", "Dest": "LGA" }).as_object().unwrap()).is_none());
        for live in [json!({}), json!(5), json!({"AsOf": "now", "State": "cancelled"}), json!({"OriginHour": []})] {
            assert_eq!(facts(live), Vec::<String>::new());
        }
    }
}
