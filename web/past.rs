//! The flights of the history beside an answer: those of its number, route, airline and hour, and the others of its
//! route and day of the week.

use chrono::{Datelike, NaiveDate};
use delaycast::{
    explore::{ExploreError, FigureSubject, Figures, HistoryFacts, Index, RouteFlights},
    flight::Code,
    request::Field,
};

use crate::flight_form::FlightForm;

/// A flight that was asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AskedFlight {
    pub(crate) carrier: Code,
    pub(crate) number: Option<u32>,
    pub(crate) origin: Code,
    pub(crate) dest: Code,
    pub(crate) date: NaiveDate,
    /// The hour of the scheduled departure.
    pub(crate) hour: Option<u16>,
}

impl AskedFlight {
    /// Reads an answered request; `None` if it is none of flights.
    pub(crate) fn of(form: &FlightForm) -> Option<Self> {
        Some(AskedFlight {
            carrier: form.code(Field::Carrier)?,
            number: form.text(Field::FlightNum).trim().parse().ok(),
            origin: form.code(Field::Origin)?,
            dest: form.code(Field::Dest)?,
            date: form.date()?,
            hour: form.departs().ok().flatten().map(|minute| minute / 60),
        })
    }
}

/// Figures of the history beside an answer.
#[derive(Debug)]
pub(crate) struct PastFlights {
    pub(crate) asked: AskedFlight,
    pub(crate) facts: HistoryFacts,
    /// Of the flight number on the route, if it has one.
    pub(crate) flight: Option<Figures>,
    /// Of the airline on the route.
    pub(crate) airline_on_route: Figures,
    /// Of all airlines on the route.
    pub(crate) route: Figures,
    /// Of the airline.
    pub(crate) airline: Figures,
    /// Of departures from the airport in the hour, if the departure is known.
    pub(crate) hour: Option<Figures>,
    /// The flights of the route on the same day of the week, if there are any.
    pub(crate) of_the_day: Option<RouteFlights>,
}

impl PastFlights {
    /// Asks the history about a flight.
    pub(crate) fn find(index: &Index, asked: AskedFlight) -> Result<Self, ExploreError> {
        let AskedFlight { carrier, number, origin, dest, date, hour } = asked;
        let flight = number.map(|number| FigureSubject::Flight { carrier, number, origin, dest });
        let hour = hour.map(|hour| FigureSubject::Hour { origin: Some(origin), carrier: None, hour });
        let route = |carrier| index.figures(FigureSubject::Route { origin, dest, carrier });
        Ok(PastFlights {
            asked,
            facts: index.facts().clone(),
            flight: flight.map(|subject| index.figures(subject)).transpose()?,
            airline_on_route: route(Some(carrier))?,
            route: route(None)?,
            airline: index.figures(FigureSubject::Airline(carrier))?,
            hour: hour.map(|subject| index.figures(subject)).transpose()?,
            of_the_day: index.route_flights(origin, dest, date.weekday().num_days_from_monday())?,
        })
    }
}
