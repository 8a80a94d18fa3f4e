//! The search for flights: any combination of airline, day, number, airports and aircraft, in the order of departure.

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::{
    error::ExploreError,
    figures::{count, status_of},
    index::{Index, day},
};
use crate::{flight::Code, history::Flight};

/// Upper bound on the flights before a page of a search. Elasticsearch, which the old pages asked, has the same.
pub const OFFSET_MAX: u32 = 10_000;
/// Upper bound on the flights, or the aircraft, of a page.
pub(super) const PAGE_MAX: u32 = 500;
/// Flights of services up to which they are taken from the index of services and sorted. More are found faster by
/// going through all flights in their order: one in thirty is one of them.
const SORTED_MAX: i64 = 200_000;

/// The flights that are searched for: those that have all these values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlightFilter {
    /// Airline.
    pub carrier: Option<Code>,
    /// Local day of the scheduled departure.
    pub date: Option<NaiveDate>,
    /// Flight number.
    pub number: Option<u32>,
    /// Airport of departure.
    pub origin: Option<Code>,
    /// Scheduled destination.
    pub dest: Option<Code>,
    /// Tail number.
    pub tail: Option<Code>,
}

impl FlightFilter {
    /// Returns whether it is the same for all flights of a service.
    fn names_services(&self) -> bool {
        self.carrier.is_some() || self.origin.is_some() || self.dest.is_some()
    }
}

/// A page of a search.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FlightPage {
    /// The flights, in the order of their departure.
    pub flights: Vec<Flight>,
    /// The number of all flights that were found.
    pub total: u64,
}

/// The columns that [`read_flight`] reads, from [`JOINS`].
pub(super) const FLIGHT_COLUMNS: &str = "f.day, s.carrier, f.number, a.tail, s.origin, s.dest, f.dep, f.arr, \
    f.elapsed, f.dep_delay, f.arr_delay, f.air_time, f.distance, f.status";

/// The tables of a flight's values, joined to the table `flight`, called `f`.
pub(super) const JOINS: &str = "JOIN service s ON s.id = f.service LEFT JOIN aircraft a ON a.id = f.aircraft";

/// Reads the [`FLIGHT_COLUMNS`].
pub(super) fn read_flight(row: &Row<'_>) -> rusqlite::Result<Flight> {
    Ok(Flight {
        date: day(row.get(0)?),
        carrier: code(row, 1)?,
        flight_num: row.get(2)?,
        tail_num: row.get::<_, Option<String>>(3)?.and_then(|tail| tail.parse().ok()),
        origin: code(row, 4)?,
        dest: code(row, 5)?,
        crs_dep_min: row.get(6)?,
        crs_arr_min: row.get(7)?,
        crs_elapsed_min: row.get(8)?,
        dep_delay: row.get(9)?,
        arr_delay: row.get(10)?,
        air_time_min: row.get(11)?,
        distance: row.get(12)?,
        status: status_of(row.get(13)?),
    })
}

/// Reads a code.
pub(super) fn code(row: &Row<'_>, column: usize) -> rusqlite::Result<Code> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// The ids of the flights of a day; `None` without one.
fn ids_of_day(connection: &Connection, date: NaiveDate) -> rusqlite::Result<Option<RangeInclusive<i64>>> {
    let mut find = connection.prepare_cached("SELECT first, last FROM day WHERE day = ?1")?;
    find.query_row([date.to_epoch_days()], |row| Ok(row.get(0)?..=row.get(1)?)).optional()
}

/// The services of a filter: the number of their flights, and the ids of the first and the last.
struct Services {
    flights: i64,
    first: i64,
    last: i64,
}

/// The condition on services; a value that is `NULL` is any.
const OF_SERVICE: &str = "(:carrier IS NULL OR carrier = :carrier) AND (:origin IS NULL OR origin = :origin) \
    AND (:dest IS NULL OR dest = :dest)";

fn services(connection: &Connection, filter: &FlightFilter) -> rusqlite::Result<Services> {
    let sql = format!(
        "SELECT coalesce(sum(flights), 0), coalesce(min(first), 0), coalesce(max(last), -1) FROM service \
         WHERE {OF_SERVICE}"
    );
    let [carrier, origin, dest] = texts(filter);
    let values = named_params! { ":carrier": carrier, ":origin": origin, ":dest": dest };
    let read = |row: &Row<'_>| Ok(Services { flights: row.get(0)?, first: row.get(1)?, last: row.get(2)? });
    connection.prepare_cached(&sql)?.query_row(values, read)
}

fn texts(filter: &FlightFilter) -> [Option<&str>; 3] {
    [&filter.carrier, &filter.origin, &filter.dest].map(|code| code.as_ref().map(Code::as_str))
}

/// The way to the ids of flights.
enum Access {
    /// By the flight number.
    Number,
    /// By the aircraft.
    Aircraft(i64),
    /// By the index of services, sorted.
    Services,
    /// Through all flights of a range, in their order.
    Range,
}

/// The order of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Earliest departure first.
    Earliest,
    /// Latest departure first.
    Latest,
}

impl Index {
    /// Searches for flights. Skips `offset` of them, at most [`OFFSET_MAX`].
    pub fn search_flights(&self, filter: &FlightFilter, offset: u32, limit: u32) -> Result<FlightPage, ExploreError> {
        self.flights_in_order(filter, Order::Earliest, offset, limit)
    }

    /// Returns the flights of an airline under a number on a day: one for each leg, in the order of departure.
    pub fn flight_records(&self, carrier: Code, number: u32, date: NaiveDate) -> Result<Vec<Flight>, ExploreError> {
        let filter =
            FlightFilter { carrier: Some(carrier), number: Some(number), date: Some(date), ..FlightFilter::default() };
        Ok(self.search_flights(&filter, 0, PAGE_MAX)?.flights)
    }

    pub(super) fn flights_in_order(
        &self,
        filter: &FlightFilter,
        order: Order,
        offset: u32,
        limit: u32,
    ) -> Result<FlightPage, ExploreError> {
        let (offset, limit) = (offset.min(OFFSET_MAX), limit.min(PAGE_MAX));
        self.query(|connection| find(connection, filter, order, offset, limit))
    }
}

fn find(
    connection: &Connection,
    filter: &FlightFilter,
    order: Order,
    offset: u32,
    limit: u32,
) -> rusqlite::Result<FlightPage> {
    let services = services(connection, filter)?;
    let mut ids = services.first..=services.last;
    if let Some(date) = filter.date {
        match ids_of_day(connection, date)? {
            Some(of_day) => ids = *ids.start().max(of_day.start())..=*ids.end().min(of_day.end()),
            None => return Ok(FlightPage::default()),
        }
    }
    if ids.is_empty() {
        return Ok(FlightPage::default());
    }
    let access = match (filter.tail, filter.number) {
        (Some(tail), _) => {
            let mut find = connection.prepare_cached("SELECT id FROM aircraft WHERE tail = ?1")?;
            match find.query_row([tail.as_str()], |row| row.get(0)).optional()? {
                Some(aircraft) => Access::Aircraft(aircraft),
                None => return Ok(FlightPage::default()),
            }
        }
        (None, Some(_)) => Access::Number,
        (None, None) if filter.date.is_none() && filter.names_services() && services.flights <= SORTED_MAX => {
            Access::Services
        }
        (None, None) => Access::Range,
    };
    let of_services = if filter.names_services() {
        format!("AND f.service IN (SELECT id FROM service WHERE {OF_SERVICE})")
    } else {
        // All values are bound below; these are any.
        "AND :carrier IS NULL AND :origin IS NULL AND :dest IS NULL".to_owned()
    };
    let (index, condition) = match access {
        Access::Number => ("INDEXED BY flight_number", "f.number = :number AND :aircraft IS NULL"),
        Access::Aircraft(_) => {
            ("INDEXED BY flight_aircraft", "f.aircraft = :aircraft AND (:number IS NULL OR f.number = :number)")
        }
        Access::Services => ("INDEXED BY flight_service", ":number IS NULL AND :aircraft IS NULL"),
        Access::Range => ("NOT INDEXED", ":number IS NULL AND :aircraft IS NULL"),
    };
    let chosen = format!("FROM flight f {index} WHERE {condition} {of_services} AND f.id BETWEEN :first AND :last");
    let aircraft = if let Access::Aircraft(id) = access { Some(id) } else { None };
    let [carrier, origin, dest] = texts(filter);
    let values = named_params! {
        ":carrier": carrier, ":origin": origin, ":dest": dest, ":number": filter.number, ":aircraft": aircraft,
        ":first": ids.start(), ":last": ids.end(),
    };
    let total = match access {
        // The sums have them.
        Access::Services => services.flights,
        Access::Range if filter.date.is_none() => services.flights,
        _ => connection.prepare_cached(&format!("SELECT count(*) {chosen}"))?.query_row(values, |row| row.get(0))?,
    };
    let direction = if order == Order::Earliest { "ASC" } else { "DESC" };
    // Without conditions the ids have no gaps.
    let sql = format!(
        "SELECT {FLIGHT_COLUMNS} FROM flight f {JOINS} \
         WHERE f.id IN (SELECT f.id {chosen} ORDER BY f.id {direction} LIMIT :limit OFFSET :offset) \
         ORDER BY f.id {direction}"
    );
    let values: Vec<(&str, &dyn rusqlite::ToSql)> =
        values.iter().copied().chain([(":limit", &limit as _), (":offset", &offset as _)]).collect();
    let mut select = connection.prepare_cached(&sql)?;
    let flights = select.query_map(&*values, read_flight)?.collect::<rusqlite::Result<_>>()?;
    Ok(FlightPage { flights, total: count(total) })
}
