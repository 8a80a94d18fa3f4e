//! Schedules: of a flight number on a day, and of a route on a day of the week.

use chrono::{Datelike, NaiveDate};
use rusqlite::{Connection, named_params};

use super::{
    error::ExploreError,
    figures::{COLUMN_COUNT, Figures, of_flights},
    index::{Index, day},
    search::code,
};
use crate::flight::{Code, Schedule};

/// Days of one day of the week that a usual schedule is taken from.
const USUAL_DAYS: usize = 12;
/// Upper bound on the flights of a number that are looked at for a usual schedule: some legs on each of the days.
const USUAL_FLIGHTS_MAX: u32 = 200;
/// Days before the last flight of a route that its list of flights is taken from: half a year of schedules.
const ROUTE_DAYS: i32 = 182;
/// Days up to the last flight of a route that the figures of its flights are of: a year, with all seasons.
const FIGURE_DAYS: i32 = 365;
/// Upper bound on the flights in the list of a route.
const ROUTE_FLIGHTS_MAX: u32 = 500;

/// A leg of a flight number, as it is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduledLeg {
    /// Airport of departure.
    pub origin: Code,
    /// Airport of arrival.
    pub dest: Code,
    /// Scheduled local times, if the history has them.
    pub schedule: Option<Schedule>,
}

/// The schedule of a flight number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsualSchedule {
    /// The legs, in the order of departure; never none.
    pub legs: Vec<ScheduledLeg>,
    /// The day of the history that it is taken from: the day that was asked for, or the latest with this schedule.
    pub seen_on: NaiveDate,
    /// It is of the day that was asked for.
    pub is_of_the_day: bool,
}

/// The flights of a route on a day of the week.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteFlights {
    /// The last day of the route. The figures are of the year up to it.
    pub until: NaiveDate,
    /// The flights, in the order of departure.
    pub flights: Vec<RouteFlight>,
}

/// A flight number on a route.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteFlight {
    /// Airline.
    pub carrier: Code,
    /// Flight number.
    pub number: u32,
    /// Its latest schedule on the day of the week, if the history has it.
    pub schedule: Option<Schedule>,
    /// The day of its last flight on that day of the week.
    pub last_day: NaiveDate,
    /// Its flights in the last year of the route, on all days of the week.
    pub figures: Figures,
}

fn schedule(dep: Option<u16>, arr: Option<u16>) -> Option<Schedule> {
    let schedule = Schedule { dep_min: dep?, arr_min: arr? };
    schedule.is_valid().then_some(schedule)
}

/// The day of the week in SQL, Monday 0, of a number of days since 1970, which began on a Thursday. The history begins
/// after that.
const WEEKDAY: &str = "((f.day + 3) % 7)";

fn weekday(date: NaiveDate) -> u32 {
    date.weekday().num_days_from_monday()
}

impl Index {
    /// Returns the schedule of a flight number on a day of the history; if it did not fly then, its most frequent one
    /// on the last days with the same day of the week before it, or else on the first ones after it. Of equally
    /// frequent ones the one of the nearest day is taken. `None` if it never flew on such a day.
    pub fn usual_schedule(
        &self,
        carrier: Code,
        number: u32,
        date: NaiveDate,
    ) -> Result<Option<UsualSchedule>, ExploreError> {
        self.query(|connection| {
            let before = schedules(connection, carrier, number, date, Side::UpTo)?;
            let days =
                if before.is_empty() { schedules(connection, carrier, number, date, Side::After)? } else { before };
            let usual = match days.first() {
                Some((nearest, legs)) if *nearest == date => Some((*nearest, legs)),
                _ => most_frequent(&days),
            };
            Ok(usual.map(|(seen_on, legs)| UsualSchedule {
                legs: legs.clone(),
                seen_on,
                is_of_the_day: seen_on == date,
            }))
        })
    }

    /// Returns the flights of a route on a day of the week, Monday 0: those that flew on one within the last half year
    /// of the route. `None` without any.
    pub fn route_flights(&self, origin: Code, dest: Code, weekday: u32) -> Result<Option<RouteFlights>, ExploreError> {
        let on_the_day = format!("{WEEKDAY} = :weekday");
        let sql = format!(
            "WITH of_route AS (SELECT id, carrier, last FROM service WHERE origin = :origin AND dest = :dest), \
             until AS (SELECT day FROM flight WHERE id = (SELECT max(last) FROM of_route)) \
             SELECT {}, s.carrier, f.number, f.dep, f.arr, f.day, (SELECT day FROM until), max(({on_the_day}) * f.id) \
             FROM of_route s JOIN flight f INDEXED BY flight_service ON f.service = s.id \
             WHERE f.number IS NOT NULL AND f.day > (SELECT day FROM until) - {FIGURE_DAYS} \
             GROUP BY s.carrier, f.number \
             HAVING total(({on_the_day}) AND f.day > (SELECT day FROM until) - {ROUTE_DAYS}) > 0 \
             ORDER BY f.dep IS NULL, f.dep, s.carrier, f.number LIMIT {ROUTE_FLIGHTS_MAX}",
            of_flights()
        );
        self.query(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let values = named_params! { ":origin": origin.as_str(), ":dest": dest.as_str(), ":weekday": weekday };
            // Beside max(), SQLite takes the other columns from the row that has it: the latest flight on that day.
            let flights = select.query_map(values, |row| {
                let [number, dep, arr, last, until] = [1, 2, 3, 4, 5].map(|at| COLUMN_COUNT + at);
                let flight = RouteFlight {
                    carrier: code(row, COLUMN_COUNT)?,
                    number: row.get(number)?,
                    schedule: schedule(row.get(dep)?, row.get(arr)?),
                    last_day: day(row.get(last)?),
                    figures: Figures::read(row, 0)?,
                };
                Ok((day(row.get(until)?), flight))
            })?;
            let flights: Vec<_> = flights.collect::<Result<_, _>>()?;
            let until = flights.first().map(|(until, _)| *until);
            Ok(until.map(|until| RouteFlights { until, flights: flights.into_iter().map(|(_, it)| it).collect() }))
        })
    }
}

/// The legs of a flight number on a day.
type DayLegs = (NaiveDate, Vec<ScheduledLeg>);

/// The days that are looked at, nearest first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The day and those before it.
    UpTo,
    /// Those after it.
    After,
}

/// Returns the legs of a flight number on each of the nearest days with the same day of the week.
fn schedules(
    connection: &Connection,
    carrier: Code,
    number: u32,
    date: NaiveDate,
    side: Side,
) -> rusqlite::Result<Vec<DayLegs>> {
    let (comparison, order) = if side == Side::UpTo { ("<=", "DESC") } else { (">", "ASC") };
    let sql = format!(
        "SELECT f.day, s.origin, s.dest, f.dep, f.arr FROM flight f INDEXED BY flight_number \
         JOIN service s ON s.id = f.service WHERE f.number = :number AND s.carrier = :carrier \
         AND f.day {comparison} :day AND {WEEKDAY} = :weekday ORDER BY f.id {order} LIMIT {USUAL_FLIGHTS_MAX}"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let values = named_params! {
        ":number": number, ":carrier": carrier.as_str(), ":day": date.to_epoch_days(), ":weekday": weekday(date),
    };
    let mut rows = select.query(values)?;
    let mut days: Vec<DayLegs> = Vec::new();
    while let Some(row) = rows.next()? {
        let at = day(row.get(0)?);
        let schedule = schedule(row.get(3)?, row.get(4)?);
        let leg = ScheduledLeg { origin: code(row, 1)?, dest: code(row, 2)?, schedule };
        let known = days.len();
        match days.last_mut() {
            Some((last, legs)) if *last == at => legs.push(leg),
            _ if known == USUAL_DAYS => break,
            _ => days.push((at, vec![leg])),
        }
    }
    if side == Side::UpTo {
        days.iter_mut().for_each(|(_, legs)| legs.reverse());
    }
    Ok(days)
}

/// Returns the legs that most days have, and the first of these days; of equally frequent ones those of the first day.
fn most_frequent(days: &[DayLegs]) -> Option<(NaiveDate, &Vec<ScheduledLeg>)> {
    let mut best: Option<(usize, &DayLegs)> = None;
    for candidate in days {
        let same = days.iter().filter(|(_, legs)| *legs == candidate.1).count();
        if best.is_none_or(|(most, _)| same > most) {
            best = Some((same, candidate));
        }
    }
    best.map(|(_, (date, legs))| (*date, legs))
}
