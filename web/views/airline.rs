//! The page of an airline: its punctuality by month and by hour, its routes and its fleet.

use delaycast::{
    airports::Airports,
    explore::{Aircraft, Airline, RouteSummary},
};
use serde::Serialize;

use super::{
    charts,
    history::{
        FiguresView, NamedValue, SectionLink, airline_name, airport_name, cards, day_in_words, month_in_words,
        search_url, sections, tail_url,
    },
    words::grouped,
};
use crate::render::View;

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct AirlineView {
    #[serde(skip)]
    title: String,
    sections: Vec<SectionLink>,
    name: String,
    code: String,
    first_day: String,
    last_day: String,
    cards: Vec<NamedValue>,
    legend: [String; 4],
    months_chart: String,
    months: Vec<PeriodRow>,
    hours_chart: String,
    routes: Vec<RouteRow>,
    route_count: String,
    flights_url: String,
    aircraft_url: String,
    fleet_count: String,
    fleet: Vec<ModelGroup>,
}

#[derive(Debug, Serialize)]
struct PeriodRow {
    name: String,
    figures: FiguresView,
}

#[derive(Debug, Serialize)]
struct RouteRow {
    name: String,
    ends: String,
    url: String,
    figures: FiguresView,
}

/// The aircraft of one model.
#[derive(Debug, Serialize)]
struct ModelGroup {
    name: String,
    count: String,
    tails: Vec<TailLink>,
}

#[derive(Debug, Serialize)]
struct TailLink {
    tail: String,
    url: String,
}

impl View for AirlineView {
    const PAGE: &'static str = "airline";

    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
}

impl AirlineView {
    pub(crate) fn new(airline: &Airline, airports: &Airports) -> Self {
        let (name, code) = (airline_name(airline.carrier, airports), airline.carrier.to_string());
        let row = |month: &delaycast::explore::MonthFigures| PeriodRow {
            name: month_in_words(month.year, month.month),
            figures: FiguresView::new(&month.figures),
        };
        let by_month: Vec<_> = airline
            .months
            .iter()
            .map(|month| (format!("{}/{:02}", month.month, month.year % 100), month.figures))
            .collect();
        let by_hour: Vec<_> = airline.hours.iter().map(|hour| (format!("{}h", hour.hour), hour.figures)).collect();
        let route = |route: &RouteSummary| RouteRow {
            name: format!("{} to {}", route.origin, route.dest),
            ends: format!("{} to {}", airport_name(route.origin, airports), airport_name(route.dest, airports)),
            url: search_url(
                "/flights/search",
                &[("Carrier", code.clone()), ("Origin", route.origin.to_string()), ("Dest", route.dest.to_string())],
            ),
            figures: FiguresView::new(&route.figures),
        };
        AirlineView {
            title: name.clone(),
            sections: sections("/airline"),
            name,
            first_day: day_in_words(airline.first_day),
            last_day: day_in_words(airline.last_day),
            cards: cards(&airline.figures),
            legend: charts::legend(),
            months_chart: charts::class_columns(&by_month, "Flights by month"),
            months: airline.months.iter().map(row).collect(),
            hours_chart: charts::class_columns(&by_hour, "Flights by hour of departure"),
            routes: airline.routes.iter().map(route).collect(),
            route_count: grouped(airline.route_count),
            flights_url: search_url("/flights/search", &[("Carrier", code.clone())]),
            aircraft_url: search_url("/airplanes", &[("Carrier", code.clone())]),
            fleet_count: grouped(airline.fleet.len() as u64),
            fleet: groups(&airline.fleet),
            code,
        }
    }
}

/// Groups a fleet, which is sorted by it, by manufacturer and model.
fn groups(fleet: &[Aircraft]) -> Vec<ModelGroup> {
    let of = |aircraft: &Aircraft| (aircraft.facts.manufacturer.clone(), aircraft.facts.model.clone());
    let groups = fleet.chunk_by(|a, b| of(a) == of(b)).map(|group| {
        let name = match group.first().map(of) {
            Some((Some(manufacturer), Some(model))) => format!("{manufacturer} {model}"),
            Some((Some(only), None) | (None, Some(only))) => only,
            _ => "Not in the registry".to_owned(),
        };
        let link = |aircraft: &Aircraft| TailLink { tail: aircraft.tail.to_string(), url: tail_url(aircraft.tail) };
        ModelGroup { name, count: grouped(group.len() as u64), tails: group.iter().map(link).collect() }
    });
    groups.collect()
}
