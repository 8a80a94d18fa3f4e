//! Runs an import: reads all paths, and writes the directory of a history.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use chrono::NaiveDate;
use serde::Serialize;

use super::{
    bounds::Options,
    collector::{Collector, Event},
    error::{BrokenRow, ImportError, SkippedFile},
    files,
};
use crate::{
    airports::Route,
    history::{
        dataset::{FLIGHTS_FILE, History, ROUTES_FILE, UNFLOWN_FILE, WEATHER_FILE},
        parquet::{write_flights, write_routes, write_weather},
        weather::WeatherTable,
    },
};

/// The summary of an import.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The output directory.
    pub out: PathBuf,
    /// The files from which rows were read.
    pub files: usize,
    /// The first of the files that were skipped.
    #[serde(rename = "passed_over")]
    pub skipped: Vec<SkippedFile>,
    /// Number of files that were skipped.
    #[serde(rename = "passed_over_total")]
    pub skipped_total: u64,
    /// The rows read, including broken ones and those of route tables.
    pub rows: u64,
    /// Flown flights written.
    pub flown: usize,
    /// Cancelled flights written.
    pub cancelled: usize,
    /// Diverted flights written.
    pub diverted: usize,
    /// Flights that were dropped because another one was equal in every field.
    pub duplicates: usize,
    /// Broken rows.
    pub broken: u64,
    /// The first of the broken rows.
    pub broken_rows: Vec<BrokenRow>,
    /// Routes of the route table written.
    pub routes: usize,
    /// Hours of weather written.
    pub weather_hours: usize,
    /// The first day with a flight.
    pub from: NaiveDate,
    /// The last day with a flight.
    pub to: NaiveDate,
    /// Airports of the flights.
    pub airports: usize,
    /// Airlines of the flights.
    pub airlines: usize,
    /// Bytes written.
    pub bytes_written: u64,
    /// Duration.
    pub seconds: f64,
    /// Rows read per second of that duration.
    pub rows_per_second: f64,
}

/// Imports as [`import_with`] does, with the default [`Options`].
pub fn import(paths: &[PathBuf], out: &Path, observe: &mut dyn FnMut(Event<'_>)) -> Result<Summary, ImportError> {
    import_with(&Options::default(), paths, out, observe)
}

/// Reads all flights and routes of `paths` and writes them to the directory `out`. Reports progress to `observe` every
/// few thousand rows, and each of the first [`BROKEN_NAMED_MAX`](super::BROKEN_NAMED_MAX) broken rows.
pub fn import_with(
    options: &Options,
    paths: &[PathBuf],
    out: &Path,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<Summary, ImportError> {
    let began_at = Instant::now();
    let output = Output::at(out)?;
    let mut collector = Collector::new(options, observe);
    let files = read_all(paths, &mut collector)?;
    let (rows, broken, broken_rows) = (collector.rows, collector.broken, collector.broken_named);
    let (skipped, skipped_total) = (collector.skipped, collector.skipped_total);
    let read = collector.flights.len();
    let weather = WeatherTable::new(collector.weather);
    let history = History::new(collector.flights, collector.routes).with_weather(weather);
    let (Some(from), Some(to)) = (history.all().map(|f| f.date).min(), history.all().map(|f| f.date).max()) else {
        let more = skipped_total - skipped.len() as u64;
        return Err(ImportError::NothingToFit { skipped, more });
    };
    let bytes_written = output.write(&history)?;
    let seconds = began_at.elapsed().as_secs_f64();
    let (cancelled, diverted) = (history.cancelled(), history.diverted());
    Ok(Summary {
        out: out.to_owned(),
        files,
        skipped,
        skipped_total,
        rows,
        flown: history.flights.len(),
        cancelled,
        diverted,
        duplicates: read - history.all().count(),
        broken,
        broken_rows,
        routes: history.routes.len(),
        weather_hours: history.weather.len(),
        from,
        to,
        airports: history.all().flat_map(|flight| [flight.origin, flight.dest]).collect::<BTreeSet<_>>().len(),
        airlines: history.all().map(|flight| flight.carrier).collect::<BTreeSet<_>>().len(),
        bytes_written,
        seconds,
        rows_per_second: rows as f64 / seconds,
    })
}

/// Reads all routes of `paths`: files of any format with `Origin`, `Dest` and `Distance`, or directories of histories,
/// whose route table is read. Reports to `observe` as [`import`] does.
pub fn import_routes(paths: &[PathBuf], observe: &mut dyn FnMut(Event<'_>)) -> Result<Vec<Route>, ImportError> {
    let file = |path: &PathBuf| if path.is_dir() { path.join(ROUTES_FILE) } else { path.clone() };
    let paths: Vec<_> = paths.iter().map(file).collect();
    let mut collector = Collector::new(&Options::default(), observe);
    read_all(&paths, &mut collector)?;
    if collector.routes.is_empty() { Err(ImportError::NoRoutes) } else { Ok(collector.routes) }
}

/// Reads the files of all paths. Returns the number of files from which rows were read.
pub(super) fn read_all(paths: &[PathBuf], collector: &mut Collector<'_>) -> Result<usize, ImportError> {
    let inputs = paths.iter().map(|path| files::find(path)).collect::<Result<Vec<_>, _>>()?;
    collector.bytes_total = inputs.iter().flat_map(|input| &input.files).filter_map(|file| file.bytes).sum();
    let mut files_read = 0;
    for input in &inputs {
        files_read += files::read(input, collector)?;
    }
    collector.resolve_airports()?;
    Ok(files_read)
}

/// The output directory. It becomes a history at one moment: when `flights.parquet` gets its name.
struct Output {
    directory: PathBuf,
}

/// A temporary file. It is removed when it is dropped before it got its name.
struct TempFile {
    path: PathBuf,
}

impl Output {
    /// Checks that a directory holds no history. It is created only by [`Output::write`].
    fn at(directory: &Path) -> Result<Self, ImportError> {
        if directory.join(FLIGHTS_FILE).exists() {
            return Err(ImportError::Exists { directory: directory.display().to_string() });
        }
        Ok(Output { directory: directory.to_owned() })
    }

    /// Writes all files, then renames them. Returns their bytes.
    fn write(&self, history: &History) -> Result<u64, ImportError> {
        self.attempt(&self.directory, |path| fs::create_dir_all(path))?;
        let (flights, unflown) = (self.temp_file(FLIGHTS_FILE), self.temp_file(UNFLOWN_FILE));
        let (routes, weather) = (self.temp_file(ROUTES_FILE), self.temp_file(WEATHER_FILE));
        let mut bytes = write_flights(&flights.path, &history.flights)?;
        bytes += write_flights(&unflown.path, &history.unflown)?;
        if !history.routes.is_empty() {
            bytes += write_routes(&routes.path, &history.routes)?;
        }
        if !history.weather.is_empty() {
            bytes += write_weather(&weather.path, history.weather.hours())?;
        }
        // Another import may have finished meanwhile, and an interrupted one may have left a route table or weather.
        Self::at(&self.directory)?;
        self.rename(&unflown, UNFLOWN_FILE)?;
        self.rename_or_remove(&routes, ROUTES_FILE, history.routes.is_empty())?;
        self.rename_or_remove(&weather, WEATHER_FILE, history.weather.is_empty())?;
        self.rename(&flights, FLIGHTS_FILE)?;
        Ok(bytes)
    }

    fn temp_file(&self, name: &str) -> TempFile {
        TempFile { path: self.directory.join(format!(".{name}.{}.partial", std::process::id())) }
    }

    fn rename(&self, file: &TempFile, name: &str) -> Result<(), ImportError> {
        self.attempt(&self.directory.join(name), |path| fs::rename(&file.path, path))?;
        self.attempt(&self.directory, |path| File::open(path)?.sync_all())
    }

    fn rename_or_remove(&self, file: &TempFile, name: &str, is_empty: bool) -> Result<(), ImportError> {
        if !is_empty {
            return self.rename(file, name);
        }
        self.attempt(&self.directory.join(name), |path| match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        })
    }

    fn attempt(&self, path: &Path, act: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), ImportError> {
        act(path).map_err(|source| ImportError::Write { file: path.display().to_string(), source })
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // It does not exist if it was renamed. An error has no other remedy.
        let _ = fs::remove_file(&self.path);
    }
}
