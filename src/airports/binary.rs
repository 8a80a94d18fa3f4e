//! The airports' tables as a section of the model file, little-endian.
//!
//! 1. The numbers of airports, airlines, routes and observed routes, with 32 bits each.
//! 2. Each airport: its code (8 bytes, padded with zeros), degrees north and east with 64 bits, the length of its name.
//!    Each airline: its code, the length of its name. Each route: two codes, its miles with 32 bits. All are sorted by
//!    code.
//! 3. The names, one after the other, in UTF-8.

use std::collections::BTreeMap;

use super::{Airport, Airports, Tables};
use crate::{
    binary::{CorruptSection, SectionReader, put_len},
    flight::Code,
};

const OUT_OF_ORDER: CorruptSection = CorruptSection("the atlas is out of order");

impl Airports {
    /// Writes the section.
    pub(crate) fn section(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for len in [self.airports.len(), self.airlines.len(), self.routes.len(), self.observed.len()] {
            put_len(&mut bytes, len);
        }
        for (code, airport) in &self.airports {
            bytes.extend(code.to_bytes());
            bytes.extend(airport.latitude.to_le_bytes());
            bytes.extend(airport.longitude.to_le_bytes());
            put_len(&mut bytes, airport.name.len());
        }
        for (code, name) in &self.airlines {
            bytes.extend(code.to_bytes());
            put_len(&mut bytes, name.len());
        }
        for ((origin, dest), miles) in self.routes.iter().chain(&self.observed) {
            bytes.extend([origin.to_bytes(), dest.to_bytes()].as_flattened());
            bytes.extend(miles.to_le_bytes());
        }
        let names = self.airports.values().map(|airport| &airport.name).chain(self.airlines.values());
        names.for_each(|name| bytes.extend(name.as_bytes()));
        bytes
    }

    /// Reads the section.
    pub(crate) fn read(section: &[u8]) -> Result<Self, CorruptSection> {
        let mut bytes = SectionReader(section);
        let mut len = || bytes.number().map(|len| len as usize);
        let [airports_len, airlines_len, routes_len, observed_len] = [len()?, len()?, len()?, len()?];
        let airports = bytes.records::<28>(airports_len)?;
        let airlines = bytes.records::<12>(airlines_len)?;
        let routes = routes(bytes.records(routes_len)?)?;
        let observed = self::routes(bytes.records(observed_len)?)?;
        let mut name = |len: [u8; 4]| {
            let name = bytes.take(u32::from_le_bytes(len) as usize, 1)?;
            String::from_utf8(name.to_vec()).map_err(|_| CorruptSection("a name is not UTF-8"))
        };
        let airports = airports.iter().map(|record| {
            let latitude = f64::from_le_bytes(part(record, 8));
            let longitude = f64::from_le_bytes(part(record, 16));
            if !latitude.is_finite() || !longitude.is_finite() {
                return Err(CorruptSection("an airport is nowhere"));
            }
            Ok((code(record, 0)?, Airport { name: name(part(record, 24))?, latitude, longitude }))
        });
        let airports = sorted(airports.collect::<Result<_, _>>()?)?;
        let airlines = airlines.iter().map(|record| Ok((code(record, 0)?, name(part(record, 8))?)));
        let airlines = sorted(airlines.collect::<Result<_, _>>()?)?;
        bytes.end()?;
        Ok(Tables { airports, airlines, routes, observed }.into())
    }
}

type Routes = BTreeMap<(Code, Code), f32>;

fn routes(records: &[[u8; 20]]) -> Result<Routes, CorruptSection> {
    let route = |record: &[u8; 20]| {
        let miles = f32::from_le_bytes(part(record, 16));
        if !miles.is_finite() {
            return Err(CorruptSection("a route has no length"));
        }
        Ok(((code(record, 0)?, code(record, 8)?), miles))
    };
    sorted(records.iter().map(route).collect::<Result<_, _>>()?)
}

fn sorted<K: Ord, V>(pairs: Vec<(K, V)>) -> Result<BTreeMap<K, V>, CorruptSection> {
    if pairs.is_sorted_by(|(a, _), (b, _)| a < b) { Ok(pairs.into_iter().collect()) } else { Err(OUT_OF_ORDER) }
}

fn code(record: &[u8], at: usize) -> Result<Code, CorruptSection> {
    Code::from_bytes(part(record, at)).ok_or(CorruptSection("what should be a code is none"))
}

/// The bytes of a record from `at` on; each caller stays within its record.
fn part<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|byte| record[at + byte])
}
