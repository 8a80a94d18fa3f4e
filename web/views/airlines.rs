//! The page of all airlines, with the facts of the whole history.

use delaycast::{
    airports::Airports,
    explore::{AirlineSummary, HistoryFacts},
};
use serde::Serialize;

use super::{
    history::{FiguresView, NamedValue, SectionLink, airline_name, airline_url, cards, history_name, sections},
    words::class_names,
};
use crate::{render::View, texts::Texts};

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct AirlinesView {
    sections: Vec<SectionLink>,
    name: String,
    first_day: String,
    last_day: String,
    cards: Vec<NamedValue>,
    legend: [String; 4],
    airlines: Vec<AirlineRow>,
}

#[derive(Debug, Serialize)]
struct AirlineRow {
    /// The code, unless it stands for the name.
    code: Option<String>,
    name: String,
    url: String,
    aircraft: String,
    figures: FiguresView,
}

impl View for AirlinesView {
    const PAGE: &'static str = "airlines";
}

impl AirlinesView {
    pub(crate) fn new(facts: &HistoryFacts, airlines: &[AirlineSummary], airports: &Airports, texts: Texts) -> Self {
        let row = |airline: &AirlineSummary| {
            let (code, name) = (airline.carrier.to_string(), airline_name(airline.carrier, airports));
            AirlineRow {
                code: (code != name).then_some(code),
                name,
                url: airline_url(airline.carrier),
                aircraft: texts.number(airline.aircraft),
                figures: FiguresView::new(&airline.figures, texts),
            }
        };
        AirlinesView {
            sections: sections("/airlines", texts),
            name: history_name(&facts.name, texts),
            first_day: texts.day(facts.first_day),
            last_day: texts.day(facts.last_day),
            cards: cards(&facts.figures, texts),
            legend: class_names(texts),
            airlines: airlines.iter().map(row).collect(),
        }
    }
}
