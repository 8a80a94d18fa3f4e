//! Collects the rows of an import, and bounds the number of broken ones.

use std::{cell::Cell, rc::Rc};

use super::{
    airport_ids::{AirportIds, is_number},
    bounds::Options,
    error::{BrokenRow, ImportError, SkippedFile},
    row::{Dialect, Row},
};
use crate::{
    airports::Route,
    flight::{Code, Weather},
    history::{flight::Flight, weather::WeatherHour},
};

/// Upper bound on broken rows that are named; more are only counted.
pub const BROKEN_NAMED_MAX: usize = 10;
/// Upper bound on the skipped files that are named; more are only counted.
pub const SKIPPED_NAMED_MAX: usize = 50;
/// Rows of a text that are read before broken ones end the import.
const ROWS_BEFORE_CHECK: u64 = 100;
/// One broken row in this many is tolerated.
const ROWS_PER_BROKEN: u64 = 100;
/// Rows between two progress events.
const ROWS_PER_EVENT: u64 = 4096;

/// The progress of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the input files read.
    pub bytes: u64,
    /// Bytes of the input files.
    pub bytes_total: u64,
    /// Rows read.
    pub rows: u64,
}

/// An event of a running import.
#[derive(Debug)]
pub enum Event<'a> {
    /// Rows were read.
    Progress(Progress),
    /// A row is broken.
    Broken(&'a BrokenRow),
}

/// Collects the rows of an import.
pub(super) struct Collector<'a> {
    pub(super) flights: Vec<Flight>,
    pub(super) routes: Vec<Route>,
    pub(super) weather: Vec<(WeatherHour, Weather)>,
    pub(super) rows: u64,
    pub(super) broken: u64,
    /// The first broken rows.
    pub(super) broken_named: Vec<BrokenRow>,
    /// The first files that were skipped.
    pub(super) skipped: Vec<SkippedFile>,
    /// Number of all files that were skipped.
    pub(super) skipped_total: u64,
    pub(super) options: Options,
    airport_ids: AirportIds,
    /// The row in which an airport was first named by a number.
    first_number: Option<BrokenRow>,
    /// Bytes read of all files, counted by their readers.
    pub(super) bytes: Rc<Cell<u64>>,
    pub(super) bytes_total: u64,
    text: Text,
    observe: &'a mut dyn FnMut(Event<'_>),
}

/// The text that is being read. The bound on broken rows holds for each text.
#[derive(Default)]
struct Text {
    name: String,
    rows: u64,
    broken: u64,
    broken_named: Vec<BrokenRow>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(options: &Options, observe: &'a mut dyn FnMut(Event<'_>)) -> Self {
        Collector {
            flights: Vec::new(),
            routes: Vec::new(),
            weather: Vec::new(),
            rows: 0,
            broken: 0,
            broken_named: Vec::new(),
            skipped: Vec::new(),
            skipped_total: 0,
            options: options.clone(),
            airport_ids: AirportIds::default(),
            first_number: None,
            bytes: Rc::default(),
            bytes_total: 0,
            text: Text::default(),
            observe,
        }
    }

    /// Starts a text.
    pub(super) fn begin_text(&mut self, name: &str) {
        self.text = Text { name: name.to_owned(), ..Text::default() };
    }

    /// Completes a text after its last row: checks its dates, and takes its airport ids.
    pub(super) fn end_text(&mut self, dialect: Dialect) -> Result<(), ImportError> {
        dialect.dates.check(&self.text.name)?;
        self.airport_ids.merge(dialect.airport_ids);
        Ok(())
    }

    /// Records a file that is skipped.
    pub(super) fn pass_over(&mut self, file: &str, reason: &str) {
        self.skipped_total += 1;
        if self.skipped.len() < SKIPPED_NAMED_MAX {
            self.skipped.push(SkippedFile { file: file.to_owned(), reason: reason.to_owned() });
        }
    }

    /// Creates the error about a folder or a zip of which all files were skipped; `before` is
    /// [`Collector::skipped_counts`] at its start.
    pub(super) fn nothing_inside(&self, file: &str, before: (usize, u64)) -> ImportError {
        let skipped = self.skipped[before.0..].to_vec();
        let more = self.skipped_total - before.1 - skipped.len() as u64;
        ImportError::NothingInside { file: file.to_owned(), skipped, more }
    }

    /// Returns the number of skipped files so far that are named, and of all.
    pub(super) fn skipped_counts(&self) -> (usize, u64) {
        (self.skipped.len(), self.skipped_total)
    }

    /// Replaces the numbers of airports by codes; fails if a code is unknown.
    pub(super) fn resolve_airports(&mut self) -> Result<(), ImportError> {
        let airport_ids = std::mem::take(&mut self.airport_ids);
        let Some(first) = &self.first_number else { return Ok(()) };
        let flights = self.flights.iter_mut().flat_map(|flight| [&mut flight.origin, &mut flight.dest]);
        let routes = self.routes.iter_mut().flat_map(|route| [&mut route.origin, &mut route.dest]);
        airport_ids.resolve(flights.chain(routes), first)
    }

    fn record_number(&mut self, line: u64, airports: [Code; 2]) {
        if self.first_number.is_none() && airports.iter().any(|code| is_number(code.as_str())) {
            self.first_number = Some(BrokenRow { file: self.text.name.clone(), line, reason: String::new() });
        }
    }

    /// Adds a row of the text, or the reason why it is broken.
    pub(super) fn add(&mut self, line: u64, row: Result<Row, String>) -> Result<(), ImportError> {
        self.rows += 1;
        self.text.rows += 1;
        match row {
            Ok(Row::Flight(flight)) => {
                self.record_number(line, [flight.origin, flight.dest]);
                self.flights.push(flight);
            }
            Ok(Row::Route(route)) => {
                self.record_number(line, [route.origin, route.dest]);
                self.routes.push(route);
            }
            Ok(Row::Airport) => {}
            Ok(Row::Weather(hour, weather)) => self.weather.push((hour, weather)),
            Err(reason) => self.add_broken(line, reason),
        }
        if self.text.rows >= ROWS_BEFORE_CHECK && self.text.broken * ROWS_PER_BROKEN > self.text.rows {
            let Text { name: file, rows, broken, broken_named: examples } = std::mem::take(&mut self.text);
            return Err(ImportError::TooManyBroken { file, rows, broken, examples });
        }
        if self.rows.is_multiple_of(ROWS_PER_EVENT) {
            self.report_progress();
        }
        Ok(())
    }

    pub(super) fn report_progress(&mut self) {
        let progress = Progress { bytes: self.bytes.get(), bytes_total: self.bytes_total, rows: self.rows };
        (self.observe)(Event::Progress(progress));
    }

    fn add_broken(&mut self, line: u64, reason: String) {
        self.broken += 1;
        self.text.broken += 1;
        let broken = BrokenRow { file: self.text.name.clone(), line, reason };
        if self.text.broken_named.len() < BROKEN_NAMED_MAX {
            self.text.broken_named.push(broken.clone());
        }
        if self.broken_named.len() < BROKEN_NAMED_MAX {
            (self.observe)(Event::Broken(&broken));
            self.broken_named.push(broken);
        }
    }
}
