//! An answer's explanation in sentences.
//!
//! They explain the probability of the answer's [`Statement`]. Each sentence adds one factor's contribution, the
//! largest first, and starts at the probability that the sentence before ended at. A document without a valid
//! explanation (another scorer's, or an older answer) has no sentences.

use delaycast::{airports::Airports, explanation::Factor, live::Moment};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    live::{lateness, moment},
    statement::Statement,
    words::{airline_name, numbers_by_class},
};
use crate::{
    texts::{Texts, say},
    units::distance,
};

/// Upper bound on named factors; the others are summed up.
const NAMED_MAX: usize = 3;
/// Contributions below this one are not named.
const NAMED_MIN: f64 = 0.01;

/// The explanation.
#[derive(Debug, Serialize)]
pub(super) struct ExplanationView {
    /// The base rate.
    pub(super) base: String,
    /// The contribution of each factor, the largest first.
    pub(super) reasons: Vec<String>,
}

impl ExplanationView {
    /// Reads an answer's document.
    pub(super) fn new(document: &Map<String, Value>, airports: &Airports, texts: Texts) -> Option<Self> {
        let shares = |field: &str| {
            let numbers = numbers_by_class(document.get(field)?)?;
            numbers.iter().all(|share| (0.0..=1.0).contains(share)).then_some(numbers)
        };
        let (base, chance) = (shares("BaseRate")?, shares("Probabilities")?);
        let statement = Statement::of(&chance);
        let (base, chance) = (statement.probability(&base), statement.probability(&chance));
        let mut moves = Vec::new();
        for (name, change) in document.get("Contributions")?.as_object()? {
            let change = numbers_by_class(change).filter(|changes| changes.iter().all(|it| it.abs() <= 1.0))?;
            let change = statement.change(&change);
            // Unknown factors, of later scorers, are summed up with the rest.
            moves.extend(Factor::of_name(name).map(|factor| (factor, change)));
        }
        moves.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
        let mut reasons = Vec::new();
        let mut at = base;
        for (factor, change) in moves {
            if reasons.len() < NAMED_MAX
                && change.abs() >= NAMED_MIN
                && let Some(sentence) = sentence(&subject(factor, document, airports, texts), at, at + change, texts)
            {
                reasons.push(sentence);
                at += change;
            }
        }
        reasons.extend(sentence(&say!(texts, "why-others"), at, chance, texts));
        let share = shown(base, texts);
        let base = match (moment(document), statement) {
            (Some(Moment::Overdue), Statement::Soon) => say!(texts, "why-overdue-soon", share = share),
            (Some(Moment::Overdue), Statement::Late) => say!(texts, "why-overdue-late", share = share),
            (_, Statement::Soon) => say!(texts, "why-base-soon", share = share),
            (_, Statement::Late) => say!(texts, "why-base-late", share = share),
        };
        Some(ExplanationView { base, reasons })
    }
}

/// Clamps: partial sums of contributions may leave the range of a probability.
fn shown(chance: f64, texts: Texts) -> String {
    texts.percent(chance.clamp(0.0, 1.0) * 100.0)
}

/// Returns the sentence, unless the change is too small to show.
fn sentence(subject: &str, from: f64, to: f64, texts: Texts) -> Option<String> {
    let is_raised = to > from;
    let (from, to) = (shown(from, texts), shown(to, texts));
    (from != to).then(|| match is_raised {
        true => say!(texts, "why-raises", subject = subject, from = from, to = to),
        false => say!(texts, "why-lowers", subject = subject, from = from, to = to),
    })
}

/// Returns a factor with its value, as the beginning of a sentence.
fn subject(factor: Factor, document: &Map<String, Value>, airports: &Airports, texts: Texts) -> String {
    let text = |field: &str| document.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let number = |field: &str| document.get(field).and_then(Value::as_f64);
    let (origin, dest) = (text("Origin"), text("Dest"));
    let known = match factor {
        Factor::DepDelay => {
            let event = || document.get("Live")?.get("DepDelay")?.as_f64();
            number("DepDelay").or_else(event).map(|minutes| departure(minutes, texts))
        }
        Factor::Inbound => aeroplane(document, texts),
        Factor::OriginNow => origin.map(|airport| say!(texts, "why-airport-now", airport = airport)),
        Factor::DestNow => dest.map(|airport| say!(texts, "why-airport-now", airport = airport)),
        Factor::Weather => origin.map(|airport| say!(texts, "why-weather-at", airport = airport)),
        Factor::Carrier => {
            let name = text("Carrier").map(|code| airline_name(code, airports).unwrap_or(code));
            name.map(|airline| say!(texts, "why-carrier-name", airline = airline))
        }
        Factor::FlightNum => text("FlightNum").map(|number| say!(texts, "why-number-is", number = number)),
        Factor::Route => {
            origin.zip(dest).map(|(origin, dest)| say!(texts, "why-route-is", origin = origin, dest = dest))
        }
        Factor::Origin => origin.map(|airport| say!(texts, "why-origin-is", airport = airport)),
        Factor::Dest => dest.map(|airport| say!(texts, "why-dest-is", airport = airport)),
        Factor::Distance => {
            number("Distance").map(|miles| say!(texts, "why-distance-is", distance = distance(miles, texts)))
        }
        Factor::DayOfWeek => {
            let day = number("DayOfWeek").filter(|day| (1.0..=7.0).contains(day));
            day.map(|weekday| say!(texts, "why-weekday-is", weekday = weekday))
        }
        Factor::CarrierNow | Factor::Record | Factor::AsOf | Factor::Schedule | Factor::FlightDate => None,
    };
    known.unwrap_or_else(|| name(factor, texts))
}

/// Returns a factor whose value is not known, as the beginning of a sentence.
fn name(factor: Factor, texts: Texts) -> String {
    match factor {
        Factor::DepDelay => say!(texts, "why-delay"),
        Factor::Inbound => say!(texts, "why-inbound"),
        Factor::OriginNow => say!(texts, "why-origin-now"),
        Factor::DestNow => say!(texts, "why-dest-now"),
        Factor::CarrierNow => say!(texts, "why-carriers-now"),
        Factor::Record => say!(texts, "why-record"),
        Factor::AsOf => say!(texts, "why-as-of"),
        Factor::Schedule => say!(texts, "why-schedule"),
        Factor::Weather => say!(texts, "why-weather"),
        Factor::Carrier => say!(texts, "why-carrier"),
        Factor::FlightNum => say!(texts, "why-number"),
        Factor::Route => say!(texts, "why-route"),
        Factor::Origin => say!(texts, "why-origin"),
        Factor::Dest => say!(texts, "why-dest"),
        Factor::Distance => say!(texts, "why-distance"),
        Factor::DayOfWeek => say!(texts, "why-weekday"),
        Factor::FlightDate => say!(texts, "why-season"),
    }
}

/// Returns when the aeroplane comes, and what that leaves until the departure.
fn aeroplane(document: &Map<String, Value>, texts: Texts) -> Option<String> {
    let inbound = document.get("Live")?.get("Inbound")?;
    let number = |field: &str| inbound.get(field)?.as_f64();
    let (lateness, ground) = (lateness(number("Delay")?, texts), number("GroundMinutes")?);
    Some(if ground < 0.0 {
        say!(texts, "why-inbound-late", lateness = lateness)
    } else {
        say!(texts, "why-inbound-ground", lateness = lateness, minutes = texts.minutes(ground))
    })
}

fn departure(minutes: f64, texts: Texts) -> String {
    match minutes {
        0.0 => say!(texts, "why-delay-none"),
        ..0.0 => say!(texts, "why-delay-early", minutes = texts.minutes(-minutes)),
        _ => say!(texts, "why-delay-late", minutes = texts.minutes(minutes)),
    }
}

#[cfg(test)]
mod tests {
    use delaycast::{
        explanation::{Change, Explanation},
        flight::Probabilities,
    };
    use serde_json::json;

    use super::*;
    use crate::texts::Language;

    /// The document of a flight with these contributions to the last class, whose base rate is 13 percent.
    fn document(factors: &[(Factor, f32)]) -> Value {
        let base_rate: Probabilities = [0.2, 0.4, 0.27, 0.13];
        let changes: Vec<Change> = factors.iter().map(|(_, change)| [0.0, -change, 0.0, *change]).collect();
        let names: Vec<Factor> = factors.iter().map(|(factor, _)| *factor).collect();
        let explanation = Explanation::new(base_rate, &names, &changes.concat());
        let chance = 0.13 + factors.iter().map(|(_, change)| change).sum::<f32>();
        let mut document = engine::document::to_json(&explanation.to_fields().into());
        document.extend([("Probabilities".to_owned(), json!([0.2, 0.0, 0.27, chance]))]);
        Value::Object(document)
    }

    fn with(mut document: Value, fields: Value) -> Value {
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        document
    }

    fn explained(document: &Value) -> Option<ExplanationView> {
        ExplanationView::new(document.as_object().unwrap(), &Airports::default(), Texts::of(Language::English))
    }

    #[test]
    fn the_largest_contribution_comes_first_and_each_sentence_starts_where_the_one_before_ended() {
        let document = document(&[(Factor::Carrier, -0.031), (Factor::DepDelay, 0.45), (Factor::DayOfWeek, 0.012)]);
        let view = explained(&with(document, json!({ "DepDelay": 41.0, "Carrier": "B6", "DayOfWeek": 5 }))).unwrap();
        assert_eq!(view.base, "Of all flights, 13\u{a0}% land 30 minutes late or more.");
        assert_eq!(
            view.reasons,
            [
                "The departure delay of 41 minutes raises the chance from 13\u{a0}% to 58\u{a0}%.",
                "Flying with B6 lowers the chance from 58\u{a0}% to 55\u{a0}%.",
                "Flying on a Friday raises the chance from 55\u{a0}% to 56\u{a0}%.",
            ]
        );
    }

    #[test]
    fn there_are_at_most_four_sentences_and_the_last_ends_at_the_answers_probability() {
        let factors = [
            (Factor::DepDelay, 0.3),
            (Factor::Route, -0.1),
            (Factor::Carrier, 0.08),
            (Factor::Dest, 0.07),
            (Factor::Distance, 0.06),
            (Factor::Origin, 0.05),
        ];
        let mut document = document(&factors);
        let contributions = document["Contributions"].as_object_mut().unwrap();
        assert!(contributions.contains_key("Other"));
        contributions.insert("Moon".to_owned(), json!([0.0, 0.0, 0.0, 0.0]));
        let ExplanationView { reasons, .. } = explained(&document).unwrap();
        assert_eq!(reasons.len(), NAMED_MAX + 1);
        assert_eq!(reasons[2], "The airline raises the chance from 33\u{a0}% to 41\u{a0}%.");
        assert_eq!(reasons[3], "Everything else raises the chance from 41\u{a0}% to 59\u{a0}%.");
    }

    #[test]
    fn what_events_say_has_sentences() {
        let document = document(&[(Factor::Inbound, 0.4), (Factor::OriginNow, 0.1), (Factor::DepDelay, -0.05)]);
        let live = |delay: i32, ground: i32| {
            let inbound = json!({ "Delay": delay, "GroundMinutes": ground });
            let live = json!({ "Origin": "ORD", "Live": { "DepDelay": -4, "Inbound": inbound } });
            explained(&with(document.clone(), live)).unwrap().reasons
        };
        assert_eq!(
            live(48, 35),
            [
                "That the aeroplane comes 48 minutes late and has 35 minutes on the ground raises the chance from \
                 13\u{a0}% to 53\u{a0}%.",
                "What happens at ORD now raises the chance from 53\u{a0}% to 63\u{a0}%.",
                "Leaving 4 minutes early lowers the chance from 63\u{a0}% to 58\u{a0}%.",
            ]
        );
        assert!(
            live(9, -7)[0].starts_with("That the aeroplane comes 9 minutes late, after the departure is due, raises")
        );
    }

    #[test]
    fn contributions_below_one_percent_have_no_sentence() {
        let view = explained(&document(&[(Factor::DepDelay, 0.004), (Factor::Route, -0.003)])).unwrap();
        assert!(view.reasons.is_empty(), "{view:?}");
    }

    #[test]
    fn the_statement_of_the_headline_is_explained() {
        let document = json!({
            "BaseRate": [0.28, 0.3, 0.26, 0.16], "Probabilities": [0.2, 0.29, 0.28, 0.23],
            "Contributions": { "Carrier": [-0.08, -0.01, 0.02, 0.07] },
        });
        let ExplanationView { base, reasons } = explained(&document).unwrap();
        assert_eq!(base, "Of all flights, 84\u{a0}% land less than 30 minutes late.");
        assert_eq!(reasons, ["The airline lowers the chance from 84\u{a0}% to 77\u{a0}%."]);
    }

    #[test]
    fn a_shown_probability_stays_between_0_and_100_percent() {
        let view = explained(&document(&[(Factor::DepDelay, 0.9), (Factor::Route, -0.2)])).unwrap();
        assert_eq!(view.reasons[0], "The departure delay raises the chance from 13\u{a0}% to 100\u{a0}%.");
        assert_eq!(view.reasons[1], "The route lowers the chance from 100\u{a0}% to 83\u{a0}%.");
    }

    #[test]
    fn every_factor_has_a_subject_with_and_without_its_value() {
        let flight = json!({
            "DepDelay": -3.0, "Carrier": "AA", "FlightNum": "17", "Origin": "JFK", "Dest": "SFO", "Distance": 2586.0,
            "DayOfWeek": 7,
        });
        let expected = [
            ("Leaving 3 minutes early", "The departure delay"),
            ("The aeroplane's way to the airport", "The aeroplane's way to the airport"),
            ("What happens at JFK now", "What happens at the airport now"),
            ("What happens at SFO now", "What happens at the destination now"),
            ("How the airlines do now", "How the airlines do now"),
            ("The flight's record of the last days", "The flight's record of the last days"),
            ("The time until departure", "The time until departure"),
            ("The schedule", "The schedule"),
            ("The weather at JFK", "The weather"),
            ("Flying with AA", "The airline"),
            ("Flight number 17", "The flight number"),
            ("The route from JFK to SFO", "The route"),
            ("Departing from JFK", "The airport of departure"),
            ("Arriving at SFO", "The airport of arrival"),
            ("The distance of 2,586\u{a0}miles", "The distance"),
            ("Flying on a Sunday", "The day of the week"),
            ("The time of the year", "The time of the year"),
        ];
        let texts = Texts::of(Language::English);
        let phrase =
            |factor, document: &Value| subject(factor, document.as_object().unwrap(), &Airports::default(), texts);
        assert_eq!(Factor::ALL.len(), expected.len());
        for (factor, (with_value, without)) in Factor::ALL.into_iter().zip(expected) {
            assert_eq!(phrase(factor, &flight), with_value);
            assert_eq!(phrase(factor, &json!({ "DayOfWeek": 0, "FlightNum": null, "Carrier": "" })), without);
        }
        assert_eq!(departure(0.0, texts), "Leaving on time");
    }

    #[test]
    fn an_invalid_explanation_has_no_sentences() {
        let valid = document(&[(Factor::DepDelay, 0.45)]);
        assert!(explained(&valid).is_some());
        for broken in [
            json!({ "BaseRate": null }),
            json!({ "BaseRate": [0.5, 0.5] }),
            json!({ "BaseRate": [0.0, 0.0, 0.0, 7.0] }),
            json!({ "Contributions": null }),
            json!({ "Contributions": [1, 2] }),
            json!({ "Contributions": { "DepDelay": "much" } }),
            json!({ "Contributions": { "DepDelay": [0.0, 0.0, 0.0, 1e9] } }),
            json!({ "Probabilities": "x" }),
        ] {
            assert!(explained(&with(valid.clone(), broken.clone())).is_none(), "{broken}");
        }
    }
}
