//! The page of the flights by month.

use delaycast::explore::MonthFigures;
use serde::Serialize;

use super::{
    charts,
    history::{FiguresView, SectionLink, month_in_words, sections},
};
use crate::render::View;

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct TotalFlightsView {
    sections: Vec<SectionLink>,
    chart: String,
    months: Vec<MonthRow>,
}

#[derive(Debug, Serialize)]
struct MonthRow {
    name: String,
    figures: FiguresView,
}

impl View for TotalFlightsView {
    const PAGE: &'static str = "total_flights";
}

impl TotalFlightsView {
    pub(crate) fn new(months: &[MonthFigures]) -> Self {
        let counts: Vec<_> = months
            .iter()
            .map(|month| (format!("{}/{:02}", month.month, month.year % 100), month.figures.flights))
            .collect();
        let row = |month: &MonthFigures| MonthRow {
            name: month_in_words(month.year, month.month),
            figures: FiguresView::new(&month.figures),
        };
        TotalFlightsView {
            sections: sections("/total_flights"),
            chart: charts::count_columns(&counts, "Flights by month"),
            months: months.iter().map(row).collect(),
        }
    }
}
