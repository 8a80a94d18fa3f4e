//! A feature set's tables as a section of the model file. Numbers are little-endian with 32 bits.
//!
//! 1. The codes that occur: how many airlines, origins and destinations, then each as 8 bytes, filled up with zeros.
//! 2. The values of each other group (see [`super::seen`]), groups in their order: how many, for each value of the wider group
//!    where its own end, and the numbers within.
//! 3. The tables of means and frequencies: how many different ones, then each as how many values, and the values; infinity
//!    is none. Then how many tables the columns have, in the order of columns, each before its wider groups', and of each which
//!    of those it is. They are numbered as they come first, so that equal feature sets are equal bytes.
//! 4. Schedules: how many, then departure and arrival with 16 bits each; 65,535 is none.

use std::sync::Arc;

use super::{
    FeatureSet, Schedule, Schedules,
    group::Group,
    seen::{Level, Seen, wider},
    table::Table,
};
use crate::{
    binary::{Bytes, Malformed, put_len, put_numbers},
    code::Code,
};

const NO_TIME: u16 = u16::MAX;

impl FeatureSet {
    /// The section.
    pub(crate) fn tables(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.seen.codes.iter().for_each(|codes| put_len(&mut bytes, codes.len()));
        bytes.extend(self.seen.codes.iter().flatten().flat_map(|code| code.to_bytes()));
        for level in &self.seen.levels {
            put_len(&mut bytes, level.numbers.len());
            put_numbers(&mut bytes, &level.ends);
            put_numbers(&mut bytes, &level.numbers);
        }
        let mut different: Vec<&Table> = Vec::new();
        let mut which = Vec::new();
        for (_, table) in self.columns.iter().flat_map(|column| column.tables()) {
            let known = different.iter().position(|known| *known == table);
            which.push(known.unwrap_or(different.len()) as u32);
            if known.is_none() {
                different.push(table);
            }
        }
        put_len(&mut bytes, different.len());
        for table in different {
            put_len(&mut bytes, table.len());
            bytes.extend(table.0.iter().flat_map(|value| value.to_le_bytes()));
        }
        put_len(&mut bytes, which.len());
        put_numbers(&mut bytes, &which);
        put_len(&mut bytes, self.schedules.0.len());
        for schedule in &self.schedules.0 {
            let (dep_min, arr_min) = schedule.map_or((NO_TIME, NO_TIME), |known| (known.dep_min, known.arr_min));
            bytes.extend([dep_min.to_le_bytes(), arr_min.to_le_bytes()].as_flattened());
        }
        bytes
    }

    /// The feature set with its tables, as they were read; [`FeatureSet::check`] is still to come.
    pub(crate) fn with_tables(mut self, section: &[u8]) -> Result<Self, Malformed> {
        let mut bytes = Bytes(section);
        self.seen = read_seen(&mut bytes)?;
        let different_len = bytes.number()?;
        let mut different = Vec::new();
        for _ in 0..different_len {
            let values_len = bytes.number()? as usize;
            let values = bytes.records(values_len)?;
            different.push(Table(values.iter().map(|value| f32::from_le_bytes(*value)).collect::<Arc<[f32]>>()));
        }
        let which_len = bytes.number()? as usize;
        let which = bytes.numbers(which_len)?;
        let tables: Vec<&mut Table> = self.columns.iter_mut().flat_map(|column| column.tables_mut()).collect();
        if tables.len() != which.len() {
            return Err(Malformed("it has not one table for each that its columns have"));
        }
        let mut first = 0;
        for (table, at) in tables.into_iter().zip(which) {
            let known = different.get(at as usize).filter(|_| at <= first);
            *table = known.ok_or(Malformed("its tables are not numbered as they come"))?.clone();
            first = first.max(at + 1);
        }
        if first != different_len {
            return Err(Malformed("it has a table that no column has"));
        }
        self.schedules = read_schedules(&mut bytes)?;
        bytes.end()?;
        Ok(self)
    }
}

fn read_seen(bytes: &mut Bytes<'_>) -> Result<Seen, Malformed> {
    let mut seen = Seen::default();
    let lens = [bytes.number()?, bytes.number()?, bytes.number()?];
    for (codes, len) in seen.codes.iter_mut().zip(lens) {
        let read = bytes.records(len as usize)?.iter().map(|code| Code::from_bytes(*code));
        *codes = read.collect::<Option<_>>().ok_or(Malformed("what should be a code is none"))?;
    }
    for (at, &group) in Group::ALL[3..].iter().enumerate() {
        let numbers_len = bytes.number()? as usize;
        let ends = bytes.numbers(seen.len(wider(group)))?;
        seen.levels[at] = Level { ends, numbers: bytes.numbers(numbers_len)? };
    }
    Ok(seen)
}

fn read_schedules(bytes: &mut Bytes<'_>) -> Result<Schedules, Malformed> {
    let schedules_len = bytes.number()? as usize;
    let schedule = |&[a, b, c, d]: &[u8; 4]| {
        let (dep_min, arr_min) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        ((dep_min, arr_min) != (NO_TIME, NO_TIME)).then_some(Schedule { dep_min, arr_min })
    };
    Ok(Schedules(bytes.records(schedules_len)?.iter().map(schedule).collect()))
}
