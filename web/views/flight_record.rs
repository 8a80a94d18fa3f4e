//! The page of one flight: its schedule and its end, leg by leg.

use chrono::NaiveDate;
use delaycast::{
    airports::Airports,
    flight::{
        Code,
        time::{self, MINUTES_PER_DAY},
    },
    history::{Flight, FlightStatus},
};
use serde::Serialize;

use super::{
    history::{
        SectionLink, airline_name, airline_url, airport_name, minutes_late, route_day_url, search_url, sections,
        tail_url,
    },
    words::grouped,
};
use crate::render::View;

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct FlightRecordView {
    #[serde(skip)]
    title: String,
    sections: Vec<SectionLink>,
    carrier: String,
    number: u32,
    airline: String,
    airline_url: String,
    day: String,
    other_days_url: String,
    legs: Vec<LegView>,
}

#[derive(Debug, Serialize)]
struct LegView {
    origin: String,
    dest: String,
    origin_name: String,
    dest_name: String,
    day_url: String,
    end: &'static str,
    facts: Vec<RecordFact>,
}

#[derive(Debug, Serialize)]
struct RecordFact {
    name: &'static str,
    value: String,
    url: Option<String>,
}

impl View for FlightRecordView {
    const PAGE: &'static str = "flight_record";

    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
}

impl FlightRecordView {
    pub(crate) fn new(carrier: Code, number: u32, date: NaiveDate, legs: &[Flight], airports: &Airports) -> Self {
        let flight = [("Carrier", carrier.to_string()), ("FlightNum", number.to_string())];
        FlightRecordView {
            title: format!("Flight {carrier} {number}"),
            sections: sections("/on_time_performance"),
            carrier: carrier.to_string(),
            number,
            airline: airline_name(carrier, airports),
            airline_url: airline_url(carrier),
            day: date.format("%A, %-d %B %Y").to_string(),
            other_days_url: search_url("/flights/search", &flight),
            legs: legs.iter().map(|leg| LegView::new(leg, airports)).collect(),
        }
    }
}

impl LegView {
    fn new(leg: &Flight, airports: &Airports) -> Self {
        let minutes = |minutes: f32| format!("{minutes}\u{a0}min");
        let fact = |name, value: Option<String>| Some(RecordFact { name, value: value?, url: None });
        let facts = [
            fact("Scheduled departure", leg.crs_dep_min.map(time::to_text)),
            fact("Departure", actual(leg.crs_dep_min, leg.dep_delay)),
            fact("Scheduled arrival", leg.crs_arr_min.map(time::to_text)),
            fact("Arrival", actual(leg.crs_arr_min, leg.arr_delay)),
            fact("In the air", leg.air_time_min.map(minutes)),
            fact(
                "Distance",
                leg.distance.map(|miles| format!("{}\u{a0}miles", grouped(miles.max(0.0).round() as u64))),
            ),
            leg.tail_num.map(|tail| RecordFact {
                name: "Aircraft",
                value: tail.to_string(),
                url: Some(tail_url(tail)),
            }),
        ];
        LegView {
            origin: leg.origin.to_string(),
            dest: leg.dest.to_string(),
            origin_name: airport_name(leg.origin, airports),
            dest_name: airport_name(leg.dest, airports),
            day_url: route_day_url(leg.origin, leg.dest, leg.date),
            end: match leg.status {
                FlightStatus::Flown => "Flown",
                FlightStatus::Cancelled => "Cancelled",
                FlightStatus::Diverted => "Diverted: it landed at another airport",
            },
            facts: facts.into_iter().flatten().collect(),
        }
    }
}

/// A time of day as it came about, with its delay; the delay alone without a schedule.
fn actual(scheduled: Option<u16>, delay: Option<f32>) -> Option<String> {
    let delay = delay?;
    let Some(scheduled) = scheduled else { return Some(minutes_late(delay)) };
    let minute = (i64::from(scheduled) + delay.round() as i64).rem_euclid(i64::from(MINUTES_PER_DAY));
    // Below the minutes of a day.
    let minute = u16::try_from(minute).unwrap_or_default();
    Some(format!("{}, {}", time::to_text(minute), minutes_late(delay)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_as_it_came_about_wraps_at_midnight() {
        assert_eq!(actual(Some(1430), Some(20.0)).as_deref(), Some("00:10, 20\u{a0}min late"));
        assert_eq!(actual(Some(5), Some(-10.0)).as_deref(), Some("23:55, 10\u{a0}min early"));
        assert_eq!((actual(None, Some(0.0)).as_deref(), actual(Some(5), None)), (Some("on time"), None));
    }
}
