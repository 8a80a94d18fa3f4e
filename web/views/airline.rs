//! The page of an airline: its punctuality by month and by hour, its routes and its fleet.

use delaycast::{
    airports::Airports,
    explore::{Aircraft, Airline, RouteSummary},
};
use serde::Serialize;

use super::{
    charts,
    history::{
        FiguresView, NamedValue, SectionLink, airline_name, airport_name, cards, search_url, sections, tail_url,
    },
    words::class_names,
};
use crate::{
    render::View,
    texts::{Texts, say},
};

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
    route_count: u64,
    flights_url: String,
    aircraft_url: String,
    fleet_count: usize,
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
    const SECTION: &'static str = "airlines";

    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
}

impl AirlineView {
    pub(crate) fn new(airline: &Airline, airports: &Airports, texts: Texts) -> Self {
        let (name, code) = (airline_name(airline.carrier, airports), airline.carrier.to_string());
        let row = |month: &delaycast::explore::MonthFigures| PeriodRow {
            name: texts.month(month.year, month.month),
            figures: FiguresView::new(&month.figures, texts),
        };
        let by_month: Vec<_> = airline
            .months
            .iter()
            .map(|month| (format!("{}/{:02}", month.month, month.year % 100), month.figures))
            .collect();
        let by_hour: Vec<_> =
            airline.hours.iter().map(|hour| (say!(texts, "chart-hour", hour = hour.hour), hour.figures)).collect();
        let route = |route: &RouteSummary| RouteRow {
            name: say!(texts, "from-to", origin = route.origin, dest = route.dest),
            ends: say!(
                texts,
                "from-to",
                origin = airport_name(route.origin, airports),
                dest = airport_name(route.dest, airports)
            ),
            url: search_url(
                "/flights/search",
                &[("Carrier", code.clone()), ("Origin", route.origin.to_string()), ("Dest", route.dest.to_string())],
            ),
            figures: FiguresView::new(&route.figures, texts),
        };
        AirlineView {
            title: name.clone(),
            sections: sections("/airline", texts),
            name,
            first_day: texts.day(airline.first_day),
            last_day: texts.day(airline.last_day),
            cards: cards(&airline.figures, texts),
            legend: class_names(texts),
            months_chart: charts::class_columns(&by_month, &say!(texts, "chart-months"), texts),
            months: airline.months.iter().map(row).collect(),
            hours_chart: charts::class_columns(&by_hour, &say!(texts, "chart-hours"), texts),
            routes: airline.routes.iter().map(route).collect(),
            route_count: airline.route_count,
            flights_url: search_url("/flights/search", &[("Carrier", code.clone())]),
            aircraft_url: search_url("/airplanes", &[("Carrier", code.clone())]),
            fleet_count: airline.fleet.len(),
            fleet: groups(&airline.fleet, texts),
            code,
        }
    }
}

/// Groups a fleet, which is sorted by it, by manufacturer and model.
fn groups(fleet: &[Aircraft], texts: Texts) -> Vec<ModelGroup> {
    let of = |aircraft: &Aircraft| (aircraft.facts.manufacturer.clone(), aircraft.facts.model.clone());
    let groups = fleet.chunk_by(|a, b| of(a) == of(b)).map(|group| {
        let name = match group.first().map(of) {
            Some((Some(manufacturer), Some(model))) => format!("{manufacturer} {model}"),
            Some((Some(only), None) | (None, Some(only))) => only,
            _ => say!(texts, "airline-unregistered"),
        };
        let link = |aircraft: &Aircraft| TailLink { tail: aircraft.tail.to_string(), url: tail_url(aircraft.tail) };
        ModelGroup { name, count: texts.number(group.len() as u64), tails: group.iter().map(link).collect() }
    });
    groups.collect()
}
