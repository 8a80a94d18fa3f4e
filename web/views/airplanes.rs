//! The page with the search for aircraft and the chart of manufacturers.

use delaycast::explore::{Aircraft, AircraftFilter, AircraftPage, ManufacturerTotal};
use serde::Serialize;

use super::{
    charts,
    history::{PagingView, SearchField, SectionLink, page_urls, sections, tail_url},
};
use crate::{
    query::Query,
    render::View,
    texts::{Message, Texts, message, say},
};

/// Aircraft on a page of results.
pub(crate) const PER_PAGE: u32 = 20;
/// Manufacturers in the chart; the others are one more bar.
const MANUFACTURERS_MAX: usize = 8;

/// Parameters of the old system's search whose facts the registry does not have.
fn unknown_facts() -> [(&'static str, Message); 5] {
    [
        ("Owner", message!("fact-owner")),
        ("OwnerState", message!("fact-owner-state")),
        ("SerialNumber", message!("fact-serial")),
        ("EngineManufacturer", message!("fact-engine-manufacturer")),
        ("EngineModel", message!("fact-engine-model")),
    ]
}

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct AirplanesView {
    sections: Vec<SectionLink>,
    chart: String,
    unregistered: Option<u64>,
    fields: Vec<SearchField>,
    is_search: bool,
    ignored: Vec<String>,
    aircraft: Vec<AircraftRow>,
    paging: PagingView,
    #[serde(skip)]
    start: u32,
    #[serde(skip)]
    texts: Texts,
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
    const SECTION: &'static str = "airlines";
}

fn or_dash<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "–".to_owned(), T::to_string)
}

impl AirplanesView {
    /// The page before its results are there.
    pub(crate) fn asked(query: &Query, filter: &AircraftFilter, start: u32, texts: Texts) -> Self {
        let field = |name, label, example, list| SearchField {
            name,
            label,
            example,
            kind: "text",
            list,
            value: query.sent(name).unwrap_or_default().to_owned(),
        };
        let ignored = unknown_facts().into_iter().filter(|(name, _)| query.sent(name).is_some());
        AirplanesView {
            sections: sections("/airplanes", texts),
            chart: String::new(),
            unregistered: None,
            fields: vec![
                field("TailNum", say!(texts, "column-tail"), "N14228", None),
                field("Manufacturer", say!(texts, "column-manufacturer"), "Boeing", None),
                field("Model", say!(texts, "column-model"), "737", None),
                field("ManufacturerYear", say!(texts, "aircraft-built"), "1999", None),
                field("Engine", say!(texts, "column-engine"), "Turbo-fan", None),
                field("Carrier", say!(texts, "column-airline"), "UA", Some("airlines")),
            ],
            is_search: *filter != AircraftFilter::default(),
            ignored: ignored.map(|(_, fact)| fact.text(texts)).collect(),
            aircraft: Vec::new(),
            paging: PagingView::new(0, 0, PER_PAGE, 0, texts, |_| String::new()),
            start,
            texts,
        }
    }

    pub(crate) fn with_results(self, page: &AircraftPage, manufacturers: &[ManufacturerTotal]) -> Self {
        let texts = self.texts;
        let row = |aircraft: &Aircraft| AircraftRow {
            tail: aircraft.tail.to_string(),
            url: tail_url(aircraft.tail),
            manufacturer: or_dash(aircraft.facts.manufacturer.as_ref()),
            model: or_dash(aircraft.facts.model.as_ref()),
            year: or_dash(aircraft.facts.year.as_ref()),
            seats: or_dash(aircraft.facts.seats.as_ref()),
            engine: or_dash(aircraft.facts.engine.as_ref()),
            flights: texts.number(aircraft.figures.flights),
        };
        let url = page_urls("/airplanes", &self.fields);
        let unregistered = manufacturers.iter().find(|total| total.manufacturer.is_none());
        AirplanesView {
            chart: charts::ranking(&ranked(manufacturers, texts), &say!(texts, "chart-manufacturers"), texts),
            unregistered: unregistered.map(|total| total.aircraft),
            aircraft: page.aircraft.iter().map(row).collect(),
            paging: PagingView::new(self.start, page.aircraft.len(), PER_PAGE, page.total, texts, url),
            ..self
        }
    }
}

/// The manufacturers of most aircraft, and the sum of the others.
fn ranked(manufacturers: &[ManufacturerTotal], texts: Texts) -> Vec<(String, u64)> {
    let known: Vec<(String, u64)> =
        manufacturers.iter().filter_map(|total| Some((total.manufacturer.clone()?, total.aircraft))).collect();
    let (shown, rest) = known.split_at(known.len().min(MANUFACTURERS_MAX));
    let sum = || rest.iter().map(|(_, aircraft)| aircraft).sum();
    let others = (!rest.is_empty()).then(|| (say!(texts, "chart-others", count = rest.len()), sum()));
    shown.iter().cloned().chain(others).collect()
}
