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

use super::history::{
    SectionLink, airline_name, airline_url, airport_name, minutes_late, route_day_url, search_url, sections, tail_url,
};
use crate::{
    render::View,
    texts::{Texts, say},
    units::distance,
};

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct FlightRecordView {
    #[serde(rename = "name")]
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
    end: String,
    facts: Vec<RecordFact>,
}

#[derive(Debug, Serialize)]
struct RecordFact {
    name: String,
    value: String,
    url: Option<String>,
}

impl View for FlightRecordView {
    const PAGE: &'static str = "flight_record";
    const SECTION: &'static str = "airlines";

    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
}

impl FlightRecordView {
    pub(crate) fn new(
        (carrier, number, date): (Code, u32, NaiveDate),
        legs: &[Flight],
        airports: &Airports,
        texts: Texts,
    ) -> Self {
        let flight = [("Carrier", carrier.to_string()), ("FlightNum", number.to_string())];
        FlightRecordView {
            title: say!(texts, "flight-name", flight = format!("{carrier} {number}")),
            sections: sections("/on_time_performance", texts),
            carrier: carrier.to_string(),
            number,
            airline: airline_name(carrier, airports),
            airline_url: airline_url(carrier),
            day: texts.long_day(date),
            other_days_url: search_url("/flights/search", &flight),
            legs: legs.iter().map(|leg| LegView::new(leg, airports, texts)).collect(),
        }
    }
}

impl LegView {
    fn new(leg: &Flight, airports: &Airports, texts: Texts) -> Self {
        let minutes = |minutes: f32| say!(texts, "record-minutes", minutes = f64::from(minutes));
        let miles = |miles: f32| distance(miles.max(0.0).into(), texts);
        let fact = |name, value: Option<String>| Some(RecordFact { name, value: value?, url: None });
        let facts = [
            fact(say!(texts, "record-scheduled-departure"), leg.crs_dep_min.map(time::to_text)),
            fact(say!(texts, "record-departure"), actual(leg.crs_dep_min, leg.dep_delay, texts)),
            fact(say!(texts, "record-scheduled-arrival"), leg.crs_arr_min.map(time::to_text)),
            fact(say!(texts, "record-arrival"), actual(leg.crs_arr_min, leg.arr_delay, texts)),
            fact(say!(texts, "record-air-time"), leg.air_time_min.map(minutes)),
            fact(say!(texts, "record-distance"), leg.distance.map(miles)),
            leg.tail_num.map(|tail| RecordFact {
                name: say!(texts, "record-aircraft"),
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
                FlightStatus::Flown => say!(texts, "record-flown"),
                FlightStatus::Cancelled => say!(texts, "record-cancelled"),
                FlightStatus::Diverted => say!(texts, "record-diverted"),
            },
            facts: facts.into_iter().flatten().collect(),
        }
    }
}

/// A time of day as it came about, with its delay; the delay alone without a schedule.
fn actual(scheduled: Option<u16>, delay: Option<f32>, texts: Texts) -> Option<String> {
    let delay = delay?;
    let Some(scheduled) = scheduled else { return Some(minutes_late(delay, texts)) };
    let minute = (i64::from(scheduled) + delay.round() as i64).rem_euclid(i64::from(MINUTES_PER_DAY));
    // Below the minutes of a day.
    let minute = u16::try_from(minute).unwrap_or_default();
    Some(format!("{}, {}", time::to_text(minute), minutes_late(delay, texts)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn a_time_as_it_came_about_wraps_at_midnight() {
        let texts = Texts::of(Language::English);
        assert_eq!(actual(Some(1430), Some(20.0), texts).as_deref(), Some("00:10, 20\u{a0}min late"));
        assert_eq!(actual(Some(5), Some(-10.0), texts).as_deref(), Some("23:55, 10\u{a0}min early"));
        assert_eq!((actual(None, Some(0.0), texts).as_deref(), actual(Some(5), None, texts)), (Some("on time"), None));
    }
}
