//! Shared parts of the pages about the history: the links between them, tables of flights, paging, figures in words.

use std::path::PathBuf;

use chrono::NaiveDate;
use delaycast::{
    airports::Airports,
    explore::{Figures, Source},
    flight::{Code, DelayClass, time},
    history::{Flight, FlightStatus},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::texts::{Texts, say};

/// A link to a page about the history.
#[derive(Debug, Serialize)]
pub(crate) struct SectionLink {
    path: &'static str,
    title: String,
    is_current: bool,
}

/// The links between the pages about the history; `current` is the path of the page.
pub(crate) fn sections(current: &str, texts: Texts) -> Vec<SectionLink> {
    let all = [
        ("/airlines", say!(texts, "section-airlines")),
        ("/airplanes", say!(texts, "section-aircraft")),
        ("/flights/search", say!(texts, "section-flights")),
        ("/total_flights", say!(texts, "section-months")),
        ("/delays", say!(texts, "section-delays")),
    ];
    all.map(|(path, title)| SectionLink { path, title, is_current: path == current }).into()
}

/// A flight in a table.
#[derive(Debug, Serialize)]
pub(crate) struct FlightRow {
    carrier: String,
    airline: String,
    airline_url: String,
    number: String,
    url: Option<String>,
    date: String,
    origin: String,
    origin_name: String,
    dest: String,
    dest_name: String,
    day_url: String,
    departs: String,
    outcome: String,
    /// The CSS class of its class of delay.
    colour: Option<String>,
    tail: String,
    tail_url: Option<String>,
}

impl FlightRow {
    pub(crate) fn new(flight: &Flight, airports: &Airports, texts: Texts) -> Self {
        let class = (flight.status == FlightStatus::Flown).then_some(flight.arr_delay).flatten();
        FlightRow {
            carrier: flight.carrier.to_string(),
            airline: airline_name(flight.carrier, airports),
            airline_url: airline_url(flight.carrier),
            number: flight.flight_num.map_or_else(|| "–".to_owned(), |number| number.to_string()),
            url: flight.flight_num.map(|number| record_url(flight.carrier, number, flight.date)),
            date: flight.date.to_string(),
            origin: flight.origin.to_string(),
            origin_name: airport_name(flight.origin, airports),
            dest: flight.dest.to_string(),
            dest_name: airport_name(flight.dest, airports),
            day_url: route_day_url(flight.origin, flight.dest, flight.date),
            departs: flight.crs_dep_min.map_or_else(|| "–".to_owned(), time::to_text),
            outcome: outcome(flight, texts),
            colour: class.map(|minutes| format!("c{}", DelayClass::of_delay(minutes).index())),
            tail: flight.tail_num.map_or_else(|| "–".to_owned(), |tail| tail.to_string()),
            tail_url: flight.tail_num.map(tail_url),
        }
    }
}

/// The end of a flight in few words.
fn outcome(flight: &Flight, texts: Texts) -> String {
    match (flight.status, flight.arr_delay) {
        (FlightStatus::Cancelled, _) => say!(texts, "outcome-cancelled"),
        (FlightStatus::Diverted, _) => say!(texts, "outcome-diverted"),
        (FlightStatus::Flown, Some(minutes)) => minutes_late(minutes, texts),
        (FlightStatus::Flown, None) => say!(texts, "outcome-unknown"),
    }
}

/// A delay in few words, in whole minutes.
pub(crate) fn minutes_late(minutes: f32, texts: Texts) -> String {
    match f64::from(minutes.round()) {
        0.0 => say!(texts, "on-time"),
        late if late > 0.0 => say!(texts, "min-late", minutes = late),
        early => say!(texts, "min-early", minutes = -early),
    }
}

/// The name of a history, as pages call it.
pub(crate) fn history_name(name: &str, texts: Texts) -> String {
    match name {
        name if name == Source::Bundled.name() => say!(texts, "flights-from-new-york"),
        name if name == Source::Path(PathBuf::new()).name() => say!(texts, "flights-imported"),
        other => other.to_owned(),
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub(crate) fn airline_url(carrier: Code) -> String {
    format!("/airline/{}", encoded(carrier.as_str()))
}

pub(crate) fn tail_url(tail: Code) -> String {
    format!("/airplane/{}", encoded(tail.as_str()))
}

pub(crate) fn route_day_url(origin: Code, dest: Code, date: NaiveDate) -> String {
    format!("/flights/{}/{}/{date}", encoded(origin.as_str()), encoded(dest.as_str()))
}

fn record_url(carrier: Code, number: u32, date: NaiveDate) -> String {
    format!("/on_time_performance?Carrier={}&FlightDate={date}&FlightNum={number}", encoded(carrier.as_str()))
}

/// The address of a search with these parameters.
pub(crate) fn search_url(path: &str, parameters: &[(&str, String)]) -> String {
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// The name of an airline, or its code.
pub(crate) fn airline_name(carrier: Code, airports: &Airports) -> String {
    let known = airports.airlines().find(|(known, _)| *known == carrier);
    known.map_or_else(|| carrier.to_string(), |(_, name)| name.to_owned())
}

/// The name of an airport, or its code.
pub(crate) fn airport_name(airport: Code, airports: &Airports) -> String {
    airports.name_of(airport).map_or_else(|| airport.to_string(), str::to_owned)
}

/// Figures in words and as a bar.
#[derive(Debug, Serialize)]
pub(crate) struct FiguresView {
    pub(crate) flights: String,
    pub(crate) not_very_late: String,
    pub(crate) mean_delay: String,
    pub(crate) cancelled: String,
    pub(crate) bar: String,
}

impl FiguresView {
    pub(crate) fn new(figures: &Figures, texts: Texts) -> Self {
        let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), |share| texts.percent(100.0 * share));
        let mean = figures.mean_arr_delay();
        FiguresView {
            flights: texts.number(figures.flights),
            not_very_late: share(figures.share_not_very_late()),
            mean_delay: mean.map_or_else(|| "–".to_owned(), |minutes| signed_minutes(minutes, texts)),
            cancelled: share(figures.share_cancelled()),
            bar: super::charts::shares(figures, texts),
        }
    }
}

/// Minutes with one decimal; those before the schedule have a minus sign.
fn signed_minutes(minutes: f64, texts: Texts) -> String {
    let rounded = (minutes * 10.0).round() / 10.0;
    let plain = texts.decimal(rounded.abs(), 1);
    if rounded < 0.0 { format!("−{plain}") } else { plain }
}

/// A number with its name, for the cards above a page.
#[derive(Debug, Serialize)]
pub(crate) struct NamedValue {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// The cards of figures.
pub(crate) fn cards(figures: &Figures, texts: Texts) -> Vec<NamedValue> {
    let view = FiguresView::new(figures, texts);
    let card = |name, value| NamedValue { name, value };
    vec![
        card(say!(texts, "card-flights"), view.flights),
        card(say!(texts, "card-punctual"), view.not_very_late),
        card(say!(texts, "card-mean"), view.mean_delay),
        card(say!(texts, "card-cancelled"), view.cancelled),
    ]
}

/// A field of a search form.
#[derive(Debug, Serialize)]
pub(crate) struct SearchField {
    pub(crate) name: &'static str,
    pub(crate) label: String,
    pub(crate) example: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) list: Option<&'static str>,
    pub(crate) value: String,
}

/// Returns the address of a search's page after so many results.
pub(crate) fn page_urls(path: &str, fields: &[SearchField]) -> impl Fn(u32) -> String {
    let sent = fields.iter().filter(|field| !field.value.is_empty());
    let sent: Vec<_> = sent.map(|field| (field.name, field.value.clone())).collect();
    move |start| search_url(path, &[&sent[..], &[("start", start.to_string())]].concat())
}

/// The links to the pages before and after a page of results.
#[derive(Debug, Serialize)]
pub(crate) struct PagingView {
    /// There is no result at all, which the page says.
    is_empty: bool,
    summary: String,
    previous: Option<String>,
    next: Option<String>,
    /// The results go on behind the last page.
    is_cut: bool,
}

impl PagingView {
    /// `url` returns the address of the page after so many results.
    pub(crate) fn new(
        start: u32,
        shown: usize,
        per_page: u32,
        total: u64,
        texts: Texts,
        url: impl Fn(u32) -> String,
    ) -> Self {
        let first = u64::from(start) + 1;
        let last = u64::from(start) + shown as u64;
        let summary = match shown {
            0 => say!(texts, "paging-none", total = total),
            _ => say!(texts, "paging-shown", first = first, last = last, total = total),
        };
        let is_last = last >= total || shown == 0;
        let next = start.saturating_add(per_page);
        let is_cut = !is_last && next > delaycast::explore::OFFSET_MAX;
        PagingView {
            is_empty: total == 0,
            summary,
            previous: (start > 0).then(|| url(start.saturating_sub(per_page))),
            next: (!is_last && !is_cut).then(|| url(next)),
            is_cut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn delays_are_told_in_whole_minutes() {
        let [english, spanish] = Language::ALL.map(Texts::of);
        let late = |texts| [-0.4, 12.0, -3.0].map(|minutes| minutes_late(minutes, texts));
        assert_eq!(late(english), ["on time", "12\u{a0}min late", "3\u{a0}min early"]);
        assert_eq!(late(spanish), ["puntual", "12\u{a0}min de retraso", "3\u{a0}min de adelanto"]);
        let signed = |texts| [-0.04, -6.91, 7.0].map(|minutes| signed_minutes(minutes, texts));
        assert_eq!(
            (signed(english), signed(spanish)),
            (["0.0", "−6.9", "7.0"].map(str::to_owned), ["0,0", "−6,9", "7,0"].map(str::to_owned))
        );
    }

    #[test]
    fn paging_ends_at_both_ends_and_at_the_bound() {
        let texts = Texts::of(Language::English);
        let page = |start, shown, total| PagingView::new(start, shown, 25, total, texts, |start| format!("?{start}"));
        let first = page(0, 25, 60);
        assert_eq!(
            (first.summary.as_str(), &first.previous, first.next.as_deref()),
            ("1 to 25 of 60", &None, Some("?25"))
        );
        let last = page(50, 10, 60);
        assert_eq!((last.previous.as_deref(), &last.next, last.is_cut), (Some("?25"), &None, false));
        assert_eq!(page(10, 25, 60).previous.as_deref(), Some("?0"));
        let bound = page(10_000, 25, 60_000);
        assert!(bound.is_cut && bound.next.is_none());
        assert_eq!(page(100, 0, 60).summary, "None of 60 from here on");
    }
}
