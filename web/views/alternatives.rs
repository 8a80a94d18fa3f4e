//! The flights of a route on a day of the week, by the share of them that landed late.

use std::cmp::Reverse;

use chrono::{Datelike, Days, NaiveDate};
use delaycast::{
    airports::Airports,
    explore::RouteFlight,
    flight::{DelayClass, time},
};
use serde::Serialize;

use super::{
    charts::shares,
    history::{airline_name, history_name, search_url},
};
use crate::{
    flight_form::PHRASE,
    form_page::FORM_PATH,
    past::{AskedFlight, PastFlights},
    texts::{Texts, say},
};

/// Landings below which a flight has no rank: the share of late ones would be chance.
const RANKED_LANDINGS_MIN: u64 = 30;
/// Upper bound on the flights that are shown, besides the one that was asked about.
const SHOWN_MAX: usize = 8;

/// The flights of the route on the day of the week.
#[derive(Debug, Serialize)]
pub(super) struct AlternativesView {
    /// `Other flights on Mondays`.
    heading: String,
    /// The flights that are counted, as a sentence.
    source: String,
    rows: Vec<AlternativeView>,
    /// The flights that are not shown or have no rank, and how sure the order is.
    remark: String,
}

/// A flight number.
#[derive(Debug, Serialize)]
struct AlternativeView {
    /// From 1; `None` with too few landings.
    rank: Option<usize>,
    /// `B6 915`.
    label: String,
    airline: String,
    /// The form, filled with this flight on the day that was asked about.
    url: String,
    departs: Option<String>,
    landed: String,
    late: String,
    bar: String,
    is_asked: bool,
}

impl AlternativesView {
    /// Orders the flights; `None` if there is none but the one that was asked about.
    pub(super) fn new(past: &PastFlights, airports: &Airports, texts: Texts) -> Option<Self> {
        let PastFlights { asked, facts, of_the_day, .. } = past;
        let of_the_day = of_the_day.as_ref()?;
        let is_asked = |flight: &RouteFlight| (flight.carrier, Some(flight.number)) == (asked.carrier, asked.number);
        if of_the_day.flights.iter().all(is_asked) {
            return None;
        }
        let (ranked, rest) = ranked(&of_the_day.flights);
        let ranks = ranked.iter().enumerate().map(|(at, flight)| (Some(at + 1), *flight));
        let all: Vec<_> = ranks.chain(rest.iter().map(|flight| (None, *flight))).collect();
        let shown = all.iter().enumerate().filter(|(at, (_, flight))| *at < SHOWN_MAX || is_asked(flight));
        let rows: Vec<AlternativeView> =
            shown.map(|(_, (rank, flight))| AlternativeView::new(*rank, flight, past, airports, texts)).collect();
        let AskedFlight { origin, dest, date, .. } = asked;
        let since = year_before(of_the_day.until).max(facts.first_day);
        let (flights, first, last) = (history_name(&facts.name, texts), texts.day(since), texts.day(of_the_day.until));
        let source =
            say!(texts, "others-source", flights = flights, origin = *origin, dest = *dest, first = first, last = last);
        let hidden = all.len() - rows.len();
        let more = (hidden > 0).then(|| say!(texts, "more-not-shown", count = hidden));
        let few = (!rest.is_empty()).then(|| say!(texts, "others-few", least = RANKED_LANDINGS_MIN));
        let remark = more.into_iter().chain(few).chain([say!(texts, "others-chance")]);
        let remark = remark.collect::<Vec<_>>().join(" ");
        let heading = say!(texts, "others-heading", weekday = date.weekday().number_from_monday());
        Some(AlternativesView { heading, source, rows, remark })
    }
}

impl AlternativeView {
    fn new(
        rank: Option<usize>,
        flight: &RouteFlight,
        PastFlights { asked, .. }: &PastFlights,
        airports: &Airports,
        texts: Texts,
    ) -> Self {
        let RouteFlight { carrier, number, schedule, figures, .. } = flight;
        let AskedFlight { origin, dest, date, .. } = *asked;
        let label = format!("{carrier} {number}");
        // The form reads phrases of each language.
        let phrase =
            say!(texts, "phrase-flight-day", flight = &label, origin = origin, dest = dest, day = texts.day(date));
        let late = figures.share(DelayClass::VeryLate);
        AlternativeView {
            rank,
            label,
            airline: airline_name(*carrier, airports),
            url: search_url(FORM_PATH, &[(PHRASE, phrase)]),
            departs: schedule.map(|schedule| time::to_text(schedule.dep_min)),
            landed: texts.number(figures.arrived()),
            late: late.map_or("–".to_owned(), |late| texts.percent(100.0 * late)),
            bar: shares(figures, texts),
            is_asked: (*carrier, Some(*number)) == (asked.carrier, asked.number),
        }
    }
}

/// The flights with enough landings, the least late first, and the others, those with most landings first. Equal ones
/// stay in the order of departure.
fn ranked(flights: &[RouteFlight]) -> (Vec<&RouteFlight>, Vec<&RouteFlight>) {
    let is_ranked = |flight: &&RouteFlight| flight.figures.arrived() >= RANKED_LANDINGS_MIN;
    let (mut ranked, mut rest): (Vec<_>, Vec<_>) = flights.iter().partition(is_ranked);
    let late = |flight: &RouteFlight| flight.figures.share(DelayClass::VeryLate).unwrap_or(1.0);
    ranked.sort_by(|one, other| late(one).total_cmp(&late(other)));
    rest.sort_by_key(|flight| Reverse(flight.figures.arrived()));
    (ranked, rest)
}

/// The first of 365 days up to a day.
fn year_before(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(364)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use delaycast::explore::{Figures, HistoryFacts, RouteFlights};

    use super::*;
    use crate::texts::Language;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// A flight of JetBlue with some landings, a share of which is late.
    fn flight(number: u32, landed: u64, late: u64) -> RouteFlight {
        RouteFlight {
            carrier: "B6".parse().unwrap(),
            number,
            schedule: None,
            last_day: day("2013-12-30"),
            figures: Figures { flights: landed, classes: [0, 0, landed - late, late], ..Figures::default() },
        }
    }

    fn view(flights: Vec<RouteFlight>, asked: u32) -> Option<AlternativesView> {
        view_in(Language::English, flights, asked)
    }

    fn view_in(language: Language, flights: Vec<RouteFlight>, asked: u32) -> Option<AlternativesView> {
        let none = Figures::default();
        let past = PastFlights {
            asked: AskedFlight {
                carrier: "B6".parse().unwrap(),
                number: Some(asked),
                origin: "JFK".parse().unwrap(),
                dest: "SFO".parse().unwrap(),
                date: day("2013-12-23"),
                hour: None,
            },
            facts: HistoryFacts {
                name: "flights from New York".to_owned(),
                figures: none,
                first_day: day("2013-02-01"),
                last_day: day("2013-12-31"),
            },
            flight: None,
            airline_on_route: none,
            route: none,
            airline: none,
            hour: None,
            of_the_day: Some(RouteFlights { until: day("2013-12-30"), flights }),
        };
        AlternativesView::new(&past, &Airports::default(), Texts::of(language))
    }

    fn shown(view: &AlternativesView) -> Vec<(Option<usize>, &str, &str)> {
        view.rows.iter().map(|row| (row.rank, row.label.as_str(), row.late.as_str())).collect()
    }

    #[test]
    fn the_least_late_flight_comes_first_and_one_that_seldom_landed_has_no_rank() {
        let view = view(vec![flight(1, 100, 30), flight(2, 200, 20), flight(3, 29, 0), flight(4, 100, 30)], 4).unwrap();
        assert_eq!(
            shown(&view),
            [
                (Some(1), "B6 2", "10\u{a0}%"),
                (Some(2), "B6 1", "30\u{a0}%"),
                (Some(3), "B6 4", "30\u{a0}%"),
                (None, "B6 3", "0\u{a0}%"),
            ]
        );
        assert_eq!(view.rows.iter().position(|row| row.is_asked), Some(2));
        assert_eq!(
            view.rows[0].url,
            "/flights/delays/predict_kafka?Flight=B6%202%20from%20JFK%20to%20SFO%20on%2023%20December%202013"
        );
        assert_eq!(
            view.source,
            "Of the flights from New York: JFK to SFO, 1 February 2013 to 30 December 2013, all days."
        );
        assert_eq!(view.remark, "Flights that landed fewer than 30 times have no rank. Small differences are chance.");
    }

    #[test]
    fn a_spanish_page_leads_to_a_phrase_in_spanish() {
        let view = view_in(Language::Spanish, vec![flight(1, 1000, 300), flight(2, 200, 20)], 1).unwrap();
        assert_eq!(view.heading, "Otros vuelos de los lunes");
        assert_eq!(
            view.rows[0].url,
            "/flights/delays/predict_kafka?Flight=B6%202%20de%20JFK%20a%20SFO%20el%2023%20de%20diciembre%20de%202013"
        );
        assert_eq!(
            view.source,
            "De los vuelos desde Nueva York: JFK a SFO, del 1 de febrero de 2013 al 30 de diciembre de 2013, todos los \
             días."
        );
    }

    #[test]
    fn of_many_flights_the_first_are_shown_and_the_one_that_was_asked_about() {
        let view = view((1..=20).map(|number| flight(number, 100, u64::from(number))).collect(), 17).unwrap();
        assert_eq!(shown(&view).last(), Some(&(Some(17), "B6 17", "17\u{a0}%")));
        assert_eq!(view.rows.len(), SHOWN_MAX + 1);
        assert!(view.remark.starts_with("11 more are not shown."));
    }

    #[test]
    fn a_flight_without_another_has_no_alternatives() {
        assert!(view(vec![flight(1, 100, 30)], 1).is_none());
        assert!(view(vec![flight(1, 100, 30)], 2).is_some());
    }
}
