//! The page with the answers of a batch.

use chrono::NaiveDate;
use delaycast::airports::Airports;
use engine::store::DayCounts;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    delay::delay_in_short,
    headline::{AirportView, AskedFlight, Headline, asked, flight_date},
    history::PagingView,
    words::capitalized,
};
use crate::{
    batch::results_url,
    render::View,
    texts::{Texts, say},
};

/// The number of answers on a page.
pub(crate) const RESULTS_PER_PAGE: u32 = 50;

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct BatchResultsView {
    #[serde(skip)]
    title: String,
    /// `28 November 2026`.
    day: String,
    /// The day as the command takes it.
    date: NaiveDate,
    rows: Vec<ResultRow>,
    /// The number of questions that have no answer yet, in words; `None` if all have one.
    waiting: Option<String>,
    is_empty: bool,
    paging: Option<PagingView>,
    before: Option<String>,
    after: Option<String>,
}

/// An answer in the table.
#[derive(Debug, Serialize)]
struct ResultRow {
    airline: String,
    origin: AirportView,
    dest: AirportView,
    headline: String,
    /// `25 December 2016`.
    date: Option<String>,
    /// `Expect 10 minutes late …`; `None` in an answer of the old system.
    delay: Option<String>,
    /// The time of asking, `13:41`.
    asked_at: Option<String>,
}

impl ResultRow {
    fn new(document: &Map<String, Value>, airports: &Airports, texts: Texts) -> Self {
        let asked = AskedFlight::of(&asked(document), airports);
        let stamp = document.get("Timestamp").and_then(Value::as_str);
        ResultRow {
            airline: asked.airline,
            origin: asked.origin,
            dest: asked.dest,
            headline: Headline::of(document, texts).text,
            date: flight_date(document).map(|date| texts.day(date)),
            delay: delay_in_short(document, texts).map(|words| capitalized(&words)),
            asked_at: stamp.and_then(|stamp| stamp.get(11..16)).map(str::to_owned),
        }
    }
}

impl View for BatchResultsView {
    const PAGE: &'static str = "batch_results";

    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
}

impl BatchResultsView {
    pub(crate) fn new(
        day: NaiveDate,
        DayCounts { tasks, results }: DayCounts,
        rows: &[Map<String, Value>],
        start: u32,
        airports: &Airports,
        texts: Texts,
    ) -> Self {
        let waiting = tasks.saturating_sub(results);
        let paging = PagingView::new(start, rows.len(), RESULTS_PER_PAGE, results, texts, |start| {
            format!("{}?start={start}", results_url(day))
        });
        let words = texts.day(day);
        BatchResultsView {
            title: say!(texts, "batch-title", day = &words),
            day: words,
            date: day,
            rows: rows.iter().map(|document| ResultRow::new(document, airports, texts)).collect(),
            waiting: (waiting > 0).then(|| say!(texts, "batch-waiting", count = waiting)),
            is_empty: results == 0,
            paging: (results > 0).then_some(paging),
            before: day.pred_opt().map(results_url),
            after: day.succ_opt().map(results_url),
        }
    }
}
