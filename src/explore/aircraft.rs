//! Aircraft: the search for them, one of them with its flights, and the manufacturers.

use rusqlite::{OptionalExtension, Row, named_params};

use super::{
    error::ExploreError,
    figures::{Figures, count},
    index::Index,
    search::{FlightFilter, FlightPage, OFFSET_MAX, Order, PAGE_MAX, code},
};
use crate::{flight::Code, history::AircraftFacts};

/// Upper bound on the airlines of an aircraft.
const AIRLINES_MAX: u32 = 50;
/// Upper bound on manufacturers.
const MANUFACTURERS_MAX: u32 = 500;

/// An aircraft of the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Aircraft {
    /// Tail number.
    pub tail: Code,
    /// The facts of the registry.
    pub facts: AircraftFacts,
    /// Its flights.
    pub figures: Figures,
}

/// The number of flights for each airline.
pub type FlightsByAirline = Vec<(Code, u64)>;

/// The aircraft that are searched for: those that have all these values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AircraftFilter {
    /// A part of the tail number, in any case.
    pub tail: Option<String>,
    /// A part of the manufacturer's name, in any case.
    pub manufacturer: Option<String>,
    /// A part of the model's name, in any case.
    pub model: Option<String>,
    /// Year of manufacture.
    pub year: Option<u16>,
    /// A part of the engine's kind, in any case.
    pub engine: Option<String>,
    /// The airline that it flew for.
    pub carrier: Option<Code>,
}

/// A page of a search.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AircraftPage {
    /// The aircraft, by manufacturer, model and tail number; those without these facts last.
    pub aircraft: Vec<Aircraft>,
    /// The number of all aircraft that were found.
    pub total: u64,
}

/// The aircraft of a manufacturer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManufacturerTotal {
    /// The name; `None` is of the aircraft that the registry lacks.
    pub manufacturer: Option<String>,
    /// The number of aircraft.
    pub aircraft: u64,
}

/// Reads a row of the table of aircraft.
pub(super) fn read_aircraft(row: &Row<'_>) -> rusqlite::Result<Aircraft> {
    Ok(Aircraft {
        tail: code(row, 1)?,
        facts: AircraftFacts {
            year: row.get(2)?,
            kind: row.get(3)?,
            manufacturer: row.get(4)?,
            model: row.get(5)?,
            engines: row.get(6)?,
            seats: row.get(7)?,
            engine: row.get(8)?,
        },
        figures: Figures::read(row, 9)?,
    })
}

/// The order of aircraft, those without facts last.
pub(super) const IN_ORDER: &str = "ORDER BY a.manufacturer IS NULL, a.manufacturer, a.model, a.tail";

/// The condition of an [`AircraftFilter`]; `instr` finds a text as it is written, so that no character is a pattern.
const CHOSEN: &str = "FROM aircraft a WHERE (:tail IS NULL OR instr(upper(a.tail), upper(:tail)) > 0) \
    AND (:manufacturer IS NULL OR instr(upper(a.manufacturer), upper(:manufacturer)) > 0) \
    AND (:model IS NULL OR instr(upper(a.model), upper(:model)) > 0) \
    AND (:engine IS NULL OR instr(upper(a.engine), upper(:engine)) > 0) \
    AND (:year IS NULL OR a.year = :year) \
    AND (:carrier IS NULL OR EXISTS (SELECT 1 FROM fleet WHERE carrier = :carrier AND aircraft = a.id))";

impl Index {
    /// Searches for aircraft. Skips `offset` of them, at most [`OFFSET_MAX`].
    pub fn search_aircraft(
        &self,
        filter: &AircraftFilter,
        offset: u32,
        limit: u32,
    ) -> Result<AircraftPage, ExploreError> {
        let (offset, limit) = (offset.min(OFFSET_MAX), limit.min(PAGE_MAX));
        self.query(|connection| {
            let carrier = filter.carrier.as_ref().map(Code::as_str);
            let values = named_params! {
                ":tail": filter.tail, ":manufacturer": filter.manufacturer, ":model": filter.model,
                ":engine": filter.engine, ":year": filter.year, ":carrier": carrier,
            };
            let total: i64 =
                connection.prepare_cached(&format!("SELECT count(*) {CHOSEN}"))?.query_row(values, |row| row.get(0))?;
            let sql = format!("SELECT a.* {CHOSEN} {IN_ORDER} LIMIT {limit} OFFSET {offset}");
            let mut select = connection.prepare(&sql)?;
            let aircraft = select.query_map(values, read_aircraft)?.collect::<rusqlite::Result<_>>()?;
            Ok(AircraftPage { aircraft, total: count(total) })
        })
    }

    /// Returns an aircraft and the airlines that it flew for, those with most flights first; `None` if the history has
    /// no flight of it.
    pub fn aircraft(&self, tail: Code) -> Result<Option<(Aircraft, FlightsByAirline)>, ExploreError> {
        self.query(|connection| {
            let mut find = connection.prepare_cached("SELECT a.*, a.id FROM aircraft a WHERE a.tail = ?1")?;
            let found = find.query_row([tail.as_str()], |row| Ok((read_aircraft(row)?, row.get::<_, i64>(0)?)));
            let Some((aircraft, id)) = found.optional()? else { return Ok(None) };
            let sql = format!(
                "SELECT carrier, flights FROM fleet INDEXED BY fleet_aircraft WHERE aircraft = ?1 \
                 ORDER BY flights DESC, carrier LIMIT {AIRLINES_MAX}"
            );
            let mut select = connection.prepare_cached(&sql)?;
            let airlines = select.query_map([id], |row| Ok((code(row, 0)?, count(row.get(1)?))))?;
            Ok(Some((aircraft, airlines.collect::<rusqlite::Result<_>>()?)))
        })
    }

    /// Returns the flights of an aircraft, latest first. Skips `offset` of them, at most [`OFFSET_MAX`].
    pub fn aircraft_flights(&self, tail: Code, offset: u32, limit: u32) -> Result<FlightPage, ExploreError> {
        let filter = FlightFilter { tail: Some(tail), ..FlightFilter::default() };
        self.flights_in_order(&filter, Order::Latest, offset, limit)
    }

    /// Returns the number of aircraft of each manufacturer, most first.
    pub fn manufacturers(&self) -> Result<Vec<ManufacturerTotal>, ExploreError> {
        let sql = format!(
            "SELECT manufacturer, count(*) FROM aircraft GROUP BY manufacturer \
             ORDER BY count(*) DESC, manufacturer LIMIT {MANUFACTURERS_MAX}"
        );
        self.query(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let manufacturers = select.query_map([], |row| {
                Ok(ManufacturerTotal { manufacturer: row.get(0)?, aircraft: count(row.get(1)?) })
            })?;
            manufacturers.collect()
        })
    }
}
