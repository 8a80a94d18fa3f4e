//! Writes an index: sorts the flights, writes them with their sums, makes the indexes, and renames the file.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process,
};

use engine::runtime::Stop;
use rusqlite::{Connection, Statement, ToSql, params, params_from_iter};

use super::{
    error::ExploreError,
    figures::{COLUMN_COUNT, COLUMNS, Figures, status_number},
    schema::{APPLICATION_ID, FORMAT, INDEXES, TABLES, WRITE_SETTINGS},
    source::Source,
    sums::Sums,
};
use crate::{
    flight::Code,
    history::{AircraftFacts, Flight, aircraft_registry},
};

/// Flights between two reports of the progress.
const REPORT_ROWS: usize = 32_768;
/// Percent of a build that reading the history takes, about.
const READ_PERCENT: usize = 20;
/// Percent of a build that writing the flights takes, about.
const WRITE_PERCENT: usize = 50;

/// Builds the index of a history as `file`. `report` is told the percentage done. Ends early when a stop is requested.
pub(super) fn build(
    source: &Source,
    fingerprint: &str,
    file: &Path,
    stop: &Stop,
    report: &dyn Fn(u8),
) -> Result<(), ExploreError> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(ExploreError::io(folder))?;
    }
    let unfinished = Unfinished::create(file)?;
    let history = source.read()?;
    if history.flights.is_empty() && history.unflown.is_empty() {
        return Err(ExploreError::Empty);
    }
    let mut flights: Vec<&Flight> = history.all().collect();
    flights.sort_unstable_by(|a, b| {
        let key = |flight: &Flight| (flight.date, flight.crs_dep_min, flight.carrier, flight.flight_num);
        key(a).cmp(&key(b)).then_with(|| a.cmp_all(b))
    });
    report(percent(READ_PERCENT));
    let database = ExploreError::database(file);
    let connection = Connection::open(&unfinished.path).map_err(&database)?;
    connection.execute_batch(WRITE_SETTINGS).and_then(|()| connection.execute_batch(TABLES)).map_err(&database)?;
    connection.execute_batch("BEGIN").map_err(&database)?;
    let mut sums = Sums::default();
    let mut insert = connection
        .prepare("INSERT INTO flight VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")
        .map_err(&database)?;
    for (done, chunk) in flights.chunks(REPORT_ROWS).enumerate() {
        if stop.is_requested() {
            return Err(ExploreError::Stopped);
        }
        for (at, flight) in chunk.iter().enumerate() {
            // Below the number of flights in memory.
            let id = i64::try_from(done * REPORT_ROWS + at).unwrap_or(i64::MAX);
            let (service, aircraft) = sums.add(id, flight);
            write_flight(&mut insert, id, flight, service, aircraft).map_err(&database)?;
        }
        report(percent(READ_PERCENT + WRITE_PERCENT * (done + 1) * REPORT_ROWS / flights.len().max(1)));
    }
    drop(insert);
    drop(flights);
    drop(history);
    write_sums(&connection, &sums).map_err(&database)?;
    connection.execute("INSERT INTO stamp VALUES(?1, ?2)", params![fingerprint, source.name()]).map_err(&database)?;
    for (at, sql) in INDEXES.iter().enumerate() {
        if stop.is_requested() {
            return Err(ExploreError::Stopped);
        }
        connection.execute_batch(sql).map_err(&database)?;
        let left = 99 - READ_PERCENT - WRITE_PERCENT;
        report(percent(READ_PERCENT + WRITE_PERCENT + left * (at + 1) / INDEXES.len()));
    }
    connection.execute_batch("COMMIT").map_err(&database)?;
    connection.pragma_update(None, "user_version", FORMAT).map_err(&database)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(&database)?;
    connection.close().map_err(|(_, error)| database(error))?;
    unfinished.finish(file)
}

fn percent(done: usize) -> u8 {
    u8::try_from(done.min(99)).unwrap_or(99)
}

/// A file that is not complete. It is removed unless it is finished. Its lock tells other processes that its build goes
/// on.
struct Unfinished {
    path: PathBuf,
    lock: File,
}

impl Unfinished {
    /// Creates a file beside `file`; several processes may build the same index. What killed processes have left of
    /// such builds is removed.
    fn create(file: &Path) -> Result<Self, ExploreError> {
        remove_abandoned(file);
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}{PART}", process::id()));
        let path = file.with_file_name(name);
        let lock = File::create(&path).map_err(ExploreError::io(&path))?;
        // Without locks in this file system, what is abandoned stays.
        let _ = lock.try_lock();
        Ok(Unfinished { path, lock })
    }

    /// Syncs the file and gives it its name.
    fn finish(self, file: &Path) -> Result<(), ExploreError> {
        self.lock.sync_all().map_err(ExploreError::io(&self.path))?;
        fs::rename(&self.path, file).map_err(ExploreError::io(file))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It is not there once it was finished.
        let _ = fs::remove_file(&self.path);
    }
}

/// The end of the name of a file that is not complete.
const PART: &str = ".part";

/// Removes the unfinished files of `file` whose lock nobody holds. One that cannot be removed does no harm.
fn remove_abandoned(file: &Path) {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let begin = format!("{}.", file.file_name().unwrap_or_default().to_string_lossy());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_unfinished = name.starts_with(&begin) && name.ends_with(PART);
        if is_unfinished && File::open(entry.path()).is_ok_and(|part| part.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn write_flight(
    insert: &mut Statement<'_>,
    id: i64,
    flight: &Flight,
    service: i64,
    aircraft: Option<i64>,
) -> rusqlite::Result<()> {
    insert.execute(params![
        id,
        flight.date.to_epoch_days(),
        service,
        flight.flight_num,
        aircraft,
        flight.crs_dep_min,
        flight.crs_arr_min,
        flight.crs_elapsed_min,
        flight.dep_delay,
        flight.arr_delay,
        flight.air_time_min,
        flight.distance,
        status_number(flight.status),
    ])?;
    Ok(())
}

fn write_sums(connection: &Connection, sums: &Sums) -> rusqlite::Result<()> {
    let mut insert = insert_of(connection, "service", "id, carrier, origin, dest, first, last", 6)?;
    for ((carrier, origin, dest), service) in &sums.services {
        let (carrier, origin, dest) = (carrier.as_str(), origin.as_str(), dest.as_str());
        let key: [&dyn ToSql; 6] = [&service.id, &carrier, &origin, &dest, &service.first, &service.last];
        write_row(&mut insert, &key, &service.figures)?;
    }
    let mut insert = insert_of(connection, "month", "carrier, year, month", 3)?;
    for ((carrier, year, month), figures) in &sums.months {
        write_row(&mut insert, &[&carrier.as_str(), year, month], figures)?;
    }
    let mut insert = insert_of(connection, "hour", "carrier, origin, hour", 3)?;
    for ((carrier, origin, hour), figures) in &sums.hours {
        write_row(&mut insert, &[&carrier.as_str(), &origin.as_str(), hour], figures)?;
    }
    let registry = aircraft_registry().unwrap_or_else(|error| {
        tracing::warn!(%error, "the registry of aircraft cannot be read: aircraft have tail numbers alone");
        Vec::new()
    });
    let registry: foldhash::HashMap<Code, AircraftFacts> = registry.into_iter().collect();
    let unregistered = AircraftFacts::default();
    let columns = "id, tail, year, kind, manufacturer, model, engines, seats, engine";
    let mut insert = insert_of(connection, "aircraft", columns, 9)?;
    for (tail, aircraft) in &sums.aircraft {
        let facts = registry.get(tail).unwrap_or(&unregistered);
        let AircraftFacts { year, kind, manufacturer, model, engines, seats, engine } = facts;
        let key: [&dyn ToSql; 9] =
            [&aircraft.id, &tail.as_str(), year, kind, manufacturer, model, engines, seats, engine];
        write_row(&mut insert, &key, &aircraft.figures)?;
    }
    let mut insert = connection.prepare("INSERT INTO fleet VALUES(?1, ?2, ?3)")?;
    for ((carrier, aircraft), flights) in &sums.fleet {
        insert.execute(params![carrier.as_str(), aircraft, as_integer(*flights)])?;
    }
    let mut insert = connection.prepare("INSERT INTO day VALUES(?1, ?2, ?3)")?;
    for (day, (first, last)) in &sums.days {
        insert.execute(params![day, first, last])?;
    }
    Ok(())
}

/// Prepares the insertion into a table whose key has so many columns, and whose others are those of figures.
fn insert_of<'c>(
    connection: &'c Connection,
    table: &str,
    key: &str,
    key_columns: usize,
) -> rusqlite::Result<Statement<'c>> {
    let values = vec!["?"; key_columns + COLUMN_COUNT].join(", ");
    connection.prepare(&format!("INSERT INTO {table}({key}, {COLUMNS}) VALUES({values})"))
}

fn write_row(insert: &mut Statement<'_>, key: &[&dyn ToSql], figures: &Figures) -> rusqlite::Result<()> {
    let [class_0, class_1, class_2, class_3] = figures.classes;
    let counts =
        [figures.flights, figures.cancelled, figures.diverted, class_0, class_1, class_2, class_3].map(as_integer);
    let counts = counts.iter().map(|count| count as &dyn ToSql);
    insert.execute(params_from_iter(key.iter().copied().chain(counts).chain([&figures.arr_minutes as &dyn ToSql])))?;
    Ok(())
}

/// A count of flights as SQLite's integer.
fn as_integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
