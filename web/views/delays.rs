//! The page of arrival delays.

use delaycast::{
    airports::Airports,
    explore::{AirlineSummary, HistoryFacts, HourFigures, MonthFigures},
    flight::DelayClass,
};
use serde::Serialize;

use super::{
    charts,
    history::{FiguresView, NamedValue, SectionLink, airline_name, airline_url, cards, sections},
    words::{class_names, share_of},
};
use crate::{
    render::View,
    texts::{Texts, say},
};

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct DelaysView {
    sections: Vec<SectionLink>,
    cards: Vec<NamedValue>,
    bar: String,
    classes: Vec<ClassRow>,
    legend: [String; 4],
    hours_chart: String,
    hours: Vec<HourRow>,
    months_chart: String,
    airlines: Vec<AirlineRow>,
}

#[derive(Debug, Serialize)]
struct ClassRow {
    name: String,
    flights: String,
    share: String,
}

#[derive(Debug, Serialize)]
struct HourRow {
    name: String,
    figures: FiguresView,
}

#[derive(Debug, Serialize)]
struct AirlineRow {
    name: String,
    url: String,
    figures: FiguresView,
}

impl View for DelaysView {
    const PAGE: &'static str = "delays";
    const SECTION: &'static str = "airlines";
}

impl DelaysView {
    /// Airlines are sorted by the share of their flights that arrived less than 30 minutes late, greatest first.
    pub(crate) fn new(
        facts: &HistoryFacts,
        hours: &[HourFigures],
        months: &[MonthFigures],
        mut airlines: Vec<AirlineSummary>,
        airports: &Airports,
        texts: Texts,
    ) -> Self {
        let names = class_names(texts);
        let all = &facts.figures;
        let class = |class: DelayClass| {
            let flights = all.classes[class.index()];
            ClassRow {
                name: names[class.index()].clone(),
                flights: texts.number(flights),
                share: texts.percent(100.0 * share_of(flights, all.arrived())),
            }
        };
        let by_hour: Vec<_> =
            hours.iter().map(|hour| (say!(texts, "chart-hour", hour = hour.hour), hour.figures)).collect();
        let by_month: Vec<_> =
            months.iter().map(|month| (format!("{}/{:02}", month.month, month.year % 100), month.figures)).collect();
        airlines.sort_by(|a, b| {
            let punctual = |airline: &AirlineSummary| airline.figures.share_not_very_late().unwrap_or(-1.0);
            punctual(b).total_cmp(&punctual(a))
        });
        DelaysView {
            sections: sections("/delays", texts),
            cards: cards(all, texts),
            bar: charts::shares(all, texts),
            classes: DelayClass::ALL.map(class).into(),
            legend: class_names(texts),
            hours_chart: charts::class_columns(&by_hour, &say!(texts, "chart-hours"), texts),
            hours: hours
                .iter()
                .map(|hour| HourRow {
                    name: say!(
                        texts,
                        "delays-hour",
                        from = format!("{:02}:00", hour.hour),
                        to = format!("{:02}:59", hour.hour)
                    ),
                    figures: FiguresView::new(&hour.figures, texts),
                })
                .collect(),
            months_chart: charts::class_columns(&by_month, &say!(texts, "chart-months"), texts),
            airlines: airlines
                .iter()
                .map(|airline| AirlineRow {
                    name: airline_name(airline.carrier, airports),
                    url: airline_url(airline.carrier),
                    figures: FiguresView::new(&airline.figures, texts),
                })
                .collect(),
        }
    }
}
