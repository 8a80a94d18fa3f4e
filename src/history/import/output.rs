//! The output directory, which becomes a history at one moment: when `flights.parquet` gets its name.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::ImportError;
use crate::history::{
    FLIGHTS_FILE, History, ROUTES_FILE, UNFLOWN_FILE, WEATHER_FILE,
    parquet::{write_flights, write_routes, write_weather},
};

pub(super) struct Output {
    directory: PathBuf,
}

/// A file that is gone when it is dropped before it got its name.
struct Partial {
    path: PathBuf,
}

impl Output {
    /// An output directory, if it holds no history yet. Nothing is created before there is something to write.
    pub(super) fn at(directory: &Path) -> Result<Self, ImportError> {
        if directory.join(FLIGHTS_FILE).exists() {
            return Err(ImportError::Exists { directory: directory.display().to_string() });
        }
        Ok(Output { directory: directory.to_owned() })
    }

    /// Writes all files, then names them; how many bytes they have.
    pub(super) fn write(&self, history: &History) -> Result<u64, ImportError> {
        self.attempt(&self.directory, |path| fs::create_dir_all(path))?;
        let (flights, unflown) = (self.partial(FLIGHTS_FILE), self.partial(UNFLOWN_FILE));
        let (routes, weather) = (self.partial(ROUTES_FILE), self.partial(WEATHER_FILE));
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
        self.name(&unflown, UNFLOWN_FILE)?;
        self.name_or_remove(&routes, ROUTES_FILE, history.routes.is_empty())?;
        self.name_or_remove(&weather, WEATHER_FILE, history.weather.is_empty())?;
        self.name(&flights, FLIGHTS_FILE)?;
        Ok(bytes)
    }

    fn partial(&self, name: &str) -> Partial {
        Partial { path: self.directory.join(format!(".{name}.{}.partial", std::process::id())) }
    }

    fn name(&self, partial: &Partial, name: &str) -> Result<(), ImportError> {
        self.attempt(&self.directory.join(name), |path| fs::rename(&partial.path, path))?;
        self.attempt(&self.directory, |path| File::open(path)?.sync_all())
    }

    fn name_or_remove(&self, partial: &Partial, name: &str, is_empty: bool) -> Result<(), ImportError> {
        if !is_empty {
            return self.name(partial, name);
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

impl Drop for Partial {
    fn drop(&mut self) {
        // It is gone already if it was renamed, and nothing more can be done if it cannot be removed.
        let _ = fs::remove_file(&self.path);
    }
}
