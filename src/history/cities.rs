//! The cities of the bundled airports.
//!
//! They are not part of a model, like the time zones: a correction takes effect without another training.

use std::{collections::HashMap, sync::LazyLock};

use foldhash::fast::FixedState;

use super::bundled;
use crate::flight::Code;

// The bytes are compiled in, and a test reads them: there is no error at run time.
static CITIES: LazyLock<HashMap<Code, String, FixedState>> = LazyLock::new(|| bundled::cities().unwrap_or_default());

/// Returns the city of an airport of the bundled table, if it has one there. The first call reads the table.
pub fn city(airport: Code) -> Option<&'static str> {
    CITIES.get(&airport).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn airports_have_their_cities() {
        let of = |airport: &str| city(airport.parse().unwrap());
        assert_eq!(["JFK", "LGA", "ORD"].map(of), [Some("New York"), Some("New York"), Some("Chicago")]);
        assert_eq!(of("XXX"), None);
        assert_eq!(bundled::cities::<Vec<_>>().unwrap().len(), 1_969);
    }
}
