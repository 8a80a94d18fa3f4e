//! The result of an import so far, and its bound on broken rows.

use std::{cell::Cell, fmt, rc::Rc};

use serde::Serialize;

use super::{
    ImportError,
    airports::{Airports, is_number},
    bounds::Options,
    row::{Dialect, Row},
};
use crate::{
    atlas::Route,
    history::{Flight, Hour, shown::escaped},
    weather::Weather,
};

/// This many broken rows are named; more are only counted.
pub const BROKEN_NAMED_MAX: usize = 10;
/// Broken rows stop the import only once this many rows of the text were read.
const ROWS_JUDGED_MIN: u64 = 100;
/// One broken row in this many is still tolerated.
const ROWS_PER_BROKEN: u64 = 100;
/// Progress is told every so many rows.
const ROWS_PER_EVENT: u64 = 4096;

/// A row that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokenRow {
    /// The file, and the member if it is a zip.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
    /// The error.
    pub reason: String,
}

impl fmt::Display for BrokenRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: {}", escaped(&self.file), self.line, escaped(&self.reason))
    }
}

/// This many files that were passed over are named; more are only counted.
pub const PASSED_OVER_NAMED_MAX: usize = 50;

/// A file that was passed over because it holds nothing that can be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// The file, and the member if it is in a zip.
    pub file: String,
    /// A description that follows the file's name, as in "is no regular file".
    pub reason: String,
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", escaped(&self.file), escaped(&self.reason))
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the input files read.
    pub bytes: u64,
    /// Bytes that they have.
    pub bytes_total: u64,
    /// Rows read.
    pub rows: u64,
}

/// What an import tells while it runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// How far it is.
    Progress(Progress),
    /// A row is broken.
    Broken(&'a BrokenRow),
}

pub(super) struct Intake<'a> {
    pub(super) flights: Vec<Flight>,
    pub(super) routes: Vec<Route>,
    pub(super) weather: Vec<(Hour, Weather)>,
    pub(super) rows: u64,
    pub(super) broken: u64,
    pub(super) named: Vec<BrokenRow>,
    pub(super) passed_over: Vec<PassedOver>,
    /// All of them, those that are not named included.
    pub(super) passed_over_total: u64,
    pub(super) options: Options,
    pub(super) airports: Airports,
    /// Where an airport was first named by a number.
    pub(super) first_number: Option<BrokenRow>,
    /// The texts and tables taken so far.
    pub(super) taken: u64,
    /// Bytes read of all files, counted by the files' readers.
    pub(super) bytes: Rc<Cell<u64>>,
    pub(super) bytes_total: u64,
    text: Text,
    observe: &'a mut dyn FnMut(Event<'_>),
}

/// The text being read: broken rows are judged text by text.
#[derive(Default)]
struct Text {
    name: String,
    rows: u64,
    broken: u64,
    named: Vec<BrokenRow>,
}

impl<'a> Intake<'a> {
    pub(super) fn new(options: &Options, observe: &'a mut dyn FnMut(Event<'_>)) -> Self {
        Intake {
            flights: Vec::new(),
            routes: Vec::new(),
            weather: Vec::new(),
            rows: 0,
            broken: 0,
            named: Vec::new(),
            passed_over: Vec::new(),
            passed_over_total: 0,
            options: options.clone(),
            airports: Airports::default(),
            first_number: None,
            taken: 0,
            bytes: Rc::default(),
            bytes_total: 0,
            text: Text::default(),
            observe,
        }
    }

    /// Begins another text.
    pub(super) fn begin(&mut self, name: &str) {
        self.text = Text { name: name.to_owned(), ..Text::default() };
        self.taken += 1;
    }

    /// Ends a text that was read as a whole, and takes what its dialect has noted.
    pub(super) fn end(&mut self, dialect: Dialect) -> Result<(), ImportError> {
        dialect.days.judge(&self.text.name)?;
        self.airports.add(dialect.airports);
        Ok(())
    }

    /// Notes a file that holds nothing that can be imported.
    pub(super) fn pass_over(&mut self, file: &str, reason: &str) {
        self.passed_over_total += 1;
        if self.passed_over.len() < PASSED_OVER_NAMED_MAX {
            self.passed_over.push(PassedOver { file: file.to_owned(), reason: reason.to_owned() });
        }
    }

    /// The error about a folder or a zip in which everything since then was passed over: `before` are the named and
    /// all.
    pub(super) fn nothing_inside(&self, file: &str, before: (usize, u64)) -> ImportError {
        let passed_over = self.passed_over[before.0..].to_vec();
        let more = self.passed_over_total - before.1 - passed_over.len() as u64;
        ImportError::NothingInside { file: file.to_owned(), passed_over, more }
    }

    /// Numbers of files passed over so far: of those that are named, and of all.
    pub(super) fn passed(&self) -> (usize, u64) {
        (self.passed_over.len(), self.passed_over_total)
    }

    /// Puts codes in the place of numbers of airports, or fails where nothing says which.
    pub(super) fn resolve_airports(&mut self) -> Result<(), ImportError> {
        let airports = std::mem::take(&mut self.airports);
        let Some(first) = &self.first_number else { return Ok(()) };
        let flights = self.flights.iter_mut().flat_map(|flight| [&mut flight.origin, &mut flight.dest]);
        let routes = self.routes.iter_mut().flat_map(|route| [&mut route.origin, &mut route.dest]);
        airports.resolve(flights.chain(routes), first)
    }

    fn note_number(&mut self, line: u64, ends: [crate::code::Code; 2]) {
        if self.first_number.is_none() && ends.iter().any(|code| is_number(code.as_str())) {
            self.first_number = Some(BrokenRow { file: self.text.name.clone(), line, reason: String::new() });
        }
    }

    /// Takes a row of the text, or the reason why it cannot be understood.
    pub(super) fn take(&mut self, line: u64, row: Result<Row, String>) -> Result<(), ImportError> {
        self.rows += 1;
        self.text.rows += 1;
        match row {
            Ok(Row::Flight(flight)) => {
                self.note_number(line, [flight.origin, flight.dest]);
                self.flights.push(flight);
            }
            Ok(Row::Route(route)) => {
                self.note_number(line, [route.origin, route.dest]);
                self.routes.push(route);
            }
            Ok(Row::Airport) => {}
            Ok(Row::Weather(hour, weather)) => self.weather.push((hour, weather)),
            Err(reason) => self.take_broken(line, reason),
        }
        if self.text.rows >= ROWS_JUDGED_MIN && self.text.broken * ROWS_PER_BROKEN > self.text.rows {
            let Text { name: file, rows, broken, named: examples } = std::mem::take(&mut self.text);
            return Err(ImportError::TooManyBroken { file, rows, broken, examples });
        }
        if self.rows.is_multiple_of(ROWS_PER_EVENT) {
            self.tell_progress();
        }
        Ok(())
    }

    pub(super) fn tell_progress(&mut self) {
        let progress = Progress { bytes: self.bytes.get(), bytes_total: self.bytes_total, rows: self.rows };
        (self.observe)(Event::Progress(progress));
    }

    fn take_broken(&mut self, line: u64, reason: String) {
        self.broken += 1;
        self.text.broken += 1;
        let broken = BrokenRow { file: self.text.name.clone(), line, reason };
        if self.text.named.len() < BROKEN_NAMED_MAX {
            self.text.named.push(broken.clone());
        }
        if self.named.len() < BROKEN_NAMED_MAX {
            (self.observe)(Event::Broken(&broken));
            self.named.push(broken);
        }
    }
}
