//! The page that takes a file of questions.

use serde::Serialize;

use crate::{
    bulk::{FILE_BYTES_MAX, ROWS_MAX},
    flight_form::FlightForm,
    render::View,
};

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct BulkView {
    /// The names of the columns that are read.
    columns: Vec<&'static str>,
    rows_max: usize,
    mib_max: usize,
}

impl View for BulkView {
    const PAGE: &'static str = "bulk";
}

impl BulkView {
    pub(crate) fn new() -> Self {
        BulkView { columns: FlightForm::names().collect(), rows_max: ROWS_MAX, mib_max: FILE_BYTES_MAX >> 20 }
    }
}
