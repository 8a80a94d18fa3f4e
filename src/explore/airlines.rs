//! Airlines, months, hours, and the figures of any of them.

use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, named_params};

use super::{
    aircraft::{Aircraft, IN_ORDER, read_aircraft},
    error::ExploreError,
    figures::{COLUMN_COUNT, Figures, OF_SUMS, count, of_flights},
    index::{Index, day},
    search::code,
};
use crate::flight::Code;

/// Upper bound on airlines. BTS has had some 50.
const AIRLINES_MAX: u32 = 500;
/// Upper bound on months: those of a century.
const MONTHS_MAX: u32 = 1200;
/// Upper bound on the aircraft of a fleet.
const FLEET_MAX: u32 = 5000;
/// Upper bound on the routes that an airline's page names.
const ROUTES_MAX: u32 = 12;

/// An airline of the history.
#[derive(Debug, Clone, PartialEq)]
pub struct AirlineSummary {
    /// Its code.
    pub carrier: Code,
    /// The number of tail numbers that flew for it.
    pub aircraft: u64,
    /// Its flights.
    pub figures: Figures,
}

/// The flights of a month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MonthFigures {
    /// Year.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u32,
    /// The flights.
    pub figures: Figures,
}

/// The flights of an hour of the day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HourFigures {
    /// The hour of the scheduled departure, 0 to 23.
    pub hour: u32,
    /// The flights.
    pub figures: Figures,
}

/// The flights on a route.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteSummary {
    /// Airport of departure.
    pub origin: Code,
    /// Airport of arrival.
    pub dest: Code,
    /// The flights.
    pub figures: Figures,
}

/// An airline with its fleet and punctuality.
#[derive(Debug, Clone, PartialEq)]
pub struct Airline {
    /// Its code.
    pub carrier: Code,
    /// Its flights.
    pub figures: Figures,
    /// The day of its first flight in the history.
    pub first_day: NaiveDate,
    /// The day of its last flight in the history.
    pub last_day: NaiveDate,
    /// Its flights by month.
    pub months: Vec<MonthFigures>,
    /// Its flights by hour.
    pub hours: Vec<HourFigures>,
    /// The routes with most of its flights.
    pub routes: Vec<RouteSummary>,
    /// The number of its routes.
    pub route_count: u64,
    /// The aircraft that flew for it, by manufacturer, model and tail number; those without these facts last.
    pub fleet: Vec<Aircraft>,
}

/// The flights that figures are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FigureSubject {
    /// A flight number on a route.
    Flight {
        /// Airline.
        carrier: Code,
        /// Flight number.
        number: u32,
        /// Airport of departure.
        origin: Code,
        /// Airport of arrival.
        dest: Code,
    },
    /// The flights on a route, of one airline or all.
    Route {
        /// Airport of departure.
        origin: Code,
        /// Airport of arrival.
        dest: Code,
        /// The airline; `None` is all.
        carrier: Option<Code>,
    },
    /// All flights of an airline.
    Airline(Code),
    /// Departures from an airport, or from all, that are scheduled in an hour.
    Hour {
        /// The airport; `None` is all.
        origin: Option<Code>,
        /// The airline; `None` is all.
        carrier: Option<Code>,
        /// The hour, 0 to 23.
        hour: u16,
    },
}

impl Index {
    /// Returns the figures of flights of the history. Without such flights all counts are 0.
    pub fn figures(&self, subject: FigureSubject) -> Result<Figures, ExploreError> {
        self.query(|connection| match subject {
            FigureSubject::Flight { carrier, number, origin, dest } => {
                let sql = format!(
                    "SELECT {} FROM flight f INDEXED BY flight_number WHERE f.number = :number AND f.service IN \
                     (SELECT id FROM service WHERE carrier = :carrier AND origin = :origin AND dest = :dest)",
                    of_flights()
                );
                let values = named_params! {
                    ":number": number, ":carrier": carrier.as_str(), ":origin": origin.as_str(), ":dest": dest.as_str(),
                };
                connection.prepare_cached(&sql)?.query_row(values, |row| Figures::read(row, 0))
            }
            FigureSubject::Route { origin, dest, carrier } => {
                let sql = format!(
                    "SELECT {OF_SUMS} FROM service WHERE origin = :origin AND dest = :dest \
                     AND (:carrier IS NULL OR carrier = :carrier)"
                );
                let carrier = carrier.as_ref().map(Code::as_str);
                let values = named_params! { ":origin": origin.as_str(), ":dest": dest.as_str(), ":carrier": carrier };
                connection.prepare_cached(&sql)?.query_row(values, |row| Figures::read(row, 0))
            }
            FigureSubject::Airline(carrier) => {
                let sql = format!("SELECT {OF_SUMS} FROM service WHERE carrier = ?1");
                connection.prepare_cached(&sql)?.query_row([carrier.as_str()], |row| Figures::read(row, 0))
            }
            FigureSubject::Hour { origin, carrier, hour } => {
                let sql = format!(
                    "SELECT {OF_SUMS} FROM hour WHERE hour = :hour AND (:origin IS NULL OR origin = :origin) \
                     AND (:carrier IS NULL OR carrier = :carrier)"
                );
                let [origin, carrier] = [&origin, &carrier].map(|code| code.as_ref().map(Code::as_str));
                let values = named_params! { ":hour": hour, ":origin": origin, ":carrier": carrier };
                connection.prepare_cached(&sql)?.query_row(values, |row| Figures::read(row, 0))
            }
        })
    }

    /// Returns the airlines of the history, those with most flights first.
    pub fn airlines(&self) -> Result<Vec<AirlineSummary>, ExploreError> {
        let sql = format!(
            "SELECT {OF_SUMS}, carrier, (SELECT count(*) FROM fleet WHERE fleet.carrier = service.carrier) \
             FROM service GROUP BY carrier ORDER BY sum(flights) DESC, carrier LIMIT {AIRLINES_MAX}"
        );
        self.query(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let airlines = select.query_map([], |row| {
                Ok(AirlineSummary {
                    carrier: code(row, COLUMN_COUNT)?,
                    aircraft: count(row.get(COLUMN_COUNT + 1)?),
                    figures: Figures::read(row, 0)?,
                })
            })?;
            airlines.collect()
        })
    }

    /// Returns an airline; `None` if the history has no flight of it.
    pub fn airline(&self, carrier: Code) -> Result<Option<Airline>, ExploreError> {
        self.query(|connection| {
            let sql = format!(
                "WITH of_airline AS (SELECT * FROM service WHERE carrier = ?1) SELECT {OF_SUMS}, \
                 (SELECT day FROM flight WHERE id = (SELECT min(first) FROM of_airline)), \
                 (SELECT day FROM flight WHERE id = (SELECT max(last) FROM of_airline)), count(*) FROM of_airline \
                 HAVING count(*) > 0"
            );
            let read = |row: &rusqlite::Row<'_>| {
                let days = [row.get(COLUMN_COUNT)?, row.get(COLUMN_COUNT + 1)?];
                Ok((Figures::read(row, 0)?, days.map(day), count(row.get(COLUMN_COUNT + 2)?)))
            };
            let found = connection.prepare_cached(&sql)?.query_row([carrier.as_str()], read).optional()?;
            let Some((figures, [first_day, last_day], route_count)) = found else { return Ok(None) };
            Ok(Some(Airline {
                carrier,
                figures,
                first_day,
                last_day,
                months: months(connection, Some(carrier))?,
                hours: hours(connection, Some(carrier))?,
                routes: routes(connection, carrier)?,
                route_count,
                fleet: fleet(connection, carrier)?,
            }))
        })
    }

    /// Returns the flights of each month, in the order of time.
    pub fn months(&self) -> Result<Vec<MonthFigures>, ExploreError> {
        self.query(|connection| months(connection, None))
    }

    /// Returns the flights of each hour of the day that has some.
    pub fn hours(&self) -> Result<Vec<HourFigures>, ExploreError> {
        self.query(|connection| hours(connection, None))
    }
}

fn months(connection: &Connection, carrier: Option<Code>) -> rusqlite::Result<Vec<MonthFigures>> {
    let sql = format!(
        "SELECT {OF_SUMS}, year, month FROM month WHERE ?1 IS NULL OR carrier = ?1 GROUP BY year, month \
         ORDER BY year, month LIMIT {MONTHS_MAX}"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let months = select.query_map([carrier.as_ref().map(Code::as_str)], |row| {
        let [year, month] = [COLUMN_COUNT, COLUMN_COUNT + 1];
        Ok(MonthFigures { year: row.get(year)?, month: row.get(month)?, figures: Figures::read(row, 0)? })
    })?;
    months.collect()
}

fn hours(connection: &Connection, carrier: Option<Code>) -> rusqlite::Result<Vec<HourFigures>> {
    let sql = format!("SELECT {OF_SUMS}, hour FROM hour WHERE ?1 IS NULL OR carrier = ?1 GROUP BY hour ORDER BY hour");
    let mut select = connection.prepare_cached(&sql)?;
    let hours = select.query_map([carrier.as_ref().map(Code::as_str)], |row| {
        Ok(HourFigures { hour: row.get(COLUMN_COUNT)?, figures: Figures::read(row, 0)? })
    })?;
    hours.collect()
}

fn routes(connection: &Connection, carrier: Code) -> rusqlite::Result<Vec<RouteSummary>> {
    let sql = format!(
        "SELECT {OF_SUMS}, origin, dest FROM service WHERE carrier = ?1 GROUP BY origin, dest \
         ORDER BY sum(flights) DESC, origin, dest LIMIT {ROUTES_MAX}"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let routes = select.query_map([carrier.as_str()], |row| {
        let (origin, dest) = (code(row, COLUMN_COUNT)?, code(row, COLUMN_COUNT + 1)?);
        Ok(RouteSummary { origin, dest, figures: Figures::read(row, 0)? })
    })?;
    routes.collect()
}

fn fleet(connection: &Connection, carrier: Code) -> rusqlite::Result<Vec<Aircraft>> {
    let sql = format!(
        "SELECT a.* FROM fleet JOIN aircraft a ON a.id = fleet.aircraft WHERE fleet.carrier = ?1 \
         {IN_ORDER} LIMIT {FLEET_MAX}"
    );
    let mut select = connection.prepare_cached(&sql)?;
    select.query_map([carrier.as_str()], read_aircraft)?.collect()
}
