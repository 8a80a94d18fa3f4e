//! The page of an aircraft: its facts, the airlines that it flew for, and its flights.

use delaycast::{
    airports::Airports,
    explore::{Aircraft, FlightPage},
    flight::Code,
};
use serde::Serialize;

use super::history::{
    FlightRow, NamedValue, PagingView, SectionLink, airline_name, airline_url, cards, search_url, sections, tail_url,
};
use crate::{
    render::View,
    texts::{Texts, say},
};

/// Flights on a page of results.
pub(crate) const PER_PAGE: u32 = 25;

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct AirplaneView {
    #[serde(skip)]
    title: String,
    sections: Vec<SectionLink>,
    tail: String,
    /// Manufacturer and model, if they are known.
    model: Option<String>,
    facts: Vec<NamedValue>,
    airlines: Vec<AirlineLink>,
    cards: Vec<NamedValue>,
    flights: Vec<FlightRow>,
    paging: PagingView,
}

#[derive(Debug, Serialize)]
struct AirlineLink {
    name: String,
    url: String,
    flights: String,
}

impl View for AirplaneView {
    const PAGE: &'static str = "airplane";
    const SECTION: &'static str = "airlines";

    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
}

impl AirplaneView {
    pub(crate) fn new(
        aircraft: &Aircraft,
        airlines: &[(Code, u64)],
        flights: &FlightPage,
        start: u32,
        airports: &Airports,
        texts: Texts,
    ) -> Self {
        let facts = &aircraft.facts;
        let model: Vec<&str> = [&facts.manufacturer, &facts.model].into_iter().flatten().map(String::as_str).collect();
        let count = |number: Option<u16>| number.map(|number| number.to_string());
        let known = [
            (say!(texts, "aircraft-built"), count(facts.year)),
            (say!(texts, "aircraft-kind"), facts.kind.clone()),
            (say!(texts, "aircraft-seats"), count(facts.seats)),
            (say!(texts, "aircraft-engines"), count(facts.engines)),
            (say!(texts, "aircraft-engine"), facts.engine.clone()),
        ];
        let link = |(carrier, flights): &(Code, u64)| AirlineLink {
            name: airline_name(*carrier, airports),
            url: airline_url(*carrier),
            flights: texts.number(*flights),
        };
        let path = tail_url(aircraft.tail);
        AirplaneView {
            title: say!(texts, "aircraft-name", tail = aircraft.tail),
            sections: sections("/airplane", texts),
            tail: aircraft.tail.to_string(),
            model: (!model.is_empty()).then(|| model.join(" ")),
            facts: known.into_iter().filter_map(|(name, value)| Some(NamedValue { name, value: value? })).collect(),
            airlines: airlines.iter().map(link).collect(),
            cards: cards(&aircraft.figures, texts),
            flights: flights.flights.iter().map(|flight| FlightRow::new(flight, airports, texts)).collect(),
            paging: PagingView::new(start, flights.flights.len(), PER_PAGE, flights.total, texts, |start| {
                search_url(&path, &[("start", start.to_string())])
            }),
        }
    }
}
