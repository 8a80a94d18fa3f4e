//! Reads and writes route tables.

use std::path::Path;

use ::parquet::data_type::{ByteArrayType, FloatType};

use super::{
    ROUTES_SCHEMA, Required, Table,
    read::code,
    write::{required, text, to_file},
};
use crate::{atlas::Route, history::HistoryError};

/// Reads a route table.
pub fn read_routes(path: &Path) -> Result<Vec<Route>, HistoryError> {
    routes_of(&Table::open(path)?)
}

/// Reads the route table that an open file is.
pub(in crate::history) fn routes_of(table: &Table) -> Result<Vec<Route>, HistoryError> {
    table.require(&["Origin", "Dest", "Distance"])?;
    let (mut origins, mut dests, mut miles) = (Vec::new(), Vec::new(), Vec::new());
    table.each::<ByteArrayType>("Origin", Required::Yes, |_, bytes| code(bytes).map(|code| origins.push(code)))?;
    table.each::<ByteArrayType>("Dest", Required::Yes, |_, bytes| code(bytes).map(|code| dests.push(code)))?;
    table.each::<FloatType>("Distance", Required::Yes, |_, number| match *number {
        number if number > 0.0 && number.is_finite() => {
            miles.push(number);
            Ok(())
        }
        number => Err(format!("{number} is no distance")),
    })?;
    let ends = origins.into_iter().zip(dests);
    Ok(ends.zip(miles).map(|((origin, dest), miles)| Route { origin, dest, miles }).collect())
}

/// Writes a route table, and syncs the file; how many bytes it has.
pub fn write_routes(path: &Path, routes: &[Route]) -> Result<u64, HistoryError> {
    to_file(path, ROUTES_SCHEMA, |writer| {
        let mut group = writer.next_row_group()?;
        required::<ByteArrayType, _>(&mut group, routes, |route| text(route.origin))?;
        required::<ByteArrayType, _>(&mut group, routes, |route| text(route.dest))?;
        required::<FloatType, _>(&mut group, routes, |route| route.miles)?;
        group.close().map(drop)
    })
}
