//! The page with the search for aircraft and the chart of manufacturers.

use delaycast::explore::{Aircraft, AircraftFilter, AircraftPage, ManufacturerTotal};
use serde::Serialize;

use super::{
    charts,
    history::{PagingView, SearchField, SectionLink, page_urls, sections, tail_url},
    words::grouped,
};
use crate::{history_query::HistoryQuery, render::View};

/// Aircraft on a page of results.
pub(crate) const PER_PAGE: u32 = 20;
/// Manufacturers in the chart; the others are one more bar.
const MANUFACTURERS_MAX: usize = 8;

/// Parameters of the old system's search whose facts the registry does not have.
const UNKNOWN_FACTS: [(&str, &str); 5] = [
    ("Owner", "the owner"),
    ("OwnerState", "the owner's state"),
    ("SerialNumber", "the serial number"),
    ("EngineManufacturer", "the engine's manufacturer"),
    ("EngineModel", "the engine's model"),
];

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct AirplanesView {
    sections: Vec<SectionLink>,
    chart: String,
    unregistered: Option<String>,
    fields: Vec<SearchField>,
    is_search: bool,
    ignored: Vec<&'static str>,
    aircraft: Vec<AircraftRow>,
    paging: PagingView,
    #[serde(skip)]
    start: u32,
}

#[derive(Debug, Serialize)]
struct AircraftRow {
    tail: String,
    url: String,
    manufacturer: String,
    model: String,
    year: String,
    seats: String,
    engine: String,
    flights: String,
}

impl View for AirplanesView {
    const PAGE: &'static str = "airplanes";
}

fn or_dash<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "–".to_owned(), T::to_string)
}

impl AirplanesView {
    /// The page before its results are there.
    pub(crate) fn asked(query: &HistoryQuery, filter: &AircraftFilter, start: u32) -> Self {
        let field = |name, label, example, list| SearchField {
            name,
            label,
            example,
            kind: "text",
            list,
            value: query.sent(name).unwrap_or_default().to_owned(),
        };
        let ignored = UNKNOWN_FACTS.into_iter().filter(|(name, _)| query.sent(name).is_some());
        AirplanesView {
            sections: sections("/airplanes"),
            chart: String::new(),
            unregistered: None,
            fields: vec![
                field("TailNum", "Tail number", "N14228", None),
                field("Manufacturer", "Manufacturer", "Boeing", None),
                field("Model", "Model", "737", None),
                field("ManufacturerYear", "Built in", "1999", None),
                field("Engine", "Engine", "Turbo-fan", None),
                field("Carrier", "Airline", "UA", Some("airlines")),
            ],
            is_search: *filter != AircraftFilter::default(),
            ignored: ignored.map(|(_, fact)| fact).collect(),
            aircraft: Vec::new(),
            paging: PagingView::new(0, 0, PER_PAGE, 0, |_| String::new()),
            start,
        }
    }

    pub(crate) fn with_results(self, page: &AircraftPage, manufacturers: &[ManufacturerTotal]) -> Self {
        let row = |aircraft: &Aircraft| AircraftRow {
            tail: aircraft.tail.to_string(),
            url: tail_url(aircraft.tail),
            manufacturer: or_dash(aircraft.facts.manufacturer.as_ref()),
            model: or_dash(aircraft.facts.model.as_ref()),
            year: or_dash(aircraft.facts.year.as_ref()),
            seats: or_dash(aircraft.facts.seats.as_ref()),
            engine: or_dash(aircraft.facts.engine.as_ref()),
            flights: grouped(aircraft.figures.flights),
        };
        let url = page_urls("/airplanes", &self.fields);
        let unregistered = manufacturers.iter().find(|total| total.manufacturer.is_none());
        AirplanesView {
            chart: charts::ranking(&ranked(manufacturers), "Aircraft by manufacturer"),
            unregistered: unregistered.map(|total| grouped(total.aircraft)),
            aircraft: page.aircraft.iter().map(row).collect(),
            paging: PagingView::new(self.start, page.aircraft.len(), PER_PAGE, page.total, url),
            ..self
        }
    }
}

/// The manufacturers of most aircraft, and the sum of the others.
fn ranked(manufacturers: &[ManufacturerTotal]) -> Vec<(String, u64)> {
    let known: Vec<(String, u64)> =
        manufacturers.iter().filter_map(|total| Some((total.manufacturer.clone()?, total.aircraft))).collect();
    let (shown, rest) = known.split_at(known.len().min(MANUFACTURERS_MAX));
    let others =
        (!rest.is_empty()).then(|| (format!("{} others", rest.len()), rest.iter().map(|(_, aircraft)| aircraft).sum()));
    shown.iter().cloned().chain(others).collect()
}
