//! Flights as a domain of the engine.

use std::borrow::Cow;

use engine::{
    document::{Document, Value},
    domain::{
        BatchCollections, Collections, Dimension, Domain, EventTopic, Field, Follow, FollowedCollections, Reference,
    },
    live::{EventTime, Live},
    request::{Malformed, RequestId},
};

use crate::{
    answer::{self, Score},
    flight::{Code, DelayClass},
    follow,
    live::{self, Event, EventField, LegId, Timeline},
    observe::observe,
    request::{self, MESSAGE_BYTES_MAX, Request},
};

/// The domain of flights: a request names a flight, and a score is the probability of each delay class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flights;

/// A scored request, ready for the store.
pub type Answer = engine::domain::Answer<Flights>;
/// The answer of a shadow to a request that another model answers.
pub type ShadowAnswer = engine::shadow::ShadowAnswer<Flights>;

/// The labels that stored answers are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels {
    /// The most probable class.
    pub class: DelayClass,
    /// The airline.
    pub carrier: Code,
    /// The airport of departure.
    pub origin: Code,
}

impl Flights {
    /// The dimension of [`Labels::class`].
    pub const CLASS: usize = 0;
    /// The dimension of [`Labels::carrier`].
    pub const CARRIER: usize = 1;
    /// The dimension of [`Labels::origin`].
    pub const ORIGIN: usize = 2;
}

impl Domain for Flights {
    type Request = Request;
    type Score = Score;
    type Labels = Labels;

    const MESSAGE_BYTES_MAX: usize = MESSAGE_BYTES_MAX;
    /// Dead letters of earlier versions can name `Timestamp`.
    const FIELDS: &'static [&'static str] = request::Field::NAMES;
    const TOPIC: &'static str = "flight_delay_classification_request";
    const EVENTS: Option<EventTopic> =
        Some(EventTopic { topic: "flight_events", retention: live::RETENTION, fields: EventField::NAMES });
    const FOLLOW: Option<&'static dyn Follow<Self>> = Some(&FollowFlights);
    const COLLECTIONS: Collections = Collections {
        database: "agile_data_science",
        answers: "flight_delay_classification_response",
        rejections: "flight_delay_classification_rejection",
        shadows: "flight_delay_classification_shadow",
        followed: Some(FollowedCollections {
            versions: "flight_delay_classification_version",
            requests: "flight_delay_classification_followed",
        }),
        batch: Some(BatchCollections { tasks: "prediction_tasks", results: "prediction_results", stamp: "Timestamp" }),
        reference: Some(Reference {
            collection: "origin_dest_distances",
            name: "route table",
            key: &["Origin", "Dest"],
            value: "Distance",
        }),
    };
    const DIMENSIONS: &'static [Dimension] = &[
        Dimension { field: "Prediction", is_open: false },
        Dimension { field: "Carrier", is_open: true },
        Dimension { field: "Origin", is_open: true },
    ];

    fn decode(message: &[u8]) -> Result<Request, Malformed> {
        request::decode(message)
    }

    fn id(request: &Request) -> &RequestId {
        &request.id
    }

    fn document(answer: &Answer) -> Document<'_> {
        let Answer { request, score, model, scored_at } = answer;
        answer::document(request, score, model, *scored_at)
    }

    fn labels(fields: &[Field<'_>]) -> Option<Labels> {
        let [prediction, carrier, origin] = fields else { return None };
        Some(Labels {
            class: DelayClass::of_wire_value(prediction.number()?)?,
            carrier: carrier.text()?.parse().ok()?,
            origin: origin.text()?.parse().ok()?,
        })
    }

    fn label(labels: &Labels, dimension: usize) -> Cow<'_, str> {
        Cow::Borrowed(match dimension {
            Self::CLASS => labels.class.label(),
            Self::CARRIER => labels.carrier.as_str(),
            _ => labels.origin.as_str(),
        })
    }

    fn agrees(one: &Score, other: &Score) -> bool {
        one.class == other.class
    }

    /// The sum of the absolute differences of the probabilities, 0 to 2.
    fn change(one: &Score, other: &Score) -> f64 {
        let pairs = one.probabilities.iter().zip(&other.probabilities);
        pairs.map(|(p, q)| f64::from((p - q).abs())).sum()
    }

    fn compared(answered: &Score) -> Document<'_> {
        let Score { probabilities, class, .. } = answered;
        vec![
            ("CurrentPrediction", Value::Double(class.wire_value())),
            ("CurrentProbabilities", Value::Doubles(probabilities.iter().map(|&p| f64::from(p)).collect())),
        ]
    }
}

impl Live for Flights {
    type Subject = LegId;
    type Event = Event;
    type State = live::State;

    const EVENT_BYTES_MAX: usize = live::EVENT_BYTES_MAX;

    fn decode_event(message: &[u8]) -> Result<(LegId, Event), Malformed> {
        live::decode(message)
    }

    fn known_at(event: &Event) -> EventTime {
        event.at
    }

    fn kept_until(leg: &LegId) -> EventTime {
        leg.kept_until()
    }

    fn set(state: &mut live::State, leg: LegId, events: Vec<Event>) {
        state.set(leg, Timeline::new(events));
    }

    fn observe(state: &live::State, request: &mut Request, read_at: EventTime) {
        request.known = observe(state, request, read_at);
    }
}

/// Follows flights by the rules of [`crate::follow`].
struct FollowFlights;

impl Follow<Flights> for FollowFlights {
    fn is_wanted(&self, request: &Request) -> bool {
        request.follow
    }

    fn moment(&self, request: &Request, read_at: EventTime) -> EventTime {
        follow::moment(request, read_at)
    }

    fn ask_again(&self, request: &mut Request, latest: EventTime, now: EventTime) -> EventTime {
        follow::ask_again(request, latest, now)
    }

    fn told(&self, answer: &Answer) -> Vec<f64> {
        follow::told(&answer.request, &answer.score)
    }

    fn is_news(&self, last: &[f64], now: &[f64]) -> bool {
        follow::is_news(last, now)
    }

    fn is_final(&self, answer: &Answer) -> bool {
        follow::is_final(&answer.request)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use engine::{
        answer::ModelVersion,
        log::{DeadLetterKinds, DeadLetterReason, LetterLog},
        request::MalformedKind,
    };

    use super::*;
    use crate::{features::KnownInputs, request::decode};

    const KINDS: DeadLetterKinds = DeadLetterKinds::of::<Flights>();

    #[test]
    fn kinds_of_dead_letters_keep_their_names_and_their_order() {
        let names = "empty too_long not_utf8 not_json refused_by_store UUID Carrier Origin Dest FlightDate DepDelay Distance \
                     FlightNum CRSDepTime CRSArrTime Weather Timestamp AsOf Follow other";
        assert!(KINDS.names().eq(names.split_whitespace()));
        let names = "empty too_long not_utf8 not_json refused_by_store Event Carrier FlightNum FlightDate Origin Dest TailNum \
                     CRSDepTime CRSArrTime CRSElapsedTime DepDelay ArrDelay At Withdraws other";
        let kinds = DeadLetterKinds::of_log::<Flights>(LetterLog::Events);
        assert!(kinds.names().eq(names.split_whitespace()));
    }

    #[test]
    fn the_kind_of_an_earlier_versions_letter_follows_from_its_reason() {
        for (reason, kind) in [
            ("Carrier: stands twice at line 1 column 31", "not_json"),
            ("the store refuses the answer: Carrier: too long (code 2)", "refused_by_store"),
            ("Carrier: is missing", "Carrier"),
            ("CRSArrTime: must be a local time of day as hhmm, as in 1745", "CRSArrTime"),
            ("Weather.WindSpeed: must be 0 to 260 mph", "Weather"),
            ("Timestamp: must be an ISO time, as in 2026-11-23T13:41:32.246003", "Timestamp"),
            ("somebody's own words: Carrier", "other"),
            ("Carriers: none", "other"),
        ] {
            assert_eq!(KINDS.name_of(&DeadLetterReason::from_stored(None, reason)), kind, "{reason}");
        }
    }

    #[test]
    fn every_unreadable_message_has_a_kind() {
        let whole = r#"{"UUID":"u","Carrier":"AA","Origin":"ATL","Dest":"SFO","FlightDate":"2016-12-25"}"#;
        assert!(decode(whole.as_bytes()).is_ok());
        let field = |field: &str, value: &str| {
            let rest = whole.trim_start_matches('{').replace(&format!("\"{field}\""), "\"Unknown\"");
            format!("{{\"{field}\":{value},{rest}").into_bytes()
        };
        let mut cases = vec![
            ("empty", vec![]),
            ("too_long", vec![b' '; 1 << 17]),
            ("not_utf8", vec![0xff]),
            ("not_json", b"{".to_vec()),
            ("not_json", b"[]".to_vec()),
            ("not_json", br#"{"UUID":"a","UUID":"b"}"#.to_vec()),
            ("Weather", field("Weather", r#"{"Temp": 1000}"#)),
        ];
        // No value of Timestamp is invalid any more.
        let fields = Flights::FIELDS.iter().filter(|name| **name != "Timestamp");
        cases.extend(fields.map(|name| (*name, field(name, "[]"))));
        for (kind, message) in cases {
            let Err(malformed) = decode(&message) else { panic!("{kind} can be read") };
            assert_eq!(KINDS.name_of(&malformed.kind.into()), kind, "{}", malformed.reason);
        }
        assert_eq!(KINDS.name_of(&MalformedKind::Field("new").into()), "other");
    }

    #[test]
    fn a_stored_answer_is_counted_by_class_airline_and_airport() {
        let text = |text: &'static str| Field::Text(Cow::Borrowed(text));
        let labels = Flights::labels(&[Field::Number(2.0), text("AA"), text("ATL")]).unwrap();
        let names: Vec<_> = (0..3).map(|dimension| Flights::label(&labels, dimension)).collect();
        assert_eq!(names, ["on time to 30 minutes late", "AA", "ATL"]);
        for fields in [[Field::Number(4.0), text("AA"), text("ATL")], [Field::Number(2.0), Field::Other, text("ATL")]] {
            assert_eq!(Flights::labels(&fields), None);
        }
    }

    /// A shadow's answer beside that of a model called "current", of the same class or of another.
    fn shadow_answer(agrees: bool) -> ShadowAnswer {
        let message =
            br#"{"DepDelay":5.0,"Carrier":"AA","FlightDate":"2016-12-25","Dest":"SFO","Origin":"ATL","UUID":"a"}"#;
        let score = Score {
            probabilities: [0.125, 0.25, 0.5, 0.125],
            class: DelayClass::SlightlyLate,
            delay: None,
            cancelled: None,
            distance: 2139.0,
            remarks: vec![],
            forest: KnownInputs { dep_delay: true, ..KnownInputs::NONE },
            explanation: None,
            rotation: None,
        };
        let mut answered = score.clone();
        if !agrees {
            answered.probabilities = [0.125, 0.5, 0.25, 0.125];
            answered.class = DelayClass::most_probable(&answered.probabilities);
        }
        let (model, scored_at) = (ModelVersion::new("new"), DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let answer = Answer { request: decode(message).unwrap(), score, model, scored_at };
        ShadowAnswer { answer, current: ModelVersion::new("current"), answered }
    }

    #[test]
    fn two_models_are_compared_by_class_and_by_probabilities() {
        let (same, other) = (shadow_answer(true), shadow_answer(false));
        assert_eq!((same.agrees(), same.change()), (true, 0.0));
        assert_eq!((other.agrees(), other.change()), (false, 0.5));
        let document = other.to_document();
        let field = |name| document.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone());
        assert_eq!(field("ModelVersion"), Some(Value::Text("new".into())));
        assert_eq!(
            (field("Prediction"), field("CurrentPrediction")),
            (Some(Value::Double(2.0)), Some(Value::Double(1.0)))
        );
        assert_eq!((field("Agrees"), field("ProbabilityChange")), (Some(Value::Int32(0)), Some(Value::Double(0.5))));
        let names: Vec<_> = document.iter().rev().take(5).rev().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            ["CurrentModelVersion", "CurrentPrediction", "CurrentProbabilities", "Agrees", "ProbabilityChange"]
        );
    }
}
