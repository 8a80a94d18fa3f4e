//! The time zones of the bundled airports. [`crate::flight::zoned`] converts times by them.
//!
//! They are not part of a model: a correction of a zone takes effect without another training.

use std::{collections::HashMap, sync::LazyLock};

use foldhash::fast::FixedState;

use super::bundled;
use crate::flight::{Code, Tz};

// The bytes are compiled in, and a test reads them: there is no error at run time.
static ZONES: LazyLock<HashMap<Code, Tz, FixedState>> = LazyLock::new(|| bundled::zones().unwrap_or_default());

/// Returns the time zone of an airport of the bundled table. The first call reads the table; each further one is a
/// look-up in a hash table.
pub fn zone(airport: Code) -> Option<Tz> {
    ZONES.get(&airport).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{NaiveDate, Offset, TimeZone};

    use super::*;

    fn zone_of(airport: &str) -> Option<Tz> {
        zone(airport.parse().unwrap())
    }

    #[test]
    fn each_airport_of_the_table_has_a_zone() {
        let zones: BTreeMap<Code, Tz> = bundled::zones().unwrap();
        assert_eq!(zones.len(), 2_288);
        assert!(zones.iter().all(|(airport, tz)| zone(*airport) == Some(*tz)));
        assert_eq!(zone_of("XXX"), None);
    }

    /// The zones of the United States and its territories: 49 CFR part 71.
    #[test]
    fn airports_have_the_offsets_of_their_places() {
        let hours = |airport, (year, month, day)| {
            let noon = NaiveDate::from_ymd_opt(year, month, day).unwrap().and_hms_opt(12, 0, 0).unwrap();
            let offset = zone_of(airport).unwrap().offset_from_utc_datetime(&noon).fix().local_minus_utc();
            f64::from(offset) / 3600.0
        };
        for (airport, winter, summer) in [
            ("JFK", -5.0, -4.0),
            ("SJU", -4.0, -4.0),
            ("STT", -4.0, -4.0),
            ("ORD", -6.0, -5.0),
            ("PFN", -6.0, -5.0),
            ("PAM", -6.0, -5.0),
            ("DEN", -7.0, -6.0),
            ("MHN", -7.0, -6.0),
            ("PHX", -7.0, -7.0),
            ("DVT", -7.0, -7.0),
            ("LAX", -8.0, -7.0),
            ("MYF", -8.0, -7.0),
            ("BLD", -8.0, -7.0),
            ("ANC", -9.0, -8.0),
            ("YAK", -9.0, -8.0),
            ("SNP", -9.0, -8.0),
            ("ADK", -10.0, -9.0),
            ("HNL", -10.0, -10.0),
            ("PPG", -11.0, -11.0),
            ("GUM", 10.0, 10.0),
            ("SPN", 10.0, 10.0),
            ("ROR", 9.0, 9.0),
        ] {
            assert_eq!((hours(airport, (2013, 1, 15)), hours(airport, (2013, 7, 15))), (winter, summer), "{airport}");
        }
        // Most of Indiana has daylight saving time since 2006, Evansville had it before (IANA database).
        for airport in ["IND", "SBN", "FWA"] {
            assert_eq!((hours(airport, (2005, 7, 15)), hours(airport, (2006, 7, 15))), (-5.0, -4.0), "{airport}");
        }
        assert_eq!((hours("EVV", (2005, 7, 15)), hours("EVV", (2006, 7, 15))), (-5.0, -5.0));
    }
}
