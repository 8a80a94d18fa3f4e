//! Which fields of a row are read, and how the tables in circulation spell them.
//!
//! Spellings are compared without case, underscores and spaces: `FL_DATE`, `fl_date` and `FlDate` are one.

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
}

/// How many fields there are.
pub(super) const FIELDS: usize = SPELLINGS.len();

/// The known spellings of each field, in the order of [`Field`], the preferred one first. For the airline that is the code
/// which BTS keeps unique over the years, for the flight the airline that flew it, not the one that sold it.
const SPELLINGS: [(Field, &[&str]); 19] = [
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
            "Flight",
        ],
    ),
    (Field::TailNum, &["Tail_Number", "TailNum"]),
    (Field::Origin, &["Origin"]),
    (Field::Dest, &["Dest"]),
    (Field::CrsDepTime, &["CRSDepTime", "sched_dep_time"]),
    (Field::CrsArrTime, &["CRSArrTime", "sched_arr_time"]),
    (Field::CrsElapsedTime, &["CRSElapsedTime"]),
    (Field::DepTime, &["DepTime"]),
    (Field::DepDelay, &["DepDelay"]),
    (Field::ArrDelay, &["ArrDelay"]),
    (Field::AirTime, &["AirTime"]),
    (Field::Distance, &["Distance"]),
    (Field::Cancelled, &["Cancelled"]),
    (Field::Diverted, &["Diverted"]),
];

/// What a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Flights,
    Routes,
}

impl Field {
    /// The field that a name stands for, and how preferred that spelling is (0 most).
    pub(super) fn of(name: &str) -> Option<(Field, usize)> {
        let name = name.trim().trim_start_matches('\u{feff}');
        SPELLINGS.iter().find_map(|(field, spellings)| {
            spellings.iter().position(|spelling| alike(spelling, name)).map(|rank| (*field, rank))
        })
    }
}

fn alike(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

fn letters(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(|b| !b" _".contains(b)).map(|b| b.to_ascii_lowercase())
}

/// What a text with these fields holds; or the fields that are missing for it to be flights, each with its spellings.
pub(super) fn kind(has: impl Fn(Field) -> bool) -> Result<Kind, Vec<String>> {
    let ymd = has(Field::Year) && has(Field::Month) && has(Field::Day);
    let date = has(Field::Date) || ymd;
    let needed = [Field::Carrier, Field::Origin, Field::Dest, Field::ArrDelay];
    let missing: Vec<Field> =
        (!date).then_some(Field::Date).into_iter().chain(needed.into_iter().filter(|field| !has(*field))).collect();
    if missing.is_empty() {
        return Ok(Kind::Flights);
    }
    if !date && !has(Field::ArrDelay) && has(Field::Origin) && has(Field::Dest) && has(Field::Distance) {
        return Ok(Kind::Routes);
    }
    Err(missing.into_iter().map(|field| SPELLINGS[field as usize].1.join(" or ")).collect())
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
            assert_eq!(Field::of(name).map(|(field, _)| field), Some(Field::Date), "{name:?}");
        }
        // These are other things: delays with early flights set to 0, and indicators.
        for name in ["DepDelayMinutes", "DEP_DELAY_NEW", "ArrDel15", "DayOfWeek", "", "OriginCityName"] {
            assert_eq!(Field::of(name), None, "{name:?}");
        }
    }
}
