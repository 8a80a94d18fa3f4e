//! An answer's document as text and bars.
//!
//! The document may come from another scorer, which knows only the fields of the wire contract: all others may be
//! missing, and then that part of the answer is not shown.

use delaycast::{
    airports::Airports,
    features::Remark,
    flight::{CLASSES, DelayClass},
    request::Field,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    delay::{cancellation_in_words, delay_in_words},
    explanation::ExplanationView,
    headline::{AirportView, AskedFlight, Headline, asked, class, flight_date, probabilities, time_of_day},
    live::LiveView,
    map::MapView,
    words::{capitalized, class_name},
};
use crate::{
    flight_form::FlightForm,
    texts::{Language, Texts, say},
};

/// An answer.
#[derive(Debug, Serialize)]
pub(crate) struct AnswerView {
    /// The statement with its probability; without one, the most probable class.
    pub(super) headline: String,
    /// `American Airlines Inc. 123`, or the code.
    airline: String,
    origin: AirportView,
    dest: AirportView,
    /// `Sunday, 25 December 2016`.
    date: Option<String>,
    /// `Scheduled from 19:45 to 21:04, local times`.
    schedule: Option<String>,
    /// The departure delay in words.
    departure: String,
    /// The forecast of the arrival delay in words, if there is one.
    delay: Option<String>,
    /// The chance of a cancellation in words, if it is worth a sentence.
    cancellation: Option<String>,
    /// One bar for each class; empty without probabilities.
    bars: Vec<BarView>,
    /// `None` if a position is not known.
    map: Option<MapView>,
    /// `None` if the document has no valid explanation.
    why: Option<ExplanationView>,
    /// `None` if the answer rests on no events.
    live: Option<LiveView>,
    model: Option<String>,
    remark: Option<String>,
    /// The request as a form.
    #[serde(skip)]
    pub(super) asked: FlightForm,
}

/// One class's segment of the bar.
#[derive(Debug, Serialize)]
struct BarView {
    class: usize,
    label: String,
    /// Start and width, in percent of the whole bar.
    x: String,
    width: String,
    percent: String,
    likely: bool,
}

impl AnswerView {
    /// Reads an answer's document; fields may be missing.
    pub(crate) fn new(document: &Map<String, Value>, airports: &Airports, texts: Texts) -> Self {
        let text = |field: &str| document.get(field).and_then(Value::as_str).map(str::to_owned);
        let asked = asked(document);
        let class = class(document);
        let Headline { text: headline, is_over } = Headline::of(document, texts);
        // Of a flight that is over there is nothing to forecast.
        let is_open = !is_over;
        let AskedFlight { airline, origin, dest } = AskedFlight::of(&asked, airports);
        AnswerView {
            headline,
            airline,
            origin,
            dest,
            date: flight_date(document).map(|date| texts.long_day(date)),
            schedule: schedule(document, texts),
            departure: departure(departure_delay(document), texts),
            delay: delay_in_words(document, texts).filter(|_| is_open),
            cancellation: cancellation_in_words(document, texts).filter(|_| is_open),
            bars: probabilities(document).filter(|_| is_open).map(|it| bars(it, class, texts)).unwrap_or_default(),
            map: MapView::new(document, airports, texts),
            why: class.filter(|_| is_open).and_then(|_| ExplanationView::new(document, airports, texts)),
            live: LiveView::new(document, texts).map(|live| LiveView { note: live.note.filter(|_| is_open), ..live }),
            model: text("ModelVersion"),
            remark: text("Remark").and_then(|remarks| remark(&remarks, texts)).filter(|_| is_open),
            asked,
        }
    }
}

fn schedule(document: &Map<String, Value>, texts: Texts) -> Option<String> {
    let time = |field: Field| time_of_day(document.get(field.name())?);
    let (departs, arrives) = (time(Field::CrsDepTime)?, time(Field::CrsArrTime)?);
    Some(say!(texts, "scheduled", departs = departs, arrives = arrives))
}

/// The remarks but the one that there was no departure delay, which is so of each flight that has not left. Those of
/// other scorers stay as they are.
fn remark(remarks: &str, texts: Texts) -> Option<String> {
    let known = [
        (Remark::UnseenCarrier, say!(texts, "remark-carrier")),
        (Remark::UnseenOrigin, say!(texts, "remark-origin")),
        (Remark::UnseenDest, say!(texts, "remark-dest")),
        (Remark::UnknownDistance, say!(texts, "remark-distance")),
    ];
    let told = remarks.split("; ").filter(|remark| *remark != Remark::NoDepDelay.text());
    let said = |remark: &str| {
        let known = known.iter().find(|(known, _)| known.text() == remark);
        known.map_or_else(|| remark.to_owned(), |(_, said)| said.clone())
    };
    let told: Vec<String> = told.map(said).collect();
    let told = Some(told.join("; ")).filter(|told| !told.is_empty())?;
    Some(say!(texts, "less-sure", remark = told))
}

/// Formats an answer's document as plain text, in the words of the English page.
pub fn answer_in_words(document: &Map<String, Value>, airports: &Airports) -> String {
    AnswerView::new(document, airports, Texts::of(Language::English)).to_text()
}

impl AnswerView {
    fn to_text(&self) -> String {
        let flight = [
            Some(self.airline.as_str()),
            self.date.as_deref(),
            self.schedule.as_deref(),
            Some(self.departure.as_str()),
        ];
        let flight: Vec<&str> = flight.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let mut lines = vec![
            self.headline.clone(),
            String::new(),
            format!("{} to {}", self.origin.to_text(), self.dest.to_text()),
            flight.join("; "),
        ];
        lines.extend([&self.delay, &self.cancellation].into_iter().flatten().cloned());
        lines.extend(self.remark.clone());
        lines.extend((!self.bars.is_empty()).then(String::new));
        lines.extend(
            self.bars
                .iter()
                .map(|bar| format!("{} {:>5}  {}", if bar.likely { '>' } else { ' ' }, bar.percent, bar.label)),
        );
        if let Some(why) = &self.why {
            lines.extend([String::new(), format!("Why: {}", why.base)]);
            lines.extend(why.reasons.iter().map(|reason| format!("  {reason}")));
        }
        if let Some(live) = &self.live {
            lines.extend([String::new(), format!("{}:", live.heading)]);
            lines.extend(live.facts.iter().map(|fact| format!("  {fact}")));
            lines.extend(live.note.clone());
        }
        lines.extend(self.model.iter().flat_map(|model| [String::new(), format!("Model {model}")]));
        lines.join("\n").replace('\u{a0}', " ")
    }
}

fn bars(shares: [f64; CLASSES], likely: Option<DelayClass>, texts: Texts) -> Vec<BarView> {
    let mut x = 0.0;
    let bar = |class: DelayClass| {
        let share = shares[class.index()] * 100.0;
        let start = x;
        x += share;
        BarView {
            class: class.index(),
            label: capitalized(&class_name(class, texts)),
            x: format!("{start:.2}%"),
            width: format!("{share:.2}%"),
            percent: texts.percent(share),
            likely: likely == Some(class),
        }
    };
    DelayClass::ALL.into_iter().map(bar).collect()
}

/// The delay that was asked with; else that of the flight itself, if it is known to have left.
fn departure_delay(document: &Map<String, Value>) -> Option<f64> {
    let of = |fields: &Value| fields.get(Field::DepDelay.name())?.as_f64();
    document.get(Field::DepDelay.name()).and_then(Value::as_f64).or_else(|| of(document.get("Live")?))
}

fn departure(minutes: Option<f64>, texts: Texts) -> String {
    match minutes {
        None => say!(texts, "before-departure"),
        Some(0.0) => say!(texts, "left-on-time"),
        Some(minutes @ ..0.0) => say!(texts, "left-early", minutes = texts.minutes(-minutes)),
        Some(minutes) => say!(texts, "left-late", minutes = texts.minutes(minutes)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn view(document: Value) -> AnswerView {
        AnswerView::new(document.as_object().unwrap(), &Airports::default(), Texts::of(Language::English))
    }

    #[test]
    fn an_old_scorers_answer_is_shown_without_the_fields_that_it_lacks() {
        let answer = view(json!({
            "Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "DepDelay": 5.0, "Prediction": 2.0,
            "FlightDate": {"$date": "2016-12-25T00:00:00Z"},
        }));
        assert_eq!(answer.headline, "Most likely on time to 30\u{a0}minutes late");
        assert_eq!((answer.departure.as_str(), answer.airline.as_str()), ("Left 5 minutes late", "AA"));
        assert_eq!(answer.date.unwrap(), "Sunday, 25 December 2016");
        assert_eq!(answer.asked.text(Field::DepDelay), "5");
        assert!(answer.bars.is_empty() && answer.model.is_none() && answer.remark.is_none() && answer.why.is_none());
    }

    #[test]
    fn an_answer_is_rendered_in_plain_text() {
        let document = json!({
            "Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "DepDelay": 5.0, "Prediction": 2.0, "ModelVersion": "m1",
            "FlightDate": {"$date": "2016-12-25T00:00:00Z"}, "Probabilities": [0.004, 0.096, 0.8, 0.1],
            "Remark": "asked without a departure delay; a remark", "CRSDepTime": 5, "CRSArrTime": 1320,
            "ArrDelay": {"Mean": 7, "P10": -11, "P50": 5, "P90": 29, "Late15": 0.25, "Late30": 0.1, "Late60": 0.02}, "Cancelled": 0.03,
            "BaseRate": [0.2, 0.3, 0.3, 0.2], "Contributions": {"DepDelay": [-0.196, -0.204, 0.5, -0.1]},
        });
        let expected = "\
90 %: less than 30 minutes late

ATL to SFO
AA; Sunday, 25 December 2016; scheduled from 00:05 to 13:20, local times; Left 5 minutes late
Expect 5 minutes late: eight of ten such flights arrive between 11 minutes early and 29 minutes late. \
25 % are 15 minutes late or more, 2 % an hour or more.
3 % of such flights are cancelled.
Less sure than usual: a remark.

   <1 %  More than 15 minutes early
   10 %  Up to 15 minutes early
>  80 %  On time to 30 minutes late
   10 %  30 minutes late or more

Why: Of all flights, 80 % land less than 30 minutes late.
  The departure delay of 5 minutes raises the chance from 80 % to 90 %.

Model m1";
        assert_eq!(answer_in_words(document.as_object().unwrap(), &Airports::default()), expected);
        let of_another_scorer = json!({ "Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "Prediction": 2.0 });
        let expected = "Most likely on time to 30 minutes late\n\nATL to SFO\nAA; Before departure";
        assert_eq!(answer_in_words(of_another_scorer.as_object().unwrap(), &Airports::default()), expected);
    }

    #[test]
    fn a_flight_that_has_not_left_is_no_reason_to_be_less_sure() {
        let texts = Texts::of(Language::English);
        assert_eq!(remark(Remark::NoDepDelay.text(), texts), None);
        assert_eq!(remark("a; b", texts).as_deref(), Some("Less sure than usual: a; b."));
        for remark in [Remark::UnseenCarrier, Remark::UnseenOrigin, Remark::UnseenDest, Remark::UnknownDistance] {
            let said = super::remark(remark.text(), texts).unwrap();
            assert_eq!(said, format!("Less sure than usual: {}.", remark.text()), "the words of the engine");
            assert_ne!(super::remark(remark.text(), Texts::of(Language::Spanish)).unwrap(), said);
        }
    }

    #[test]
    fn bars_stand_side_by_side_and_fill_the_whole() {
        let answer = view(json!({ "Prediction": 1.0, "Probabilities": [0.004, 0.496, 0.25, 0.25] }));
        let bars: Vec<_> =
            answer.bars.iter().map(|bar| (bar.x.as_str(), bar.width.as_str(), bar.percent.as_str())).collect();
        assert_eq!(
            bars,
            [
                ("0.00%", "0.40%", "<1\u{a0}%"),
                ("0.40%", "49.60%", "50\u{a0}%"),
                ("50.00%", "25.00%", "25\u{a0}%"),
                ("75.00%", "25.00%", "25\u{a0}%")
            ]
        );
        assert_eq!(answer.bars.iter().position(|bar| bar.likely), Some(1));
    }

    #[test]
    fn an_invalid_document_is_not_shown_as_an_answer() {
        for document in [json!({}), json!({ "Prediction": 7.0 }), json!({ "Prediction": "2" })] {
            assert!(view(document).headline.contains("none that we know"));
        }
        for shares in [json!([0.5, 0.5]), json!([2.0, 0.0, 0.0, 0.0]), json!("x")] {
            assert!(view(json!({ "Prediction": 1.0, "Probabilities": shares })).bars.is_empty());
        }
    }
}
