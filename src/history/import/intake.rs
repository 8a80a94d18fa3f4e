//! What an import has read so far, and its judgement of broken rows.

use std::{cell::Cell, fmt, rc::Rc};

use serde::Serialize;

use super::{ImportError, row::Row};
use crate::{
    atlas::Route,
    history::{Flight, Hour},
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
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for BrokenRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: {}", self.file, self.line, self.reason)
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
    /// Bytes read of all files, counted by the files' readers.
    pub(super) bytes: Rc<Cell<u64>>,
    bytes_total: u64,
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
    pub(super) fn new(bytes_total: u64, observe: &'a mut dyn FnMut(Event<'_>)) -> Self {
        Intake {
            flights: Vec::new(),
            routes: Vec::new(),
            weather: Vec::new(),
            rows: 0,
            broken: 0,
            named: Vec::new(),
            bytes: Rc::default(),
            bytes_total,
            text: Text::default(),
            observe,
        }
    }

    /// Begins another text.
    pub(super) fn begin(&mut self, name: &str) {
        self.text = Text { name: name.to_owned(), ..Text::default() };
    }

    /// Takes a row of the text, or the reason why it cannot be understood.
    pub(super) fn take(&mut self, line: u64, row: Result<Row, String>) -> Result<(), ImportError> {
        self.rows += 1;
        self.text.rows += 1;
        match row {
            Ok(Row::Flight(flight)) => self.flights.push(flight),
            Ok(Row::Route(route)) => self.routes.push(route),
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
