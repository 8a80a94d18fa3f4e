//! The tables of a feature set as a section of the model file. Numbers are little-endian with 32 bits.
//!
//! 1. The codes of the vocabulary: the numbers of airlines, origins and destinations, then each as 8 bytes, padded with
//!    zeros.
//! 2. The categories of each other group, groups in their order: their number, the end of each category of the parent
//!    group, and the keys.
//! 3. The tables of means and frequencies: the number of distinct ones, then each as its length and values; infinity is
//!    a missing value. Then the number of the columns' tables, in the order of columns, each before its priors', and
//!    the index of each among the distinct ones. They are numbered in order of first occurrence, so that equal feature
//!    sets are equal bytes.
//! 4. Schedules: their number, then departure and arrival with 16 bits each; 65,535 is a missing schedule.

use std::sync::Arc;

use super::{
    encoders::{LookupTable, Schedules},
    feature_set::FeatureSet,
    vocabulary::{Group, Level, Vocabulary},
};
use crate::{
    binary::{CorruptSection, SectionReader, put_len, put_numbers},
    flight::{Code, Schedule},
};

const NO_TIME: u16 = u16::MAX;

impl FeatureSet {
    /// Writes the section.
    pub(crate) fn tables(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.vocabulary.codes.iter().for_each(|codes| put_len(&mut bytes, codes.len()));
        bytes.extend(self.vocabulary.codes.iter().flatten().flat_map(|code| code.to_bytes()));
        for level in &self.vocabulary.levels {
            put_len(&mut bytes, level.keys.len());
            put_numbers(&mut bytes, &level.ends);
            put_numbers(&mut bytes, &level.keys);
        }
        let mut distinct: Vec<&LookupTable> = Vec::new();
        let mut which = Vec::new();
        for (_, table) in self.columns.iter().flat_map(|column| column.tables()) {
            let known = distinct.iter().position(|known| *known == table);
            which.push(known.unwrap_or(distinct.len()) as u32);
            if known.is_none() {
                distinct.push(table);
            }
        }
        put_len(&mut bytes, distinct.len());
        for table in distinct {
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

    /// Returns the feature set with the tables of a section. [`FeatureSet::check`] is left to the caller.
    pub(crate) fn with_tables(mut self, section: &[u8]) -> Result<Self, CorruptSection> {
        let mut bytes = SectionReader(section);
        self.vocabulary = read_vocabulary(&mut bytes)?;
        let distinct_len = bytes.number()?;
        let mut distinct = Vec::new();
        for _ in 0..distinct_len {
            let values_len = bytes.number()? as usize;
            let values = bytes.records(values_len)?;
            distinct.push(LookupTable(values.iter().map(|value| f32::from_le_bytes(*value)).collect::<Arc<[f32]>>()));
        }
        let which_len = bytes.number()? as usize;
        let which = bytes.numbers(which_len)?;
        let tables: Vec<&mut LookupTable> = self.columns.iter_mut().flat_map(|column| column.tables_mut()).collect();
        if tables.len() != which.len() {
            return Err(CorruptSection("it has not one table for each that its columns have"));
        }
        let mut first = 0;
        for (table, at) in tables.into_iter().zip(which) {
            let known = distinct.get(at as usize).filter(|_| at <= first);
            *table = known.ok_or(CorruptSection("its tables are not numbered as they come"))?.clone();
            first = first.max(at + 1);
        }
        if first != distinct_len {
            return Err(CorruptSection("it has a table that no column has"));
        }
        self.schedules = read_schedules(&mut bytes)?;
        bytes.end()?;
        Ok(self)
    }
}

fn read_vocabulary(bytes: &mut SectionReader<'_>) -> Result<Vocabulary, CorruptSection> {
    let mut vocabulary = Vocabulary::default();
    let lens = [bytes.number()?, bytes.number()?, bytes.number()?];
    for (codes, len) in vocabulary.codes.iter_mut().zip(lens) {
        let read = bytes.records(len as usize)?.iter().map(|code| Code::from_bytes(*code));
        *codes = read.collect::<Option<_>>().ok_or(CorruptSection("what should be a code is none"))?;
    }
    for (at, &group) in Group::ALL[3..].iter().enumerate() {
        let keys_len = bytes.number()? as usize;
        let ends = bytes.numbers(vocabulary.len(group.parent()))?;
        vocabulary.levels[at] = Level { ends, keys: bytes.numbers(keys_len)? };
    }
    Ok(vocabulary)
}

fn read_schedules(bytes: &mut SectionReader<'_>) -> Result<Schedules, CorruptSection> {
    let schedules_len = bytes.number()? as usize;
    let schedule = |&[a, b, c, d]: &[u8; 4]| {
        let (dep_min, arr_min) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        ((dep_min, arr_min) != (NO_TIME, NO_TIME)).then_some(Schedule { dep_min, arr_min })
    };
    Ok(Schedules(bytes.records(schedules_len)?.iter().map(schedule).collect()))
}
