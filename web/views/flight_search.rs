//! The page with the search for flights.

use delaycast::{
    airports::Airports,
    explore::{FlightFilter, FlightPage, HistoryFacts},
};
use serde::Serialize;

use super::history::{FlightRow, PagingView, SearchField, SectionLink, page_urls, sections};
use crate::{
    query::Query,
    render::View,
    texts::{Texts, say},
};

/// Flights on a page of results.
pub(crate) const PER_PAGE: u32 = 25;

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct FlightSearchView {
    sections: Vec<SectionLink>,
    fields: Vec<SearchField>,
    is_search: bool,
    first_day: String,
    last_day: String,
    flights: Vec<FlightRow>,
    paging: PagingView,
    #[serde(skip)]
    start: u32,
    #[serde(skip)]
    texts: Texts,
}

impl View for FlightSearchView {
    const PAGE: &'static str = "flight_search";
    const SECTION: &'static str = "airlines";
}

impl FlightSearchView {
    /// The page before its results are there.
    pub(crate) fn asked(query: &Query, filter: &FlightFilter, start: u32, texts: Texts) -> Self {
        let field = |name, label, example, list| SearchField {
            name,
            label,
            example,
            kind: if name == "FlightDate" { "date" } else { "text" },
            list,
            value: query.sent(name).unwrap_or_default().to_owned(),
        };
        FlightSearchView {
            sections: sections("/flights/search", texts),
            fields: vec![
                field("Carrier", say!(texts, "column-airline"), "UA", Some("airlines")),
                field("FlightNum", say!(texts, "search-number"), "1545", None),
                field("Origin", say!(texts, "search-origin"), "EWR", None),
                field("Dest", say!(texts, "search-dest"), "IAH", None),
                field("FlightDate", say!(texts, "search-date"), "", None),
                field("TailNum", say!(texts, "column-tail"), "N14228", None),
            ],
            is_search: *filter != FlightFilter::default(),
            first_day: String::new(),
            last_day: String::new(),
            flights: Vec::new(),
            paging: PagingView::new(0, 0, PER_PAGE, 0, texts, |_| String::new()),
            start,
            texts,
        }
    }

    pub(crate) fn with_results(self, page: &FlightPage, facts: &HistoryFacts, airports: &Airports) -> Self {
        let (url, texts) = (page_urls("/flights/search", &self.fields), self.texts);
        FlightSearchView {
            first_day: texts.day(facts.first_day),
            last_day: texts.day(facts.last_day),
            flights: page.flights.iter().map(|flight| FlightRow::new(flight, airports, texts)).collect(),
            paging: PagingView::new(self.start, page.flights.len(), PER_PAGE, page.total, texts, url),
            ..self
        }
    }
}
