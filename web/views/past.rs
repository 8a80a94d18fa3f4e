//! The flights of the history beside an answer, as a table, and the reasons why they say little about it.

use chrono::Datelike;
use delaycast::{airports::Airports, explore::Figures};
use serde::Serialize;

use super::{
    alternatives::AlternativesView,
    charts::shares,
    history::{airline_name, airline_url, airport_name, history_name, search_url},
};
use crate::{
    past::{AskedFlight, PastFlights},
    texts::{Texts, say},
};

/// A history that ends more years than this before the flight is one of another time.
const YEARS_MAX: i32 = 1;

/// The flights of the history beside an answer.
#[derive(Debug, Serialize)]
pub(crate) struct PastView {
    /// `336,776 flights from New York, 1 January 2013 to 31 December 2013`.
    source: String,
    /// The reasons why they say little about the flight.
    warnings: Vec<String>,
    rows: Vec<RowView>,
    /// The other flights of the route; `None` if the history has none on that day of the week.
    alternatives: Option<AlternativesView>,
}

/// Flights that have something in common with the one that was asked about.
#[derive(Debug, Serialize)]
struct RowView {
    label: String,
    url: Option<String>,
    flights: String,
    not_very_late: String,
    bar: String,
}

impl PastView {
    pub(crate) fn new(past: &PastFlights, airports: &Airports, texts: Texts) -> Self {
        let PastFlights { asked, facts, flight, airline_on_route, route, airline, hour, .. } = past;
        let AskedFlight { carrier, number, origin, dest, .. } = *asked;
        let airline_name = airline_name(carrier, airports);
        let named = &airline_name;
        let search = |parameters: &[(&str, String)]| Some(search_url("/flights/search", parameters));
        let on_route = [("Origin", origin.to_string()), ("Dest", dest.to_string())];
        let of_airline = [&[("Carrier", carrier.to_string())], &on_route[..]].concat();
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        let of_number = [&[("FlightNum", number.clone())], &of_airline[..]].concat();
        let rows = [
            flight.map(|figures| {
                let label = say!(texts, "past-flight", flight = format!("{carrier} {number}"));
                (label, search(&of_number), figures)
            }),
            Some((say!(texts, "past-airline-route", airline = named), search(&of_airline), *airline_on_route)),
            Some((say!(texts, "past-route", origin = origin, dest = dest), search(&on_route), *route)),
            Some((say!(texts, "past-airline", airline = named), Some(airline_url(carrier)), *airline)),
            hour.zip(asked.hour).map(|(figures, hour)| {
                let (from, to) = (format!("{hour:02}:00"), format!("{hour:02}:59"));
                let airport = airport_name(origin, airports);
                let label = say!(texts, "past-hour", airport = airport, from = from, to = to);
                (label, search(&on_route[..1]), figures)
            }),
        ];
        let row = |(label, url, figures): (String, Option<String>, Figures)| RowView {
            label,
            url: url.filter(|_| figures.flights > 0),
            flights: texts.number(figures.flights),
            not_very_late: figures.share_not_very_late().map_or("–".to_owned(), |share| texts.percent(100.0 * share)),
            bar: shares(&figures, texts),
        };
        PastView {
            source: say!(
                texts,
                "past-source",
                count = facts.figures.flights,
                flights = history_name(&facts.name, texts),
                first = texts.day(facts.first_day),
                last = texts.day(facts.last_day)
            ),
            warnings: warnings(past, named, airports, texts),
            rows: rows.into_iter().flatten().map(row).collect(),
            alternatives: AlternativesView::new(past, airports, texts),
        }
    }
}

fn warnings(past: &PastFlights, airline: &str, airports: &Airports, texts: Texts) -> Vec<String> {
    let PastFlights { asked, facts, airline_on_route, route, airline: of_airline, .. } = past;
    let years = asked.date.year() - facts.last_day.year();
    let (origin, dest) = (airport_name(asked.origin, airports), airport_name(asked.dest, airports));
    let seen = match (of_airline.flights, route.flights, airline_on_route.flights) {
        (0, 0, _) => Some(say!(texts, "past-none-of-either", airline = airline, origin = origin, dest = dest)),
        (0, ..) => Some(say!(texts, "past-none-of-airline", airline = airline)),
        (_, 0, _) => Some(say!(texts, "past-none-of-route", origin = origin, dest = dest)),
        (.., 0) => Some(say!(texts, "past-not-on-route", airline = airline, origin = origin, dest = dest)),
        _ => None,
    };
    let old = (years > YEARS_MAX).then(|| say!(texts, "past-old", years = f64::from(years)));
    old.into_iter().chain(seen).collect()
}

#[cfg(test)]
mod tests {
    use delaycast::explore::HistoryFacts;

    use super::*;
    use crate::texts::Language;

    fn past(date: &str, [airline, route, airline_on_route]: [u64; 3]) -> PastFlights {
        let code = |text: &str| text.parse().unwrap();
        let figures = |flights| Figures { flights, classes: [0, flights, 0, 0], ..Figures::default() };
        let day = |text: &str| text.parse().unwrap();
        PastFlights {
            asked: AskedFlight {
                carrier: code("B6"),
                number: Some(915),
                origin: code("JFK"),
                dest: code("SFO"),
                date: day(date),
                hour: Some(19),
            },
            facts: HistoryFacts {
                name: "flights from New York".to_owned(),
                figures: figures(336_776),
                first_day: day("2013-01-01"),
                last_day: day("2013-12-31"),
            },
            flight: Some(figures(0)),
            airline_on_route: figures(airline_on_route),
            route: figures(route),
            airline: figures(airline),
            hour: Some(figures(7)),
            of_the_day: None,
        }
    }

    #[test]
    fn what_the_history_knows_is_counted_and_what_it_does_not_is_told() {
        let view =
            |date, counts| PastView::new(&past(date, counts), &Airports::default(), Texts::of(Language::English));
        let known = view("2014-12-30", [100, 50, 20]);
        assert_eq!(known.source, "336,776 flights from New York, 1 January 2013 to 31 December 2013");
        assert!(known.warnings.is_empty());
        let rows: Vec<_> = known.rows.iter().map(|row| (row.label.as_str(), row.flights.as_str())).collect();
        let expected = [
            ("B6 915 on this route", "0"),
            ("B6, this route", "20"),
            ("JFK to SFO, all airlines", "50"),
            ("B6, all routes", "100"),
            ("JFK from 19:00 to 19:59", "7"),
        ];
        assert_eq!(rows, expected);
        assert_eq!((known.rows[0].not_very_late.as_str(), &known.rows[0].url), ("–", &None));
        assert_eq!(known.rows[1].url.as_deref(), Some("/flights/search?Carrier=B6&Origin=JFK&Dest=SFO"));
        assert_eq!(
            view("2026-11-29", [100, 50, 20]).warnings,
            ["The last of them is 13 years older than your flight: airlines and schedules have changed since."]
        );
        for (counts, warning) in [
            ([0, 50, 0], "None of them is of B6."),
            ([100, 0, 0], "None of them goes from JFK to SFO."),
            ([0, 0, 0], "None of them is of B6, and none goes from JFK to SFO."),
            ([100, 50, 0], "B6 did not fly from JFK to SFO then."),
        ] {
            assert_eq!(view("2013-12-30", counts).warnings, [warning]);
        }
    }
}
