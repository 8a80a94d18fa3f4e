//! The bundled registry of aircraft: what the FAA's registry says of the tail numbers of New York's flights in 2013.

use ::parquet::data_type::{ByteArrayType, Int32Type};
use bytes::Bytes;

use super::{
    error::HistoryError,
    parquet::{Required, Table},
};
use crate::flight::Code;

const AIRCRAFT: &[u8] = include_bytes!("../../data/planes.parquet");

/// The facts of a registry about one aircraft. A fact that the registry lacks is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AircraftFacts {
    /// Year of manufacture.
    pub year: Option<u16>,
    /// The kind of aircraft, as in "Fixed wing multi engine".
    pub kind: Option<String>,
    /// Manufacturer.
    pub manufacturer: Option<String>,
    /// Model of the manufacturer.
    pub model: Option<String>,
    /// Number of engines.
    pub engines: Option<u16>,
    /// Number of seats.
    pub seats: Option<u16>,
    /// The kind of engine, as in "Turbo-fan".
    pub engine: Option<String>,
}

/// A column, and how its value becomes a fact.
type NamedSetter<T> = (&'static str, fn(&mut AircraftFacts, T));

/// Names of one manufacturer that the registry writes in several ways, and the one that they are read as.
const SAME_MANUFACTURER: [(&str, &str); 5] = [
    ("AIRBUS INDUSTRIE", "AIRBUS"),
    ("BOMBARDIER INC", "BOMBARDIER"),
    ("CANADAIR LTD", "CANADAIR"),
    ("MCDONNELL DOUGLAS AIRCRAFT CO", "MCDONNELL DOUGLAS"),
    ("MCDONNELL DOUGLAS CORPORATION", "MCDONNELL DOUGLAS"),
];

/// Returns the facts of each registered tail number, in the order of the file. Names of one manufacturer that differ in
/// their legal form alone are made one.
pub fn aircraft_registry() -> Result<Vec<(Code, AircraftFacts)>, HistoryError> {
    let table = Table::new("the bundled aircraft".to_owned(), Bytes::from_static(AIRCRAFT))?;
    let mut registry = Vec::new();
    table.for_each_value::<ByteArrayType>("tailnum", Required::Yes, |_, bytes| {
        let text = bytes.as_utf8().map_err(|error| error.to_string())?;
        let tail: Code = text.parse().map_err(|error| format!("{error}"))?;
        registry.push((tail, AircraftFacts::default()));
        Ok(())
    })?;
    let numbers: [NamedSetter<u16>; 3] = [
        ("year", |facts, year| facts.year = Some(year)),
        ("engines", |facts, engines| facts.engines = Some(engines)),
        ("seats", |facts, seats| facts.seats = Some(seats)),
    ];
    for (column, set) in numbers {
        table.for_each_value::<Int32Type>(column, Required::No, |row, number| {
            let facts = facts_of(&mut registry, row)?;
            set(facts, u16::try_from(*number).map_err(|_| format!("{number} is out of range"))?);
            Ok(())
        })?;
    }
    let texts: [NamedSetter<String>; 4] = [
        ("type", |facts, kind| facts.kind = Some(kind)),
        ("manufacturer", |facts, name| facts.manufacturer = Some(one_name(name))),
        ("model", |facts, model| facts.model = Some(model)),
        ("engine", |facts, engine| facts.engine = Some(engine)),
    ];
    for (column, set) in texts {
        table.for_each_value::<ByteArrayType>(column, Required::No, |row, bytes| {
            let text = bytes.as_utf8().map_err(|error| error.to_string())?.to_owned();
            set(facts_of(&mut registry, row)?, text);
            Ok(())
        })?;
    }
    Ok(registry)
}

fn facts_of(registry: &mut [(Code, AircraftFacts)], row: usize) -> Result<&mut AircraftFacts, String> {
    registry.get_mut(row).map(|(_, facts)| facts).ok_or_else(|| "there are fewer tail numbers than that".to_owned())
}

fn one_name(name: String) -> String {
    let same = SAME_MANUFACTURER.into_iter().find(|(other, _)| *other == name);
    same.map_or(name, |(_, one)| one.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_register_matches_the_readme() {
        let registry = aircraft_registry().unwrap();
        assert_eq!(registry.len(), 3322);
        // N103US,1999,Fixed wing multi engine,AIRBUS INDUSTRIE,A320-214,2,182,NA,Turbo-fan
        let (_, facts) = registry.iter().find(|(tail, _)| tail.as_str() == "N103US").unwrap();
        let text = |text: &str| Some(text.to_owned());
        let expected = AircraftFacts {
            year: Some(1999),
            kind: text("Fixed wing multi engine"),
            manufacturer: text("AIRBUS"),
            model: text("A320-214"),
            engines: Some(2),
            seats: Some(182),
            engine: text("Turbo-fan"),
        };
        assert_eq!(*facts, expected);
        assert_eq!(registry.iter().filter(|(_, facts)| facts.year.is_none()).count(), 70);
    }
}
