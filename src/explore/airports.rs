//! The airports of the history.

use super::{error::ExploreError, figures::count, index::Index, search::code};
use crate::flight::Code;

/// Upper bound on the airports that are listed.
const AIRPORTS_MAX: u32 = 10_000;

impl Index {
    /// Returns the airports of the history by code, each with the number of flights from it and to it.
    pub fn airport_flights(&self) -> Result<Vec<(Code, u64)>, ExploreError> {
        let sql = format!(
            "SELECT airport, sum(flights) FROM (SELECT origin AS airport, flights FROM service \
             UNION ALL SELECT dest, flights FROM service) GROUP BY airport ORDER BY airport LIMIT {AIRPORTS_MAX}"
        );
        self.query(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let airports = select.query_map([], |row| Ok((code(row, 0)?, count(row.get(1)?))))?;
            airports.collect()
        })
    }
}
