//! Resolves airports that are named by BTS's airport ids to codes.
//!
//! BTS gives each airport an id of five digits that stays when its code changes (14747 is SEA), and a number of seven
//! digits that begins with the id. Some tables have these numbers in place of codes: a well-known one has them in its
//! months of October. A number is never used as a code.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::error::{BrokenRow, ImportError};
use crate::flight::Code;

/// Upper bound on ids named in an error.
const IDS_NAMED_MAX: usize = 10;
/// Upper bound on ids and on descriptions: BTS has about 7,000.
const ENTRIES_MAX: usize = 100_000;

/// The codes of ids, collected from rows and tables that have both.
#[derive(Debug, Default)]
pub(super) struct AirportIds {
    /// `None` if two codes were seen beside the id.
    codes: HashMap<u32, Option<Code>, RandomState>,
    /// The ids and codes of each description in BTS's lookup tables: one table has ids, the other codes.
    described: HashMap<String, Described, RandomState>,
}

#[derive(Debug, Default)]
struct Described {
    ids: Vec<u32>,
    codes: Vec<Code>,
}

/// Returns whether a text in place of an airport's code is a number. Texts of up to three digits count as codes: some
/// private airfields have codes with digits, but no known one has four digits.
pub(super) fn is_number(text: &str) -> bool {
    text.len() >= 4 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Parses the id in a number.
fn id(number: &str) -> Option<u32> {
    match number.len() {
        5 => number.parse().ok(),
        7 => number[..5].parse().ok(),
        _ => None,
    }
}

impl AirportIds {
    /// Records an id and a code of the same row.
    pub(super) fn learn(&mut self, number: &str, code: Code) {
        let Some(id) = is_number(number).then(|| id(number)).flatten() else { return };
        let known = self.codes.len();
        match self.codes.get_mut(&id) {
            Some(known) if *known != Some(code) => *known = None,
            None if known < ENTRIES_MAX => {
                self.codes.insert(id, Some(code));
            }
            _ => {}
        }
    }

    /// Records a row of a lookup table: an id or a code, and its description.
    pub(super) fn describe(&mut self, key: &str, description: &str) {
        let description = description.trim();
        if description.is_empty() || (self.described.len() >= ENTRIES_MAX && !self.described.contains_key(description))
        {
            return;
        }
        let described = self.described.entry(description.to_owned()).or_default();
        if is_number(key) {
            described.ids.extend(id(key).filter(|id| !described.ids.contains(id) && described.ids.len() < 2));
        } else if let Ok(code) = key.parse() {
            described
                .codes
                .extend(Some(code).filter(|code| !described.codes.contains(code) && described.codes.len() < 2));
        }
    }

    /// Adds the ids of another text.
    pub(super) fn merge(&mut self, other: AirportIds) {
        for (id, code) in other.codes {
            match code {
                Some(code) => self.learn(&id.to_string(), code),
                None => _ = self.codes.insert(id, None),
            }
        }
        for (description, Described { ids, codes }) in other.described {
            ids.iter().for_each(|id| self.describe(&id.to_string(), &description));
            codes.iter().for_each(|code| self.describe(code.as_str(), &description));
        }
    }

    /// Adds the codes of the lookup tables for ids that no row has beside a code.
    fn join_lookup_tables(&mut self) {
        for described in std::mem::take(&mut self.described).into_values() {
            if let (&[id], &[code]) = (described.ids.as_slice(), described.codes.as_slice()) {
                self.codes.entry(id).or_insert(Some(code));
            }
        }
    }

    /// Replaces the numbers among `codes` by codes; `first` is the row with the first number.
    pub(super) fn resolve<'a>(
        mut self,
        codes: impl Iterator<Item = &'a mut Code>,
        first: &BrokenRow,
    ) -> Result<(), ImportError> {
        self.join_lookup_tables();
        let (mut unknown, mut count) = (Vec::new(), 0);
        for code in codes.filter(|code| is_number(code.as_str())) {
            match id(code.as_str()).and_then(|id| self.codes.get(&id).copied().flatten()) {
                Some(found) => *code = found,
                None => {
                    count += 1;
                    if unknown.len() < IDS_NAMED_MAX && !unknown.contains(code) {
                        unknown.push(*code);
                    }
                }
            }
        }
        if count == 0 {
            return Ok(());
        }
        let ids = unknown.iter().map(Code::to_string).collect();
        Err(ImportError::AirportIds { file: first.file.clone(), line: first.line, count, ids })
    }
}
