//! Reads route tables alone.

use std::path::PathBuf;

use super::{Event, ImportError, Options, intake::Intake, read_all};
use crate::{atlas::Route, history::ROUTES_FILE};

/// Reads all routes of `paths`: files of any format with `Origin`, `Dest` and `Distance`, or the directories of
/// histories, whose route table is read. `observe` is told as by [`super::import`].
pub fn import_routes(paths: &[PathBuf], observe: &mut dyn FnMut(Event<'_>)) -> Result<Vec<Route>, ImportError> {
    let file = |path: &PathBuf| if path.is_dir() { path.join(ROUTES_FILE) } else { path.clone() };
    let paths: Vec<_> = paths.iter().map(file).collect();
    let mut intake = Intake::new(&Options::default(), observe);
    read_all(&paths, &mut intake)?;
    if intake.routes.is_empty() { Err(ImportError::NoRoutes) } else { Ok(intake.routes) }
}
