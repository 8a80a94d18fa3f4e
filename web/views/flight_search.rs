//! The page with the search for flights.

use delaycast::{
    airports::Airports,
    explore::{FlightFilter, FlightPage, HistoryFacts},
};
use serde::Serialize;

use super::history::{FlightRow, PagingView, SearchField, SectionLink, day_in_words, page_urls, sections};
use crate::{history_query::HistoryQuery, render::View};

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
}

impl View for FlightSearchView {
    const PAGE: &'static str = "flight_search";
}

impl FlightSearchView {
    /// The page before its results are there.
    pub(crate) fn asked(query: &HistoryQuery, filter: &FlightFilter, start: u32) -> Self {
        let field = |name, label, example, list| SearchField {
            name,
            label,
            example,
            kind: if name == "FlightDate" { "date" } else { "text" },
            list,
            value: query.sent(name).unwrap_or_default().to_owned(),
        };
        FlightSearchView {
            sections: sections("/flights/search"),
            fields: vec![
                field("Carrier", "Airline", "UA", Some("airlines")),
                field("FlightNum", "Flight number", "1545", None),
                field("Origin", "From", "EWR", None),
                field("Dest", "To", "IAH", None),
                field("FlightDate", "Date", "", None),
                field("TailNum", "Tail number", "N14228", None),
            ],
            is_search: *filter != FlightFilter::default(),
            first_day: String::new(),
            last_day: String::new(),
            flights: Vec::new(),
            paging: PagingView::new(0, 0, PER_PAGE, 0, |_| String::new()),
            start,
        }
    }

    pub(crate) fn with_results(self, page: &FlightPage, facts: &HistoryFacts, airports: &Airports) -> Self {
        let url = page_urls("/flights/search", &self.fields);
        FlightSearchView {
            first_day: day_in_words(facts.first_day),
            last_day: day_in_words(facts.last_day),
            flights: page.flights.iter().map(|flight| FlightRow::new(flight, airports)).collect(),
            paging: PagingView::new(self.start, page.flights.len(), PER_PAGE, page.total, url),
            ..self
        }
    }
}
