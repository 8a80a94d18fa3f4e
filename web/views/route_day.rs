//! The page of a route on a day.

use chrono::NaiveDate;
use delaycast::{
    airports::Airports,
    explore::{Figures, HistoryFacts},
    flight::Code,
    history::Flight,
};
use serde::Serialize;

use super::history::{
    FlightRow, NamedValue, SectionLink, airport_name, cards, day_in_words, route_day_url, search_url, sections,
};
use crate::render::View;

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct RouteDayView {
    #[serde(skip)]
    title: String,
    sections: Vec<SectionLink>,
    origin: String,
    dest: String,
    origin_name: String,
    dest_name: String,
    day: String,
    count: usize,
    is_one: bool,
    flights: Vec<FlightRow>,
    before: Option<String>,
    after: Option<String>,
    back_url: String,
    route_url: String,
    cards: Vec<NamedValue>,
}

impl View for RouteDayView {
    const PAGE: &'static str = "route_day";

    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
}

impl RouteDayView {
    pub(crate) fn new(
        (origin, dest, date): (Code, Code, NaiveDate),
        flights: &[Flight],
        route: &Figures,
        facts: &HistoryFacts,
        airports: &Airports,
    ) -> Self {
        let in_history = |day: &NaiveDate| (facts.first_day..=facts.last_day).contains(day);
        let url = |day: Option<NaiveDate>| day.filter(in_history).map(|day| route_day_url(origin, dest, day));
        let ends = [("Origin", origin.to_string()), ("Dest", dest.to_string())];
        RouteDayView {
            title: format!("{origin} to {dest}, {}", day_in_words(date)),
            sections: sections("/flights"),
            origin: origin.to_string(),
            dest: dest.to_string(),
            origin_name: airport_name(origin, airports),
            dest_name: airport_name(dest, airports),
            day: date.format("%A, %-d %B %Y").to_string(),
            count: flights.len(),
            is_one: flights.len() == 1,
            flights: flights.iter().map(|flight| FlightRow::new(flight, airports)).collect(),
            before: url(date.pred_opt()),
            after: url(date.succ_opt()),
            back_url: route_day_url(dest, origin, date),
            route_url: search_url("/flights/search", &ends),
            cards: cards(route),
        }
    }
}
