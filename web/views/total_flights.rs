//! The page of the flights by month.

use delaycast::explore::MonthFigures;
use serde::Serialize;

use super::{
    charts,
    history::{FiguresView, SectionLink, sections},
};
use crate::{
    render::View,
    texts::{Texts, say},
};

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
    const SECTION: &'static str = "airlines";
}

impl TotalFlightsView {
    pub(crate) fn new(months: &[MonthFigures], texts: Texts) -> Self {
        let counts: Vec<_> = months
            .iter()
            .map(|month| (format!("{}/{:02}", month.month, month.year % 100), month.figures.flights))
            .collect();
        let row = |month: &MonthFigures| MonthRow {
            name: texts.month(month.year, month.month),
            figures: FiguresView::new(&month.figures, texts),
        };
        TotalFlightsView {
            sections: sections("/total_flights", texts),
            chart: charts::count_columns(&counts, &say!(texts, "chart-months"), texts),
            months: months.iter().map(row).collect(),
        }
    }
}
