//! The page of a route on a day.

use chrono::NaiveDate;
use delaycast::{
    airports::Airports,
    explore::{Figures, HistoryFacts},
    flight::Code,
    history::Flight,
};
use serde::Serialize;

use super::history::{FlightRow, NamedValue, SectionLink, airport_name, cards, route_day_url, search_url, sections};
use crate::{
    render::View,
    texts::{Texts, say},
};

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
    flights: Vec<FlightRow>,
    before: Option<String>,
    after: Option<String>,
    back_url: String,
    route_url: String,
    cards: Vec<NamedValue>,
}

impl View for RouteDayView {
    const PAGE: &'static str = "route_day";
    const SECTION: &'static str = "airlines";

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
        texts: Texts,
    ) -> Self {
        let in_history = |day: &NaiveDate| (facts.first_day..=facts.last_day).contains(day);
        let url = |day: Option<NaiveDate>| day.filter(in_history).map(|day| route_day_url(origin, dest, day));
        let ends = [("Origin", origin.to_string()), ("Dest", dest.to_string())];
        RouteDayView {
            title: say!(texts, "route-title", origin = origin, dest = dest, day = texts.day(date)),
            sections: sections("/flights", texts),
            origin: origin.to_string(),
            dest: dest.to_string(),
            origin_name: airport_name(origin, airports),
            dest_name: airport_name(dest, airports),
            day: texts.long_day(date),
            count: flights.len(),
            flights: flights.iter().map(|flight| FlightRow::new(flight, airports, texts)).collect(),
            before: url(date.pred_opt()),
            after: url(date.succ_opt()),
            back_url: route_day_url(dest, origin, date),
            route_url: search_url("/flights/search", &ends),
            cards: cards(route, texts),
        }
    }
}
