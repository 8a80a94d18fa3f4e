//! The answer to a request: a model's score, and the document of the wire contract.

use chrono::{DateTime, NaiveTime, Utc};
use engine::{
    answer::ModelVersion,
    document::{Document, Value},
};

use crate::{
    delay_forecast::DelayForecast,
    explanation::Explanation,
    features::{KnownInputs, Remark},
    flight::{DelayClass, Probabilities, Schedule, time},
    live::Rotation,
    request::Request,
};

/// A model's score of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The probability of each class; they sum to 1.
    pub probabilities: Probabilities,
    /// The most probable class.
    pub class: DelayClass,
    /// The forecast of the arrival delay in minutes, if the model has one.
    pub delay: Option<DelayForecast>,
    /// The probability that the flight is cancelled, if the model has one; all others are of a flight that is not.
    pub cancelled: Option<f32>,
    /// The distance that the score is based on, in miles.
    pub distance: f64,
    /// Remarks on missing inputs.
    pub remarks: Vec<Remark>,
    /// The inputs of the forest that scored it.
    pub forest: KnownInputs,
    /// The explanation, if the model explains.
    pub explanation: Option<Explanation>,
    /// The projection of the aeroplane's way to the flight, by what the model has learned of turnarounds.
    pub rotation: Option<Rotation>,
}

/// The document of the wire contract: `_id` and the old job's fields first, then the new ones.
pub(crate) fn document<'a>(
    request: &'a Request,
    score: &'a Score,
    model: &'a ModelVersion,
    scored_at: DateTime<Utc>,
) -> Document<'a> {
    let id = request.id.as_str();
    // Days, months and weekdays are far below i32::MAX.
    let day = |number: u32| Value::Int32(number as i32);
    let remarks: Vec<&str> = score.remarks.iter().map(|remark| remark.text()).collect();
    let mut document = vec![
        ("_id", Value::text(id)),
        ("Origin", Value::text(request.origin.as_str())),
        ("Dest", Value::text(request.dest.as_str())),
        ("DayOfWeek", day(time::day_of_week(request.date))),
        ("DayOfYear", day(time::day_of_year(request.date))),
        ("DayOfMonth", day(time::day_of_month(request.date))),
        ("DepDelay", request.dep_delay.map_or(Value::Null, Value::Double)),
        ("Timestamp", request.asked_at.map_or(Value::Null, |at| Value::Date(at.and_utc()))),
        ("FlightDate", Value::Date(request.date.and_time(NaiveTime::MIN).and_utc())),
        ("Carrier", Value::text(request.carrier.as_str())),
        ("UUID", Value::text(id)),
        ("Distance", Value::Double(score.distance)),
        ("Route", Value::Text(format!("{}-{}", request.origin, request.dest).into())),
        ("Prediction", Value::Double(score.class.wire_value())),
        ("FlightNum", request.flight_num.as_deref().map_or(Value::Null, Value::text)),
        ("Class", Value::text(score.class.label())),
        ("Probabilities", Value::Doubles(score.probabilities.iter().map(|&p| to_millionths(p)).collect())),
        ("ModelVersion", Value::text(model.as_str())),
        ("ScoredAt", Value::Date(scored_at)),
        ("Remark", if remarks.is_empty() { Value::Null } else { Value::Text(remarks.join("; ").into()) }),
        ("Forest", Value::text(score.forest.label())),
    ];
    if let Some(Schedule { dep_min, arr_min }) = request.schedule {
        document.push(("CRSDepTime", Value::Int32(time::to_hhmm(dep_min))));
        document.push(("CRSArrTime", Value::Int32(time::to_hhmm(arr_min))));
    }
    document.extend(request.follow.then_some(("Follow", Value::Bool(true))));
    document.extend(score.delay.map(|delay| ("ArrDelay", Value::Document(delay.to_document()))));
    document.extend(score.cancelled.map(|cancelled| ("Cancelled", Value::Double(to_millionths(cancelled)))));
    document.extend(score.explanation.iter().flat_map(Explanation::to_fields));
    document.extend(request.known.as_deref().map(|known| {
        let live = match &score.rotation {
            Some(learned) => known.context.to_document(learned, true),
            None => known.context.to_document(&known.rotation(request.carrier, request.origin), false),
        };
        ("Live", Value::Document(live))
    }));
    document
}

/// A probability with six decimals: more are noise, and take space in every document.
fn to_millionths(probability: f32) -> f64 {
    (f64::from(probability) * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use engine::document::to_json;

    use super::*;
    use crate::{domain::Answer, explanation::Factor, request};

    #[test]
    fn a_document_has_the_fields_of_the_old_job_first_and_in_its_types() {
        let message = br#"{"DepDelay": 5.0, "Carrier": "AA", "FlightDate": "2016-12-25", "Dest": "SFO", "FlightNum": null,
            "Origin": "ATL", "Distance": 2139.0, "DayOfWeek": 6, "Timestamp": "2026-11-23T13:00:00.000000", "UUID": "6c03"}"#;
        let answer = Answer {
            request: request::decode(message).unwrap(),
            score: Score {
                probabilities: [0.125, 0.25, 0.5000001, 0.1249999],
                class: DelayClass::SlightlyLate,
                delay: Some(DelayForecast {
                    mean: 6.4,
                    percentiles: [-18.4, 5.6, 42.3],
                    late: [0.25, 0.1249999, 0.06, 0.0151],
                }),
                cancelled: Some(0.0215),
                distance: 2139.0,
                remarks: vec![],
                forest: KnownInputs { dep_delay: true, ..KnownInputs::NONE },
                explanation: Some(Explanation::new([0.25; 4], &[Factor::Route], &[-0.125, 0.0, 0.25, -0.125])),
                rotation: None,
            },
            model: ModelVersion::new("m1"),
            scored_at: DateTime::from_timestamp(0, 0).unwrap(),
        };
        let json = serde_json::to_string(&to_json(&answer.to_document())).unwrap();
        let old = concat!(
            r#"{"_id":"6c03","Origin":"ATL","Dest":"SFO","DayOfWeek":7,"DayOfYear":360,"DayOfMonth":25,"DepDelay":5.0,"#,
            r#""Timestamp":{"$date":"2026-11-23T13:00:00Z"},"FlightDate":{"$date":"2016-12-25T00:00:00Z"},"#,
            r#""Carrier":"AA","UUID":"6c03","Distance":2139.0,"Route":"ATL-SFO","Prediction":2.0,"#
        );
        let ours = concat!(
            r#""FlightNum":null,"Class":"on time to 30 minutes late","Probabilities":[0.125,0.25,0.5,0.125],"#,
            r#""ModelVersion":"m1","ScoredAt":{"$date":"1970-01-01T00:00:00Z"},"Remark":null,"#,
            r#""Forest":"with departure delay","ArrDelay":{"Mean":6,"P10":-18,"P50":5,"P90":41,"#,
            r#""Late15":0.25,"Late30":0.125,"Late60":0.06,"Late120":0.0151},"Cancelled":0.0215,"BaseRate":[0.25,0.25,0.25,0.25],"#,
            r#""Contributions":{"Route":[-0.125,0.0,0.25,-0.125]}}"#
        );
        assert_eq!(json, format!("{old}{ours}"));
    }
}
